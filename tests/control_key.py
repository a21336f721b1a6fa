"""Signed control messages for tests: a key, its file, and a sender that is what the operator would be."""

from pathlib import Path
from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.signed_control import send, signed_fields
from hedgegrid.messages.control import ControlMessage

KEY = b"c0ffee00" * 8
OTHER_KEY = b"deadbeef" * 8


def key_file(folder: Path) -> Path:
    """Write `KEY` where a service may read it."""
    file = folder / "control-key"
    file.write_bytes(KEY)
    file.chmod(0o600)
    return file


def server_ms(client: redis.Redis) -> int:
    answer: Any = client.time()
    return int(answer[0]) * 1000 + int(answer[1]) // 1000


def send_control(
    client: redis.Redis, account: str, *wishes: ControlMessage, key: bytes | None = KEY, age_ms: int = 0
) -> None:
    """Append messages signed `age_ms` ago; with key None they are unsigned."""
    for wish in wishes:
        send(client, keys.control(account), wish, key, server_ms(client) - age_ms)


def signed(account: str, wish: ControlMessage, issued_ms: int, key: bytes | None = KEY) -> dict[bytes, bytes]:
    """The fields of an entry, for whoever wants to write it twice or spoil it."""
    return signed_fields(key, keys.control(account), wish, issued_ms)
