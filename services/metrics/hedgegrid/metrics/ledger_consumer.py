"""Feeds the trade ledger from its own consumer group: stored on disk first, acknowledged then.

Facts have natural keys, so an entry may come any number of times. Nothing but the group knows how far the ledger has
come: when Redis goes back in time, or the group is lost, the entries come again and change nothing.
"""

import asyncio
import logging
from typing import Any

import redis
import redis.asyncio

from hedgegrid.bus.reader import Entry
from hedgegrid.metrics.catch_up import CHUNK, CONSUMER, ensure_group
from hedgegrid.metrics.consumers import check_nothing_older_is_pending, rest
from hedgegrid.metrics.ledger_store import LedgerStore
from hedgegrid.metrics.streams import AccountStream
from hedgegrid.runtime.metric_names import Metrics

LEDGER_GROUP = "ledger"

_log = logging.getLogger(__name__)


class LedgerConsumer:
    """One stream of one account on its way into the ledger."""

    def __init__(self, account: str, stream: AccountStream, store: LedgerStore, metrics: Metrics) -> None:
        self._account = account
        self._stream = stream
        self._store = store
        self._refused = metrics.ledger_refused.labels(account)

    def catch_up(self, client: redis.Redis) -> int:
        """Store what the group was handed and did not acknowledge; return how many entries that were.

        The rest waits for the subscriber: FastStream never delivers a pending entry again.
        """
        ensure_group(client, self._stream.name, LEDGER_GROUP)
        stored = 0
        while entries := self._pending(client):
            self._keep(entries)
            client.xack(self._stream.name, LEDGER_GROUP, *(entry.id for entry in entries))
            stored += len(entries)
        return stored

    async def handle(self, async_client: "redis.asyncio.Redis", entries: list[Entry]) -> None:
        """Take a batch as the group delivered it."""
        name = self._stream.name
        await check_nothing_older_is_pending(async_client, name, LEDGER_GROUP, entries[0].id)
        await asyncio.to_thread(self._keep, entries)
        await async_client.xack(name, LEDGER_GROUP, *(entry.id for entry in entries))
        await rest(entries)

    def _keep(self, entries: list[Entry]) -> None:
        if refused := self._store.store(self._account, self._stream, entries):
            self._refused.inc(refused)
            _log.error(
                "the trade ledger refused entries, see its table `refused`",
                extra={"stream": self._stream.name, "entries": refused},
            )

    def _pending(self, client: redis.Redis) -> list[Entry]:
        answer: Any = client.xreadgroup(LEDGER_GROUP, CONSUMER, {self._stream.name: "0"}, count=CHUNK)
        rows = answer[0][1] if answer else []
        # The fields of an entry that was trimmed meanwhile are gone; the ledger keeps that it was there.
        return [Entry(self._stream.name, entry_id.decode(), fields or {}) for entry_id, fields in rows]
