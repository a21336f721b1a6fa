"""What a FastStream subscriber does with a batch. The first failure stops all of them: the process is replaced."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import redis

from hedgegrid.bus import codec, dead_letter
from hedgegrid.bus.reader import START, CheckpointReader, Entry, id_key
from hedgegrid.metrics.exporter import Exporter
from hedgegrid.metrics.ledger_consumer import LedgerConsumer
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.streams import AccountStream, Unreadable

Handler = Callable[[list[Entry]], Awaitable[None]]

REST_S = 0.5
"""People look at the figures, and the ledger writes to its disk once a batch."""
SMALL_BATCH = 400
CHUNK = 1000

_log = logging.getLogger(__name__)


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
    """One stream of one account: into the ledger, if there is one, and into its projection. Saving is the saver's."""

    def __init__(self, stream: AccountStream, exporter: Exporter, ledger: LedgerConsumer | None) -> None:
        self.stream = stream
        self.ledger = ledger
        self.unreadable: list[Unreadable] = []
        """What is still to be set aside, before a position behind it is saved."""
        self._exporter = exporter

    @property
    def position(self) -> str:
        """Id of the last entry that both have taken."""
        counted = self.stream.projection.position
        return counted if self.ledger is None else min(counted, self.ledger.position, key=id_key)

    def catch_up(self, client: redis.Redis) -> int:
        """Take what the stream holds behind the position; return how many entries that were.

        Raises:
            redis.RedisError, sqlite3.Error: some may have been taken.
        """
        reader = CheckpointReader(client)
        reader.follow(self.stream.name, self.position)
        self._exporter.export(self.stream.projection.table)
        taken = 0
        while entries := reader.read(block_ms=1, count=CHUNK):
            if self.ledger is not None:
                self.ledger.keep(entries)
            self._count(entries)
            taken += len(entries)
        return taken

    async def handle(self, entries: list[Entry]) -> None:
        """Take a batch."""
        if self.ledger is not None:
            await asyncio.to_thread(self.ledger.keep, entries)
        self._count(entries)
        await rest(entries)

    def _count(self, entries: list[Entry]) -> None:
        self.unreadable += self.stream.fold(entries)
        self._exporter.export(self.stream.projection.table)


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

    def begin(self) -> str:
        """Take the newest entry at once, so that a quiet market shows its price; return its id."""
        rows: Any = self._client.xrevrange(self._stream, count=1)
        if not rows:
            return START
        last = Entry(self._stream, rows[0][0].decode(), rows[0][1])
        set_aside(self._client, self.fold([last]))
        self._exporter.export(self._projection.table)
        return last.id

    async def handle(self, entries: list[Entry]) -> None:
        """Take a batch."""
        if unreadable := self.fold(entries):
            await asyncio.to_thread(set_aside, self._client, unreadable)
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


async def rest(entries: list[Entry]) -> None:
    """Let a batch gather after a small one: its cost hardly depends on its size."""
    if len(entries) < SMALL_BATCH:
        await asyncio.sleep(REST_S)


def set_aside(client: redis.Redis, unreadable: list[Unreadable]) -> None:
    """Copy entries to the dead-letter stream and take them off the list, each when it is there."""
    while unreadable:
        entry, reason = unreadable[0]
        _log.error("entry set aside as unreadable: %s", reason, extra={"stream": entry.stream, "entry": entry.id})
        dead_letter.set_aside(client, entry, reason)
        del unreadable[0]
