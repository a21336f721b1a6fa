"""Where unreadable entries go: kept whole, with the reason, never silently skipped."""

from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.reader import Entry

LOOKED_BACK = 100


def set_aside(client: redis.Redis, entry: Entry, reason: str) -> None:
    """Copy an entry to `<stream>:dead` with why and where it stood; once, however many readers of the stream do so.

    The copy has the entry's own id, which Redis takes only once. When something younger is in already, the copy gets
    a new id, unless one of the newest letters is of this entry.
    """
    dead = keys.dead(entry.stream)
    letter = _letter(entry.fields.get(b"__data__", repr(entry.fields)), reason, entry.id)
    try:
        client.xadd(dead, letter, id=entry.id)  # type: ignore[arg-type]
    except redis.ResponseError as error:
        if "equal or smaller" not in str(error):
            raise
        newest: Any = client.xrevrange(dead, count=LOOKED_BACK)
        if not any(fields.get(b"id") == entry.id.encode() for _, fields in newest):
            client.xadd(dead, letter)  # type: ignore[arg-type]


def set_aside_raw(client: redis.Redis, stream: str, raw: bytes | str, reason: str, entry_id: str = "") -> None:
    """Keep raw input that never made it into `stream`, such as a garbage frame of a socket."""
    client.xadd(keys.dead(stream), _letter(raw, reason, entry_id))  # type: ignore[arg-type]


def _letter(raw: bytes | str, reason: str, entry_id: str) -> dict[str, bytes | str]:
    return {"raw": raw, "reason": reason, "id": entry_id}
