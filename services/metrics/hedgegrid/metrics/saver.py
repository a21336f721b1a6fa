"""Every few seconds: an account's totals and bookmarks to Redis, together with what could not be read."""

import asyncio
import logging

import redis
import redis.asyncio

from hedgegrid.bus.connection import OUTAGE
from hedgegrid.metrics import bookmarks
from hedgegrid.metrics.bookmarks import Bookmark
from hedgegrid.metrics.consumers import AccountConsumer, set_aside
from hedgegrid.metrics.totals import Totals
from hedgegrid.runtime.failpoints import failpoint

SAVE_EVERY_S = 5.0
"""Each save is a disk write on the server that carries the orders. Who dies in between counts again what came since."""

_log = logging.getLogger(__name__)


class Saver:
    """Lives in the event loop, where the consumers count: what it saves is what stood at one moment."""

    def __init__(
        self,
        totals: Totals,
        consumers: list[AccountConsumer],
        client: redis.Redis,
        async_client: "redis.asyncio.Redis",
    ) -> None:
        self._totals = totals
        self._consumers = consumers
        self._client = client
        self._async_client = async_client
        self._marked: dict[Bookmark, str] = {}

    async def save(self) -> None:
        """Save what has changed. An outage of Redis is left to the next save.

        Raises:
            LeaseLost, CommitConflict: another process counts, or Redis went back in time.
            redis.RedisError: Redis refused.
        """
        try:
            await self._save()
        except OUTAGE as error:
            _log.warning("totals are not saved: %s", error)

    async def _save(self) -> None:
        dumps = {one.stream.kind: one.stream.projection.dump() for one in self._consumers}
        marks = {Bookmark(one.stream.name, bookmarks.TOTALS): one.stream.projection.position for one in self._consumers}
        for one in self._consumers:
            if one.ledger is not None:
                marks[Bookmark(one.stream.name, bookmarks.LEDGER)] = one.ledger.position
        for one in self._consumers:
            if one.unreadable:
                await asyncio.to_thread(set_aside, self._client, one.unreadable)
        failpoint("metrics.before_save")
        await self._totals.save(self._async_client, dumps)
        failpoint("metrics.after_save")
        moved = {mark: position for mark, position in marks.items() if self._marked.get(mark) != position}
        await bookmarks.move(self._async_client, moved)
        self._marked |= moved
