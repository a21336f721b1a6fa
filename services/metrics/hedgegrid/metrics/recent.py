"""The newest things that happened, read from the ends of the streams.

Nothing depends on them, so they are read without a group: what is missed is missed, what is trimmed is gone. What an
operator asks for is told once it is obeyed: until then nobody has checked who asked.
"""

from collections.abc import Callable
from typing import Any

import redis

from hedgegrid.bus import codec, keys
from hedgegrid.messages.base import Message
from hedgegrid.metrics.news import News, news_of

KEPT = 40
"""Of each kind, per account."""
TAIL = 500
"""Entries of a stream looked through at the start, and at most at each poll after it."""
KINDS = ("fill", "order", "cycle", "alert")


class RecentNews:
    """One poller thread; any thread may read `of`."""

    def __init__(self, accounts: list[str]) -> None:
        self._streams: dict[str, tuple[str, Callable[[dict[bytes, bytes]], Message]]] = {}
        for account in accounts:
            self._streams[keys.events(account)] = account, codec.decode_event
            self._streams[keys.ledger(account)] = account, codec.decode_ledger
        self._positions: dict[str, str] = {}
        self._news: dict[tuple[str, str], list[News]] = {(account, kind): [] for account in accounts for kind in KINDS}

    def poll(self, client: redis.Redis) -> None:
        """Take what is new; of more than `TAIL` entries only the newest."""
        found: dict[tuple[str, str], list[News]] = {}
        for stream, (account, decode) in self._streams.items():
            low = f"({self._positions[stream]}" if stream in self._positions else "-"
            rows: Any = client.xrevrange(stream, min=low, count=TAIL)
            for entry_id, fields in reversed(rows):
                self._positions[stream] = entry_id.decode()
                told = _told(decode, fields)
                if told is not None:
                    found.setdefault((account, told.kind), []).append(told)
        for key, new in found.items():
            self._news[key] = sorted(self._news[key] + new, key=lambda one: one.ts_ms)[-KEPT:]

    def of(self, account: str) -> list[News]:
        """Newest first."""
        found = [one for kind in KINDS for one in self._news[account, kind]]
        return sorted(found, key=lambda one: one.ts_ms, reverse=True)


def _told(decode: Callable[[dict[bytes, bytes]], Message], fields: dict[bytes, bytes]) -> News | None:
    try:
        return news_of(decode(fields))
    except codec.UnreadableMessage:
        return None  # the consumers set it aside and count it
