"""Where unreadable entries go: kept whole, with the reason, never silently skipped."""

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.reader import Entry


def set_aside(client: redis.Redis, entry: Entry, reason: str) -> None:
    """Copy an entry to `<stream>:dead` with why and where it stood."""
    set_aside_raw(client, entry.stream, entry.fields.get(b"__data__", repr(entry.fields)), reason, entry.id)


def set_aside_raw(client: redis.Redis, stream: str, raw: bytes | str, reason: str, entry_id: str = "") -> None:
    """Keep raw input that never made it into `stream`, such as a garbage frame of a socket."""
    client.xadd(keys.dead(stream), {"raw": raw, "reason": reason, "id": entry_id})
