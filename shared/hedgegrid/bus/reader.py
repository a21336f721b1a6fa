"""Reading streams from explicit positions. The position to start from belongs to the reader's own committed state."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import redis

from hedgegrid.bus.connection import BLOCK_MS

START = "0-0"
READ_COUNT = 256


class Entry(NamedTuple):
    stream: str
    id: str
    fields: dict[bytes, bytes]


class TrimmedAway(Exception):
    """The checkpoint entry is gone, so entries after it may be gone too: only the venue knows what happened."""


class CheckpointReader:
    """Multi-stream XREAD from explicit ids: never `$` (loses what came between two calls), never BLOCK 0."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self.positions: dict[str, str] = {}

    def follow(self, stream: str, position: str = START) -> None:
        """Read `stream` from behind `position` on; a stream already followed keeps the older position."""
        known = self.positions.get(stream)
        if known is None or id_key(position) < id_key(known):
            self.positions[stream] = position

    def unfollow(self, stream: str) -> None:
        self.positions.pop(stream, None)

    def read(self, block_ms: int = BLOCK_MS, count: int = READ_COUNT) -> list[Entry]:
        """Entries after the positions, at most `count` a stream; waits up to `block_ms` for the first one.

        Raises:
            redis.RedisError: nothing was read, the positions stand as they were.
        """
        if not self.positions:
            return []
        positions: dict[Any, Any] = dict(self.positions)
        answer: Any = self._client.xread(positions, count=count, block=block_ms)
        entries: list[Entry] = []
        for raw_stream, rows in answer or ():
            stream = raw_stream.decode()
            entries.extend(Entry(stream, raw_id.decode(), fields or {}) for raw_id, fields in rows)
            if stream in self.positions:  # it may have been let go while this read was waiting
                self.positions[stream] = rows[-1][0].decode()
        return entries


def check_not_trimmed(client: redis.Redis, stream: str, position: str) -> None:
    """Make sure the entry at `position` still exists; XREAD below a trimmed range skips without an error.

    Raises:
        TrimmedAway: it does not.
    """
    if position != START and not client.xrange(stream, position, position):
        raise TrimmedAway(f"{stream} no longer holds {position}")


def last_id(client: redis.Redis, stream: str) -> str:
    """Id of the newest entry, `0-0` for an empty stream."""
    rows: Any = client.xrevrange(stream, count=1)
    return rows[0][0].decode() if rows else START


def before_newest(client: redis.Redis, stream: str, count: int) -> str:
    """Position from which the newest `count` entries are read again."""
    rows: Any = client.xrevrange(stream, count=count + 1)
    return rows[-1][0].decode() if len(rows) > count else START


def id_key(entry_id: str) -> tuple[int, int]:
    """Stream ids in the order Redis gives them."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def newest(ids: Iterable[str]) -> str:
    return max(ids, key=id_key, default=START)
