"""Lengths of streams and dead-letter streams, and how far every reader is behind."""

from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.progress import bot_progress
from hedgegrid.bus.reader import START, id_key, last_id, newest
from hedgegrid.metrics.catch_up import GROUP
from hedgegrid.runtime.metric_names import Metrics

LAG_COUNTED = 1000
"""A lag is counted entry by entry, up to this many."""


class GroupLost(Exception):
    """A stream or our group on it is gone; a restart makes it anew."""


class StreamGauges:
    """Asks the money server about account streams and the market server about market streams."""

    def __init__(
        self, metrics: Metrics, accounts: dict[str, tuple[str, ...]], groups: tuple[str, ...] = (GROUP,)
    ) -> None:
        self._metrics = metrics
        self._groups = groups
        self._accounts = accounts
        """Symbols of the bots by account."""
        self._stepped: dict[tuple[str, str], str] = {}
        self.lengths: dict[str, int] = {}
        self.lags: dict[str, int] = {}
        """`stream reader` → entries."""

    def poll_money(self, client: redis.Redis) -> dict[str, tuple[int, str]]:
        """Update all gauges of account streams; return lag and last delivered id by `stream group` of ours.

        Raises:
            GroupLost: a group of ours is not there.
        """
        self._memory(client, "money")
        ours: dict[str, tuple[int, str]] = {}
        for account, symbols in self._accounts.items():
            for stream in account_streams(account):
                self._lengths(client, stream)
                ours |= self._our_groups(client, stream)
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

    def _our_groups(self, client: redis.Redis, stream: str) -> dict[str, tuple[int, str]]:
        try:
            groups: Any = client.xinfo_groups(stream)
        except redis.ResponseError as error:
            raise GroupLost(f"{stream}: {error}") from error
        by_name = {group["name"].decode(): group for group in groups}
        found: dict[str, tuple[int, str]] = {}
        for name in self._groups:
            if name not in by_name:
                raise GroupLost(f"{stream} has no group {name}")
            delivered = by_name[name]["last-delivered-id"].decode()
            lag = _entries_after(client, stream, delivered)
            if lag == LAG_COUNTED:  # only then the server's word: after a restart it counts what was read long ago
                lag = max(lag, int(by_name[name]["lag"] or 0))
            self._set_lag(stream, name, lag)
            found[f"{stream} {name}"] = lag, delivered
        return found

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
            self._set_lag(stream, reader, _entries_after(client, stream, position))

    def _set_lag(self, stream: str, reader: str, lag: int) -> None:
        self.lags[f"{stream} {reader}"] = lag
        self._metrics.stream_lag.labels(stream, reader).set(lag)


def account_streams(account: str) -> tuple[str, ...]:
    """Return every stream of an account."""
    return keys.events(account), keys.ledger(account), keys.commands(account), keys.control(account)


def _entries_after(client: redis.Redis, stream: str, position: str) -> int:
    if id_key(last_id(client, stream)) <= id_key(position):
        return 0
    low = "-" if position == START else f"({position}"
    rows: Any = client.xrange(stream, min=low, count=LAG_COUNTED)
    return len(rows)
