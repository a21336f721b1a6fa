"""What is saved stood so at one moment, and no position is saved before what lies in front of it is safe."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import load_functions
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.bus.reader import START
from hedgegrid.bus.trimming import group_positions
from hedgegrid.metrics import bookmarks
from hedgegrid.metrics.app import connect_async
from hedgegrid.metrics.bookmarks import Bookmark
from hedgegrid.metrics.consumers import AccountConsumer
from hedgegrid.metrics.exporter import Exporter
from hedgegrid.metrics.saver import Saver
from hedgegrid.metrics.streams import open_account
from hedgegrid.metrics.totals import LEASE_NAME, Totals, totals_key
from hedgegrid.runtime.metric_names import Metrics
from tests.integration.metrics.running import World
from tests.unit.metrics import sample


class Counting:
    """The consumers of an account and its saver, without the service around them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lease = Lease(world.client, keys.lease(world.account, LEASE_NAME), "me", 60_000)
        assert self.lease.acquire()
        self.totals = Totals(world.client, world.account, self.lease)
        exporter = Exporter(Metrics())
        self.consumers = [AccountConsumer(stream, exporter, None) for stream in open_account(world.account).streams]
        for one in self.consumers:
            bookmarks.place(world.client, Bookmark(one.stream.name, bookmarks.TOTALS))

    def take(self) -> None:
        for one in self.consumers:
            one.catch_up(self.world.client)

    def save(self, url: str = "", times: int = 1) -> None:
        async def run() -> None:
            async with connect_async(url or self.world.url) as client:
                saver = Saver(self.totals, self.consumers, self.world.client, client)
                for _ in range(times):
                    await saver.save()

        asyncio.run(run())

    def marked(self) -> str:
        [position] = group_positions(self.world.client, self.world.ledger)
        return position

    def saved(self) -> dict[bytes, bytes]:
        fields: dict[bytes, bytes] = self.world.client.hgetall(totals_key(self.world.account))  # type: ignore[assignment]
        return fields


@pytest.fixture
def counting(redis_url: str) -> Iterator[Counting]:
    world = World(redis_url)
    load_functions(world.client)
    yield Counting(world)
    world.client.close()


def test_totals_and_bookmarks_move_together_and_rest_when_nothing_came(counting: Counting) -> None:
    last = counting.world.write(counting.world.ledger, sample.fill())[0]
    counting.take()
    assert counting.marked() == START
    counting.save()
    assert counting.marked() == last
    before = counting.saved()
    counting.save(times=3)
    assert counting.saved() == before
    assert b"version" in before


def test_an_unreadable_entry_is_set_aside_before_a_position_behind_it_is_saved(counting: Counting) -> None:
    world = counting.world
    world.client.xadd(world.ledger, {"__data__": b"poison"})
    world.client.set(keys.dead(world.ledger), "no stream")
    counting.take()
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        counting.save()
    assert (counting.saved(), counting.marked()) == ({}, START)
    world.client.delete(keys.dead(world.ledger))
    counting.save(times=2)
    assert world.client.xlen(keys.dead(world.ledger)) == 1
    assert counting.marked() != START


def test_an_outage_is_left_to_the_next_save(counting: Counting, caplog: pytest.LogCaptureFixture) -> None:
    last = counting.world.write(counting.world.ledger, sample.fill())[0]
    counting.take()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        counting.save(f"redis://127.0.0.1:{nobody.getsockname()[1]}/0")
    assert "not saved" in caplog.text
    assert counting.marked() == START
    counting.save()
    assert counting.marked() == last


def test_nothing_is_marked_under_a_lost_lease(counting: Counting) -> None:
    counting.world.write(counting.world.ledger, sample.fill())
    counting.take()
    counting.world.client.hset(counting.lease.key, mapping={"owner": "thief", "epoch": 99})
    with pytest.raises(LeaseLost):
        counting.save()
    assert (counting.saved(), counting.marked()) == ({}, START)
