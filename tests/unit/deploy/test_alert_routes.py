"""Where alerts go follows from settings; what Alertmanager would not take is refused before it starts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real_components import missing

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "deploy/alertmanager/routes.py"
EMAIL = {
    "ALERT_EMAIL_TO": "me@example.com",
    "ALERT_EMAIL_FROM": "grid@example.com",
    "ALERT_SMTP": "smtp.example.com:587",
}
KEYS = {"telegram_token": "123:abc", "webhook_url": "https://example.com/hook", "smtp_password": "pass"}
EVERYTHING = {"ALERT_TO": "telegram, webhook,email", "ALERT_TELEGRAM_CHAT": "-100123", **EMAIL}


def routes(folder: Path, settings: dict[str, str], keys: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    (folder / "keys").mkdir()
    for name, value in keys.items():
        (folder / "keys" / name).write_text(f"{value}\n")
    command = [sys.executable, str(SCRIPT), str(folder / "keys"), str(folder / "alertmanager.yml")]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=30)


def test_without_settings_alerts_are_only_shown(tmp_path: Path) -> None:
    assert routes(tmp_path, {}, {}).returncode == 0
    written = json.loads((tmp_path / "alertmanager.yml").read_text())
    assert written["receivers"] == [{"name": "operator"}]


def test_every_way_at_once(tmp_path: Path) -> None:
    assert routes(tmp_path, EVERYTHING, KEYS).returncode == 0
    file = tmp_path / "alertmanager.yml"
    assert file.stat().st_mode & 0o777 == 0o400
    [receiver] = json.loads(file.read_text())["receivers"]
    assert receiver["telegram_configs"][0] | {"send_resolved": 0} == {
        "bot_token": "123:abc", "chat_id": -100123, "parse_mode": "", "send_resolved": 0,
    }  # fmt: skip
    assert receiver["webhook_configs"][0]["url"] == KEYS["webhook_url"]
    assert receiver["email_configs"][0]["auth_username"] == "grid@example.com"


@pytest.mark.parametrize(
    ("settings", "keys", "expected"),
    [
        ({"ALERT_TO": "pigeon"}, {}, "ALERT_TO: 'pigeon' is none of telegram, webhook, email"),
        ({"ALERT_TO": "telegram"}, KEYS, "ALERT_TELEGRAM_CHAT: the number of a chat is needed, not ''"),
        (
            {"ALERT_TO": "telegram", "ALERT_TELEGRAM_CHAT": "1"},
            {},
            "ALERT_KEYS: the folder needs a file telegram_token",
        ),
        ({"ALERT_TO": "webhook"}, {"webhook_url": ""}, "ALERT_KEYS: the file webhook_url is empty"),
        ({"ALERT_TO": "webhook"}, {"webhook_url": "hook"}, "webhook_url must hold one http(s) address"),
        ({**EMAIL, "ALERT_TO": "email", "ALERT_SMTP": "smtp"}, KEYS, "ALERT_SMTP: host:port is needed, not 'smtp'"),
        ({**EMAIL, "ALERT_TO": "email", "ALERT_EMAIL_TO": ""}, KEYS, "ALERT_EMAIL_TO: an e-mail address is needed"),
    ],
)
def test_what_is_missing_is_one_line(
    tmp_path: Path, settings: dict[str, str], keys: dict[str, str], expected: str
) -> None:
    done = routes(tmp_path, settings, keys)
    assert done.returncode == 2
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert not any(key and key in done.stderr for key in keys.values() if len(key) > 4)
    assert not (tmp_path / "alertmanager.yml").exists()


@pytest.mark.parametrize("settings", [{}, EVERYTHING], ids=["shown only", "every way"])
def test_alertmanager_accepts_it(tmp_path: Path, settings: dict[str, str]) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        missing("amtool: apt-get install prometheus-alertmanager")
    assert routes(tmp_path, settings, KEYS).returncode == 0
    checked = subprocess.run(
        [amtool, "check-config", str(tmp_path / "alertmanager.yml")],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
