"""Writes Alertmanager's configuration from a few settings.  usage: routes.py KEYS_FOLDER TARGET_FILE

Environment: ALERT_TO (any of telegram, webhook, email, by commas; empty: alerts are only shown), ALERT_TELEGRAM_CHAT,
ALERT_EMAIL_TO, ALERT_EMAIL_FROM, ALERT_SMTP (host:port), ALERT_SMTP_USER (default: ALERT_EMAIL_FROM). Files of
KEYS_FOLDER: telegram_token, webhook_url, smtp_password. What is missing or wrong ends it with one line and code 2.
The target is JSON, which is YAML; it holds the secrets, so only its owner may read it. Standard library only.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RECEIVER = "operator"
WAYS = ("telegram", "webhook", "email")


class SettingError(Exception):
    """One line that names the setting and the fix."""


def configuration(settings: Mapping[str, str], keys: Path) -> dict[str, Any]:
    """What Alertmanager reads.

    Raises:
        SettingError: a setting or a key file is missing or malformed.
    """
    ways = [way.strip() for way in settings.get("ALERT_TO", "").split(",") if way.strip()]
    unknown = [way for way in ways if way not in WAYS]
    if unknown:
        raise SettingError(f"ALERT_TO: {unknown[0]!r} is none of {', '.join(WAYS)}")
    receiver: dict[str, Any] = {"name": RECEIVER}
    if "telegram" in ways:
        receiver["telegram_configs"] = [_telegram(settings, keys)]
    if "webhook" in ways:
        receiver["webhook_configs"] = [{"url": _url(_key(keys, "webhook_url")), "send_resolved": True}]
    if "email" in ways:
        receiver["email_configs"] = [_email(settings, keys)]
    return {
        "route": {
            "receiver": RECEIVER,
            "group_by": ["alertname", "account"],
            "group_wait": "10s",
            "group_interval": "2m",
            "repeat_interval": "4h",
            "routes": [{"receiver": RECEIVER, "matchers": ['severity="page"'], "repeat_interval": "30m"}],
        },
        # A dead gateway makes its feeds look lost as well: one message is enough.
        "inhibit_rules": [
            {
                "source_matchers": ['alertname="ServiceDown"'],
                "target_matchers": ['alertname=~"FeedLost|FeedStale|NoHeartbeat"'],
                "equal": ["service"],
            }
        ],
        "receivers": [receiver],
    }


def _telegram(settings: Mapping[str, str], keys: Path) -> dict[str, Any]:
    chat = settings.get("ALERT_TELEGRAM_CHAT", "")
    if not re.fullmatch(r"-?\d+", chat):
        raise SettingError(f"ALERT_TELEGRAM_CHAT: the number of a chat is needed, not {chat!r}")
    # Plain text: names with an underscore would break Markdown.
    return {"bot_token": _key(keys, "telegram_token"), "chat_id": int(chat), "parse_mode": "", "send_resolved": True}


def _email(settings: Mapping[str, str], keys: Path) -> dict[str, Any]:
    sender, to, smarthost = (settings.get(name, "") for name in ("ALERT_EMAIL_FROM", "ALERT_EMAIL_TO", "ALERT_SMTP"))
    for name, address in (("ALERT_EMAIL_FROM", sender), ("ALERT_EMAIL_TO", to)):
        if "@" not in address:
            raise SettingError(f"{name}: an e-mail address is needed, not {address!r}")
    if not re.fullmatch(r"[^\s:]+:\d+", smarthost):
        raise SettingError(f"ALERT_SMTP: host:port is needed, not {smarthost!r}")
    return {
        "to": to,
        "from": sender,
        "smarthost": smarthost,
        "auth_username": settings.get("ALERT_SMTP_USER") or sender,
        "auth_password": _key(keys, "smtp_password"),
        "send_resolved": True,
    }


def _key(folder: Path, name: str) -> str:
    try:
        value = (folder / name).read_text().strip()
    except OSError as error:
        raise SettingError(
            f"ALERT_KEYS: the folder needs a file {name}, readable by user 65534 ({error.strerror})"
        ) from error
    if not value:
        raise SettingError(f"ALERT_KEYS: the file {name} is empty")
    return value


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://\S+", text):
        raise SettingError("ALERT_KEYS: webhook_url must hold one http(s) address")
    return text


def main(keys: Path, target: Path) -> int:
    """Write the file; 2 when the settings do not allow it."""
    try:
        told = json.dumps(configuration(os.environ, keys), indent=1)
    except SettingError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    target.unlink(missing_ok=True)
    target.touch(mode=0o400)
    target.chmod(0o600)
    target.write_text(told)
    target.chmod(0o400)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
