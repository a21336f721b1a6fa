"""What a FastStream subscriber does with a batch. The first failure stops all of them: the process is replaced."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import redis
import redis.asyncio

from hedgegrid.bus import codec, dead_letter
from hedgegrid.bus.reader import Entry
from hedgegrid.metrics.catch_up import GROUP
from hedgegrid.metrics.exporter import Exporter
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.streams import AccountStream, Unreadable
from hedgegrid.metrics.totals import Totals
from hedgegrid.runtime.failpoints import failpoint

Handler = Callable[[list[Entry]], Awaitable[None]]

REST_S = 0.5
"""People look at the figures; each save is a disk write on the server that also carries the orders."""
SMALL_BATCH = 400

_log = logging.getLogger(__name__)


class DeliveryGap(Exception):
    """The group handed out entries that never arrived here, most likely with a lost reply; a restart reads them."""


class Failure:
    """The first error of any handler. FastStream swallows what a handler raises and goes on with the next batch."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Note an error unless there is an earlier one."""
        if self.error is None:
            self.error = error

    def guard(self, handle: Handler) -> Handler:
        """Wrap a handler: after a failure anywhere no batch is taken any more."""

        async def guarded(entries: list[Entry]) -> None:
            if self.error is not None:
                raise self.error
            try:
                await handle(entries)
            except Exception as error:
                self.fail(error)
                raise

        return guarded


class AccountConsumer:
    """Counts, saves, acknowledges, in this order."""

    def __init__(
        self,
        stream: AccountStream,
        totals: Totals,
        exporter: Exporter,
        client: redis.Redis,
        async_client: "redis.asyncio.Redis",
    ) -> None:
        self._stream = stream
        self._totals = totals
        self._exporter = exporter
        self._client = client
        self._async_client = async_client

    async def handle(self, entries: list[Entry]) -> None:
        """Take a batch as the group delivered it."""
        name = self._stream.name
        await check_nothing_older_is_pending(self._async_client, name, GROUP, entries[0].id)
        await set_aside(self._client, self._stream.fold(entries))
        failpoint("metrics.before_save")
        await self._totals.save(self._async_client, self._stream)
        failpoint("metrics.after_save")
        await self._async_client.xack(name, GROUP, *(entry.id for entry in entries))
        self._exporter.export(self._stream.projection.table)
        await rest(entries)


class MarketConsumer:
    """Takes ticks of one symbol as they come; lossy, nothing is saved."""

    def __init__(
        self, symbol: str, stream: str, projection: MarketProjection, exporter: Exporter, client: redis.Redis
    ) -> None:
        self._symbol = symbol
        self._stream = stream
        self._projection = projection
        self._exporter = exporter
        self._client = client

    async def handle(self, entries: list[Entry]) -> None:
        """Take a batch."""
        await set_aside(self._client, self.fold(entries))
        self._exporter.export(self._projection.table)
        await rest(entries)

    def fold(self, entries: list[Entry]) -> list[Unreadable]:
        """Project a batch; return what could not be read."""
        unreadable: list[Unreadable] = []
        for entry in entries:
            try:
                message = codec.decode_market(entry.fields)
            except codec.UnreadableMessage as error:
                if self._projection.set_aside(self._symbol, entry.id, self._stream):
                    unreadable.append(Unreadable(entry, str(error)))
            else:
                self._projection.apply(self._symbol, entry.id, message)
        return unreadable


async def check_nothing_older_is_pending(client: "redis.asyncio.Redis", stream: str, group: str, first_id: str) -> None:
    """Raise DeliveryGap if the group handed out an entry before a batch that begins with `first_id`."""
    pending: Any = await client.xpending(stream, group)
    oldest = pending["min"]
    if oldest is not None and oldest.decode() != first_id:
        raise DeliveryGap(f"{stream}: {oldest.decode()} is pending before {first_id} in group {group}")


async def rest(entries: list[Entry]) -> None:
    """Let a batch gather after a small one: its cost hardly depends on its size."""
    if len(entries) < SMALL_BATCH:
        await asyncio.sleep(REST_S)


async def set_aside(client: redis.Redis, unreadable: list[Unreadable]) -> None:
    """Copy entries to the dead-letter stream. Done before the totals are saved: a crash in between may copy twice."""
    for entry, reason in unreadable:
        _log.error("entry set aside as unreadable: %s", reason, extra={"stream": entry.stream, "entry": entry.id})
        await asyncio.to_thread(dead_letter.set_aside, client, entry, reason)
