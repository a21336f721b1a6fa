"""A sign of life that cannot be forged or replayed: the asker's own nonce, signed with a key both sides hold."""

import hashlib
import hmac

import msgspec

_PURPOSE = b"hedgegrid heartbeat\n"


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """`serving`: the executor holds the account's lease, its loop turns, and it can reach Redis."""

    account: str
    nonce: str
    now_ms: int
    serving: bool


class BeatRefused(ValueError):
    """An answer that proves nothing; says why."""


def signed_beat(key: bytes, beat: Beat) -> bytes:
    """Two lines: the beat as JSON, and in hex the HMAC-SHA256 of that line."""
    line = msgspec.json.encode(beat)
    return line + b"\n" + _signature(key, line) + b"\n"


_beat = msgspec.json.Decoder(Beat)


def open_beat(key: bytes, raw: bytes, account: str, nonce: str) -> Beat:
    """The beat that answers our question.

    Raises:
        BeatRefused: it is not signed with the key, of another account, or answers another question.
    """
    line, _, signature = raw.strip().partition(b"\n")
    if not hmac.compare_digest(_signature(key, line), signature):
        raise BeatRefused("its signature is wrong")
    try:
        beat = _beat.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BeatRefused(f"it cannot be read: {error}") from error
    if beat.account != account or beat.nonce != nonce:
        raise BeatRefused("it answers another question")
    return beat


def _signature(key: bytes, line: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + line, hashlib.sha256).hexdigest().encode()
