"""Where the control key comes from, and which modes may do without one."""

from pathlib import Path

import pytest

from hedgegrid.runtime.control_key import control_key
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.redaction import redact
from hedgegrid.runtime.settings import ServiceSettings
from tests.control_key import KEY, key_file


@pytest.mark.parametrize("mode", ["demo", "testnet", "live"])
def test_a_mode_that_trades_at_bybit_needs_a_key(mode: str) -> None:
    with pytest.raises(ConfigError, match="HEDGEGRID_CONTROL_KEY_FILE is not set"):
        control_key(ServiceSettings(), mode)


def test_paper_may_do_without_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert control_key(ServiceSettings(), "paper") is None
    assert "anybody who can write to Redis" in caplog.text


def test_the_key_is_read_and_never_shown(tmp_path: Path) -> None:
    settings = ServiceSettings(control_key_file=key_file(tmp_path))
    assert control_key(settings, "live") == KEY
    assert KEY.decode() not in redact(f"it is {KEY.decode()}")


@pytest.mark.parametrize(("text", "words"), [(None, "cannot be read"), ("short", "less than 32 characters")])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, text: str | None, words: str) -> None:
    file = tmp_path / "key"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        control_key(ServiceSettings(control_key_file=file), "paper")
