"""Lengths of streams and dead-letter streams, and how far every reader is behind."""

from collections.abc import Callable, Iterable
from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.progress import bot_progress
from hedgegrid.bus.reader import START, id_key, last_id, newest
from hedgegrid.metrics import bookmarks
from hedgegrid.runtime.metric_names import Metrics

READER = "metrics"
LAG_COUNTED = 1000
"""A lag is counted entry by entry, up to this many."""


class BookmarkLost(Exception):
    """A stream or our bookmark in it is gone; a restart makes it anew."""


class StreamGauges:
    """Asks the money server about account streams and the market server about market streams."""

    def __init__(
        self,
        metrics: Metrics,
        accounts: dict[str, tuple[str, ...]],
        position: Callable[[str], str],
        groups: Iterable[str] = (bookmarks.TOTALS,),
    ) -> None:
        """`position` tells up to which entry this process has read a stream."""
        self._metrics = metrics
        self._position = position
        self._groups = set(groups)
        self._accounts = accounts
        """Symbols of the bots by account."""
        self._stepped: dict[tuple[str, str], str] = {}
        self.lengths: dict[str, int] = {}
        self.lags: dict[str, int] = {}
        """`stream reader` → entries."""

    def poll_money(self, client: redis.Redis) -> dict[str, tuple[int, str]]:
        """Update all gauges of account streams; return our own lag, as far as it is counted, and position by stream.

        Raises:
            BookmarkLost: a bookmark of ours is not there.
        """
        self._memory(client, "money")
        ours: dict[str, tuple[int, str]] = {}
        for account, symbols in self._accounts.items():
            for stream in account_streams(account):
                self._lengths(client, stream)
                self._check_bookmarks(client, stream)
                position = self._position(stream)
                ours[stream] = self._set_lag(client, stream, READER, position), position
            self._checkpoint(client, keys.commands(account), "executor", self._executor_position(client, account))
            for symbol in symbols:
                self._bot(client, account, symbol)
        return ours

    def poll_market(self, client: redis.Redis) -> None:
        """Update the lengths of market streams, and what the workers tell on this server."""
        self._memory(client, "market")
        for account, symbols in self._accounts.items():
            for symbol in symbols:
                _, self._stepped[account, symbol], _ = bot_progress(client, account, symbol)
        for symbol in dict.fromkeys(symbol for symbols in self._accounts.values() for symbol in symbols):
            self._lengths(client, keys.market(symbol))

    def _memory(self, client: redis.Redis, server: str) -> None:
        told: Any = client.info("memory")
        self._metrics.redis_memory_used.labels(server).set(told["used_memory"])
        self._metrics.redis_memory_max.labels(server).set(told["maxmemory"])

    def _lengths(self, client: redis.Redis, stream: str) -> None:
        for name in (stream, keys.dead(stream)):
            self.lengths[name] = int(client.xlen(name))
            self._metrics.stream_length.labels(name).set(self.lengths[name])

    def _check_bookmarks(self, client: redis.Redis, stream: str) -> None:
        try:
            groups: Any = client.xinfo_groups(stream)
        except redis.ResponseError as error:
            raise BookmarkLost(f"{stream}: {error}") from error
        if missing := self._groups - {group["name"].decode() for group in groups}:
            raise BookmarkLost(f"{stream} has no group {', '.join(sorted(missing))}")

    def _executor_position(self, client: redis.Redis, account: str) -> str | None:
        raw: Any = client.hget(keys.executor(account), "checkpoint")
        return raw.decode() if raw else None

    def _bot(self, client: redis.Redis, account: str, symbol: str) -> None:
        """A worker commits its position only with a change of state; in between it tells how far it has come."""
        raw: Any = client.hmget(keys.bot(account, symbol), ["events_at", "control_at"])
        if raw[0] is None:
            return
        events_at, control_at = (position.decode() for position in raw)
        reader = f"strategy:{symbol}"
        stepped = self._stepped.get((account, symbol), START)
        self._checkpoint(client, keys.events(account), reader, newest((events_at, stepped)))
        self._checkpoint(client, keys.control(account), reader, control_at)

    def _checkpoint(self, client: redis.Redis, stream: str, reader: str, position: str | None) -> None:
        if position is not None:
            self._set_lag(client, stream, reader, position)

    def _set_lag(self, client: redis.Redis, stream: str, reader: str, position: str) -> int:
        lag = self.lags[f"{stream} {reader}"] = _entries_after(client, stream, position)
        self._metrics.stream_lag.labels(stream, reader).set(lag)
        return lag


def account_streams(account: str) -> tuple[str, ...]:
    """Return every stream of an account."""
    return keys.events(account), keys.ledger(account), keys.commands(account), keys.control(account)


def _entries_after(client: redis.Redis, stream: str, position: str) -> int:
    if id_key(last_id(client, stream)) <= id_key(position):
        return 0
    low = "-" if position == START else f"({position}"
    rows: Any = client.xrange(stream, min=low, count=LAG_COUNTED)
    return len(rows)
