"""Keys come from variables or files, print as asterisks, and their absence names the variables."""

from pathlib import Path

import pytest

from hedgegrid.runtime.redaction import redact
from hedgegrid.runtime.settings import ConfigError, credentials

KEY, SECRET = "kkkkFAKEkkkk1111", "ssssFAKEssss2222"


def test_from_variables_and_never_shown() -> None:
    got = credentials("sub-1", {"HEDGEGRID_SUB_1_API_KEY": KEY, "HEDGEGRID_SUB_1_API_SECRET": SECRET})
    assert got.api_key.get_secret_value() == KEY
    assert got.api_secret.get_secret_value() == SECRET
    assert KEY not in repr(got) + str(got)
    assert SECRET not in repr(got) + str(got)
    assert redact(f"sent {KEY} with {SECRET}") == "sent *** with ***"


def test_from_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    got = credentials(
        "main",
        {
            "HEDGEGRID_MAIN_API_KEY_FILE": str(tmp_path / "key"),
            "HEDGEGRID_MAIN_API_SECRET_FILE": str(tmp_path / "secret"),
        },
    )
    assert got.api_key.get_secret_value() == KEY
    assert got.api_secret.get_secret_value() == SECRET


def test_from_one_folder_for_every_account(tmp_path: Path) -> None:
    for account in ("main", "sub-1"):
        (tmp_path / f"{account}_api_key").write_text(f"{account}-{KEY}\n")
        (tmp_path / f"{account}_api_secret").write_text(f"{account}-{SECRET}\n")
    for account in ("main", "sub-1"):
        got = credentials(account, {"HEDGEGRID_VENUE_KEYS": str(tmp_path)})
        assert got.api_key.get_secret_value() == f"{account}-{KEY}"
        assert got.api_secret.get_secret_value() == f"{account}-{SECRET}"
    own = {"HEDGEGRID_MAIN_API_KEY": KEY, "HEDGEGRID_MAIN_API_SECRET": SECRET, "HEDGEGRID_VENUE_KEYS": "/no/such"}
    assert credentials("main", own).api_key.get_secret_value() == KEY


def test_an_rsa_key_is_masked_line_by_line() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvFAKElineone\nFAKElinetwo==\n-----END PRIVATE KEY-----"
    credentials("rsa", {"HEDGEGRID_RSA_API_KEY": KEY, "HEDGEGRID_RSA_API_SECRET": pem})
    assert redact("x FAKElinetwo== y") == "x *** y"


@pytest.mark.parametrize(
    ("environ", "parts"),
    [
        ({}, ("HEDGEGRID_MAIN_API_KEY and HEDGEGRID_MAIN_API_SECRET", "'main'", "_FILE")),
        ({"HEDGEGRID_MAIN_API_KEY": KEY}, ("set HEDGEGRID_MAIN_API_SECRET,",)),
        ({"HEDGEGRID_VENUE_KEYS": "/no/such"}, ("HEDGEGRID_VENUE_KEYS: '/no/such/main_api_key'", "No such file")),
        ({"HEDGEGRID_MAIN_API_KEY_FILE": "/no/such"}, ("KEY_FILE='/no/such'", "No such file")),
        (
            {"HEDGEGRID_MAIN_API_KEY": KEY, "HEDGEGRID_MAIN_API_KEY_FILE": "/x"},
            ("both HEDGEGRID_MAIN_API_KEY and", "keep one"),
        ),
        (
            {"HEDGEGRID_MAIN_API_KEY": f'"{KEY}"', "HEDGEGRID_MAIN_API_SECRET": SECRET},
            ("HEDGEGRID_MAIN_API_KEY holds", "quote"),
        ),
        (
            {"HEDGEGRID_MAIN_API_KEY": KEY, "HEDGEGRID_MAIN_API_SECRET": "abc"},
            ("HEDGEGRID_MAIN_API_SECRET is shorter",),
        ),
    ],
)
def test_errors_name_the_variable_and_not_the_value(environ: dict[str, str], parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        credentials("main", environ)
    text = str(caught.value)
    for part in parts:
        assert part in text
    assert KEY not in text
    assert SECRET not in text
