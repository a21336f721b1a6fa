"""Trimming of account streams: only what every reader has behind it, and only once it is old.

Never by length: a read below a trimmed range skips what is gone without an error.
"""

from collections.abc import Iterable
from typing import Any

import redis

from hedgegrid.bus.reader import START, id_key


def group_positions(client: redis.Redis, stream: str) -> list[str]:
    """For each consumer group of a stream the newest id below which nothing is left to it; none without the stream.

    An entry delivered but not acknowledged is still to be read again.
    """
    if not client.exists(stream):
        return []
    positions: list[str] = []
    groups: Any = client.xinfo_groups(stream)
    for group in groups:
        pending: Any = client.xpending(stream, group["name"])
        position: bytes = pending["min"] or group["last-delivered-id"]
        positions.append(position.decode())
    return positions


def trim(client: redis.Redis, stream: str, positions: Iterable[str], oldest_kept_ms: int) -> int:
    """Remove entries that are older than `oldest_kept_ms` and older than every position; returns how many went.

    The entry at a position stays: its reader checks that it still exists. Without a position nothing goes. A few that
    could go may stay, since Redis drops whole blocks.
    """
    slowest = min(positions, key=id_key, default=START)
    below = min(slowest, f"{oldest_kept_ms}-0", key=id_key)
    if below == START:
        return 0
    return int(client.xtrim(stream, minid=below, approximate=True))
