"""Control messages that prove who sent them: the right to write to Redis alone must not move money.

Beside the message an entry of `{acct}:control` carries `nonce`, `issued_ms` and `signature`: HMAC-SHA256 with the
control key over the stream's name, the nonce, the time and the very bytes of the message, its actor among them. An
entry is judged by the time of its own id, not by the reader's clock: who reads the stream from its beginning at a
restart gives the same answer as who read it live.
"""

import hashlib
import hmac
import secrets
from typing import Any

import redis

from hedgegrid.bus import codec
from hedgegrid.bus.reader import START, Entry, id_key
from hedgegrid.messages.control import ControlMessage

WINDOW_MS = 30_000
"""Farthest that a message's own time may lie from the time of its entry, either way."""
NONCE, ISSUED_MS, SIGNATURE = b"nonce", b"issued_ms", b"signature"


class ControlRefused(codec.UnreadableMessage):
    """An entry nobody may act on; `why` is `unsigned`, `forged`, `stale`, `replayed` or `unreadable`."""

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why


def signed_fields(key: bytes | None, stream: str, message: ControlMessage, now_ms: int) -> dict[bytes, bytes]:
    """A stream entry of a message; without a key it is unsigned."""
    entry = codec.fields(message)
    if key is None:
        return entry
    entry |= {NONCE: secrets.token_hex(16).encode(), ISSUED_MS: str(now_ms).encode()}
    return entry | {SIGNATURE: _signature(key, stream, entry)}


def send(client: redis.Redis, stream: str, message: ControlMessage, key: bytes | None, now_ms: int) -> None:
    """Append a control message.

    Raises:
        redis.RedisError: whether it is in is unknown; sending it anew is harmless.
    """
    client.xadd(stream, signed_fields(key, stream, message, now_ms))  # type: ignore[arg-type]


class ControlReader:
    """Opens the entries of control streams for one reader. Without a key every readable message is taken."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._seen: dict[tuple[str, bytes], str] = {}
        """Nonces of the newest accepted messages: the id of the entry each came with."""

    def open(self, entry: Entry) -> ControlMessage:
        """The message of an entry; the same entry may be opened any number of times.

        Raises:
            ControlRefused: nobody may act on it.
        """
        if self._key is not None:
            self._check_signature(self._key, entry)
        try:
            message = codec.decode_control(entry.fields)
        except codec.UnreadableMessage as error:
            raise ControlRefused("unreadable", str(error)) from error
        if self._key is not None:
            self._check_once(entry)
        return message

    def look_back(self, client: redis.Redis, stream: str, position: str) -> None:
        """Remember what a reader that starts behind `position` has not read itself but a replay could repeat.

        Raises:
            redis.RedisError.
        """
        if self._key is None or position == START:
            return
        oldest_ms = max(0, id_key(position)[0] - 2 * WINDOW_MS)
        rows: Any = client.xrange(stream, min=str(oldest_ms), max=position)
        for row_id, fields in rows:
            try:
                self.open(Entry(stream, row_id.decode(), fields or {}))
            except ControlRefused:
                continue  # it was refused, and told, when it was read

    def _check_signature(self, key: bytes, entry: Entry) -> None:
        fields = entry.fields
        if not all(name in fields for name in (NONCE, ISSUED_MS, SIGNATURE)):
            raise ControlRefused("unsigned", "it is not signed")
        if not fields[ISSUED_MS].isdigit():
            raise ControlRefused("forged", "its time is no number")
        if not hmac.compare_digest(_signature(key, entry.stream, fields), fields[SIGNATURE]):
            raise ControlRefused("forged", "its signature is not that of the control key")

    def _check_once(self, entry: Entry) -> None:
        issued_ms, entry_ms = int(entry.fields[ISSUED_MS]), id_key(entry.id)[0]
        if abs(entry_ms - issued_ms) > WINDOW_MS:
            raise ControlRefused("stale", f"it was issued {entry_ms - issued_ms} ms before it was written")
        nonce = (entry.stream, entry.fields[NONCE])
        if self._seen.setdefault(nonce, entry.id) != entry.id:
            raise ControlRefused("replayed", f"it repeats the message of entry {self._seen[nonce]}")
        self._forget_before(entry_ms - 2 * WINDOW_MS)

    def _forget_before(self, oldest_ms: int) -> None:
        """A repetition of older ones would be stale."""
        for nonce, entry_id in list(self._seen.items()):
            if id_key(entry_id)[0] >= oldest_ms:
                break
            del self._seen[nonce]


def _signature(key: bytes, stream: str, fields: dict[bytes, bytes]) -> bytes:
    text = b"\n".join((stream.encode(), fields[NONCE], fields[ISSUED_MS], fields.get(codec.FIELD, b"")))
    return hmac.new(key, text, hashlib.sha256).hexdigest().encode()
