"""Keeps the account's streams from growing for ever. The holder of the executor's lease does it: one per account."""

import logging

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.reader import START
from hedgegrid.bus.server_facts import read_facts
from hedgegrid.bus.trimming import group_positions, trim

CLEAN_EVERY_S = 300
SHORT_OF_MEMORY = 0.5
"""Part of `maxmemory`: from there on nothing is kept for people. Else a busy account's past would stop its trading."""

_log = logging.getLogger(__name__)


class Janitor:
    """`control` is not trimmed: whoever starts reads it from its beginning, so that a halt outlives everybody."""

    def __init__(self, account: str, symbols: list[str], client: redis.Redis, keep_ms: int) -> None:
        self._account = account
        self._symbols = symbols
        self._client = client
        self._keep_ms = keep_ms

    def clean(self, now_ms: int) -> None:
        """Trim events and commands behind all their readers, the ledger behind those that store it.

        Raises:
            redis.RedisError: some streams may have been trimmed.
        """
        account, client = self._account, self._client
        keep_ms = self._keep_ms if read_facts(client).memory_share < SHORT_OF_MEMORY else 0
        bots = [self._position(keys.bot(account, symbol), "events_at") for symbol in self._symbols]
        executor = [self._position(keys.executor(account), "checkpoint")]
        for stream, readers in (
            (keys.events(account), bots),
            (keys.commands(account), executor),
            (keys.ledger(account), []),
        ):
            positions = [*readers, *group_positions(client, stream)]
            trimmed = trim(client, stream, positions, now_ms - keep_ms)
            if trimmed:
                _log.info("%s: %d old entries trimmed", stream, trimmed)

    def _position(self, key: str, field: str) -> str:
        raw: bytes | None = self._client.hget(key, field)  # type: ignore[assignment]
        return START if raw is None else raw.decode()
