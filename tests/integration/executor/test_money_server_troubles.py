"""A money server that restarts, fills up or cannot write: no exposure while it lasts, and on by itself after it."""

import dataclasses
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from prometheus_client import CollectorRegistry

from hedgegrid.bus.connection import connect, load_functions
from hedgegrid.domain.order import OrderType, TimeInForce
from hedgegrid.executor.interlocks import Interlock, Interlocks
from hedgegrid.executor.redis_run import RedisRun
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.events import DenyReason, OrderAcked, OrderDenied, OrderEvent, SnapshotTaken
from hedgegrid.operator.redis_server import RedisBinary, RedisServer
from hedgegrid.runtime.clock import SystemClock
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.metric_names import Metrics
from tests.integration.executor.fake_venue import CREATE, POSITIONS, FakeVenue, Fault
from tests.integration.executor.floor import SYMBOL, Floor, Running, eventually


class SmallDisk(RedisServer):
    """A server whose files may grow only as far as it is allowed: beyond that a write fails, as on a full disk."""

    def __init__(self, folder: Path, binary: RedisBinary, **options: Any) -> None:
        folder.mkdir()
        wrapper = folder / "redis-server"  # past the limit the kernel would end it; a full disk only refuses
        wrapper.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec '{binary.path}' \"$@\"\n")
        wrapper.chmod(0o755)
        super().__init__(folder / "data", binary=dataclasses.replace(binary, path=wrapper), **options)

    def allow(self, size: int) -> None:
        assert self.pid is not None
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @property
    def largest_file(self) -> int:
        return max(path.stat().st_size for path in self.directory.rglob("*.aof"))

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


@pytest.fixture
def server(tmp_path: Path, redis_binary: RedisBinary) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", binary=redis_binary).start()
    yield server
    server.stop()


@pytest.fixture
def floor(server: RedisServer) -> Iterator[Floor]:
    floor = Floor(server.url)
    yield floor
    floor.client.close()


@pytest.fixture
def running(floor: Floor, venue: FakeVenue) -> Iterator[Running]:
    running = Running(floor, venue.url, "one", lease_ttl_ms=60_000)
    floor.ready()
    yield running
    running.stop()


def outcome(floor: Floor, order: SubmitOrder) -> OrderEvent:
    """Send an order and wait for what we or the venue say to it."""
    floor.send(order)
    return floor.expect(OrderEvent, order.client_order_id)[0]


def passes_again(floor: Floor) -> bool:
    return isinstance(outcome(floor, floor.submit()), OrderAcked)


def test_after_a_restart_nothing_is_added_before_a_snapshot(
    server: RedisServer, floor: Floor, venue: FakeVenue, running: Running
) -> None:
    """F1: the data is all there, but nobody can know that; closings go on meanwhile."""
    hung = Fault("hang")
    venue.fault(POSITIONS, hung)
    server.kill()
    server.start()
    eventually(lambda: "restarted" in running.why_held(Interlock.REDIS_RESTARTED), "the restart is noticed")
    entry, close = floor.submit(), floor.submit(reduce_only=True)
    denied = outcome(floor, entry)
    assert isinstance(denied, OrderDenied)
    assert denied.reason is DenyReason.INTERLOCKED
    assert "redis-restarted" in denied.text
    assert isinstance(outcome(floor, close), OrderAcked)
    hung.released.set()
    eventually(lambda: passes_again(floor), "entries pass again")
    assert len(floor.events(SnapshotTaken)) >= 2
    assert running.why_held(Interlock.REDIS_RESTARTED) == ""


def test_a_restart_is_noticed_before_anything_goes_over_the_new_connection(server: RedisServer) -> None:
    """redis-py replaces a connection that broke while it was idle without any error."""
    health, clock = Health(), SystemClock()
    interlocks = Interlocks("main", health, Metrics(CollectorRegistry()))
    run = RedisRun(interlocks, clock)
    run.begin([SYMBOL])
    with connect(server.url, "test", on_connect=run.connected) as client:
        assert client.ping()
        server.kill()
        server.start()
        assert interlocks.engaged(Interlock.REDIS_RESTARTED, SYMBOL) is None
        assert client.ping(), "no error told of the restart"
        assert interlocks.engaged(Interlock.REDIS_RESTARTED, SYMBOL) is not None


@pytest.mark.parametrize(("fill_pct", "strength", "rests"), [(85, 1, OrderAcked), (93, 2, OrderDenied)])
def test_a_nearly_full_server_gets_no_more_exposure(
    floor: Floor, running: Running, fill_pct: int, strength: int, rests: type[OrderAcked] | type[OrderDenied]
) -> None:
    """F5: what is left of the memory is kept for what ends risk: cancels and closings at market always pass."""
    resting = floor.submit()
    assert isinstance(outcome(floor, resting), OrderAcked)
    for _ in range(320):
        floor.client.rpush("ballast", b"x" * 65_536)
    memory: Any = floor.client.info("memory")
    floor.client.config_set("maxmemory", str(int(memory["used_memory"] / (fill_pct / 100))))
    eventually(lambda: running.held_strength(Interlock.REDIS_MEMORY) == strength, "the watermark is noticed")
    assert not running.health.ready
    at_market = {"order_type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.IOC}
    assert isinstance(outcome(floor, floor.submit()), OrderDenied)
    assert isinstance(outcome(floor, floor.submit(reduce_only=True)), rests)
    assert isinstance(outcome(floor, floor.submit(reduce_only=True, **at_market)), OrderAcked)
    floor.send(floor.cancel(resting))
    eventually(lambda: len(floor.events(OrderAcked, resting.client_order_id)) == 2, "the cancel went through")
    floor.client.delete("ballast")
    eventually(lambda: passes_again(floor), "entries pass again")
    eventually(lambda: running.health.ready, "all is well")


def test_a_full_server_keeps_its_state_and_is_waited_for(
    server: RedisServer, venue: FakeVenue, caplog: pytest.LogCaptureFixture
) -> None:
    """F5, beyond the watermarks: writes are refused, so nothing can be sent; no order is sent twice or lost."""
    floor = Floor(server.url)
    running = Running(floor, venue.url, "one", lease_ttl_ms=500)
    floor.ready()
    floor.client.config_set("maxmemory", "1mb")
    eventually(lambda: "could not be renewed" in caplog.text, "the lease cannot be renewed")
    requests = len(venue.requests)
    eventually(lambda: running.held_strength(Interlock.REDIS_MEMORY) == 2, "it says so")
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        floor.send(floor.submit())
    assert not running.health.ready
    assert venue.seen(CREATE) == []
    assert len(venue.requests) - requests < 20, "no hot loop at the venue"
    floor.client.config_set("maxmemory", "0")
    eventually(lambda: passes_again(floor), "entries pass again")
    running.stop()
    floor.client.close()


def test_a_full_disk_stops_the_sending_until_there_is_room(
    tmp_path: Path, redis_binary: RedisBinary, venue: FakeVenue
) -> None:
    """F7 with a server that goes on after a failed write (everysec): it refuses writes with MISCONF."""
    with SmallDisk(tmp_path / "redis", redis_binary, settings={"appendfsync": "everysec"}) as server:
        floor = Floor(server.url)
        running = Running(floor, venue.url, "one", lease_ttl_ms=500, redis_durability="relaxed")
        floor.ready()
        server.allow(server.largest_file + 10)
        eventually(lambda: running.held_strength(Interlock.REDIS_WRITES) == 2, "it is noticed")
        posted = len(venue.seen(CREATE))
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            floor.send(floor.submit())
        assert not running.health.ready
        server.allow(resource.RLIM_INFINITY)
        eventually(lambda: running.held_strength(Interlock.REDIS_WRITES) == 0, "room is noticed")
        assert len(venue.seen(CREATE)) == posted
        eventually(lambda: passes_again(floor), "entries pass again")
        running.stop()
        floor.client.close()


def test_a_full_disk_under_the_deployed_settings_ends_the_server_and_not_us(
    tmp_path: Path, redis_binary: RedisBinary, venue: FakeVenue
) -> None:
    """F7 as deployed: with appendfsync always Redis ends at the first write it cannot make durable."""
    with SmallDisk(tmp_path / "redis", redis_binary) as server:
        floor = Floor(server.url)
        running = Running(floor, venue.url, "one", lease_ttl_ms=500)
        floor.ready()
        order = floor.submit()
        floor.send(order)
        floor.one(OrderAcked)
        server.allow(server.largest_file + 10)
        eventually(lambda: server.has_ended, "the server ended")
        server.kill()
        posted = len(venue.seen(CREATE))
        server.start()
        load_functions(floor.client)
        eventually(lambda: running.why("account") == "active", "in office again")
        assert len(venue.seen(CREATE)) == posted
        eventually(lambda: passes_again(floor), "entries pass again")
        running.stop()
        floor.client.close()
