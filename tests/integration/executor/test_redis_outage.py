"""Redis goes away and comes back: nothing is sent in between, nothing twice, nothing is lost."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hedgegrid.messages.events import OrderAcked
from hedgegrid.operator.redis_server import RedisBinary, RedisServer
from tests.integration.executor.fake_venue import CREATE, FakeVenue, Seen
from tests.integration.executor.floor import Floor, Running, eventually


@pytest.fixture
def server(tmp_path: Path, redis_binary: RedisBinary) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", binary=redis_binary).start()
    yield server
    server.stop()


def test_an_outcome_is_committed_when_redis_is_back(
    server: RedisServer, venue: FakeVenue, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis dies while the order is at the venue: the answer is there, the record too, and they find each other."""
    floor = Floor(server.url)
    running = Running(floor, venue.url, "one", lease_ttl_ms=60_000)
    floor.ready()
    order = floor.submit()

    def die(seen: Seen) -> None:
        if seen.path == CREATE:
            server.kill()

    venue.on_request = die
    with contextlib.suppress(redis.ConnectionError):  # the answer to us may die with the server
        floor.send(order)
    eventually(lambda: len(venue.seen(CREATE)) == 1, "posted")
    eventually(lambda: "could not be renewed" in caplog.text, "the loss is noticed")
    venue.on_request = None
    server.start()
    floor.one(OrderAcked)
    assert len(venue.seen(CREATE)) == 1
    later = floor.submit(reduce_only=True)
    floor.send(later)
    floor.one(OrderAcked, later.client_order_id)
    running.stop()


def test_nothing_is_sent_while_the_lease_cannot_be_renewed(
    server: RedisServer, venue: FakeVenue, caplog: pytest.LogCaptureFixture
) -> None:
    """Orders wait for a token when Redis dies: past 60 % of the lease's life they must not go out."""
    floor = Floor(server.url)
    running = Running(floor, venue.url, "one", lease_ttl_ms=500, order_rate_per_s=1)
    floor.ready()
    orders = [floor.submit(reduce_only=True) for _ in range(3)]
    floor.send(*orders)
    floor.one(OrderAcked, orders[0].client_order_id)
    server.kill()
    eventually(lambda: "the lease is not certain" in caplog.text, "an order had its turn and was held back")
    assert len(venue.seen(CREATE)) == 1
    server.start()
    floor.expect(OrderAcked, count=3)
    assert list(venue.orders) == [order.client_order_id for order in orders]
    assert len(venue.seen(CREATE)) == 3
    running.stop()
