"""Before the broker starts: groups exist, and everything a former process was handed is counted, in order.

FastStream would create a missing group at the stream's end and never delivers a pending entry again.
"""

import logging
from typing import Any

import redis

from hedgegrid.bus import dead_letter
from hedgegrid.bus.reader import START, CheckpointReader, Entry, TrimmedAway, check_not_trimmed, id_key
from hedgegrid.metrics.streams import AccountStream
from hedgegrid.metrics.totals import Totals

GROUP = "metrics"
CONSUMER = "metrics"
"""One stable name: the lease lets one process read at a time, and its successor owns what it left pending."""
CHUNK = 1000

_log = logging.getLogger(__name__)


def ensure_group(client: redis.Redis, stream: str, group: str = GROUP) -> None:
    """Create a group of the stream at its beginning unless it exists."""
    try:
        client.xgroup_create(stream, group, id="0", mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise


def catch_up(client: redis.Redis, stream: AccountStream, totals: Totals) -> int:
    """Count every entry after the saved position that the group was handed already; return how many.

    That covers entries delivered and not saved (a crash), and with no saved position the whole past.
    """
    delivered = _last_delivered(client, stream.name)
    _warn_if_trimmed(client, stream)
    counted = 0
    while entries := _range(client, stream.name, stream.projection.position, delivered):
        for unreadable in stream.fold(entries):
            dead_letter.set_aside(client, unreadable.entry, unreadable.reason)
        counted += len(entries)
        totals.commit({stream.kind: stream.projection.dump()})
    _acknowledge_all(client, stream.name)
    return counted


def newest(client: redis.Redis, stream: str) -> Entry | None:
    """Return the last entry of a stream."""
    rows: Any = client.xrevrange(stream, count=1)
    return Entry(stream, rows[0][0].decode(), rows[0][1]) if rows else None


def _range(client: redis.Redis, stream: str, after: str, upto: str) -> list[Entry]:
    if id_key(after) >= id_key(upto):
        return []
    reader = CheckpointReader(client)
    reader.follow(stream, after)
    return [entry for entry in reader.read(block_ms=1, count=CHUNK) if id_key(entry.id) <= id_key(upto)]


def _last_delivered(client: redis.Redis, stream: str) -> str:
    groups: Any = client.xinfo_groups(stream)
    for group in groups:
        if group["name"] == GROUP.encode():
            last: bytes = group["last-delivered-id"]
            return last.decode()
    return START


def _acknowledge_all(client: redis.Redis, stream: str) -> None:
    while True:
        pending: Any = client.xpending_range(stream, GROUP, min="-", max="+", count=CHUNK)
        if not pending:
            return
        client.xack(stream, GROUP, *(row["message_id"] for row in pending))


def _warn_if_trimmed(client: redis.Redis, stream: AccountStream) -> None:
    try:
        check_not_trimmed(client, stream.name, stream.projection.position)
    except TrimmedAway as error:
        _log.warning("%s: entries after it may be missing from the totals", error)
