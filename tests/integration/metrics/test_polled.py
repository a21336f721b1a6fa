"""What is polled rather than read: lags, leases, heartbeats, REST calls; and what happens when Redis goes away."""

import json
from collections.abc import Iterator

import msgspec
import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect, load_functions
from hedgegrid.bus.lease import Lease
from hedgegrid.bus.progress import report_bot
from hedgegrid.bus.reader import START
from hedgegrid.bus.struct_fields import to_fields
from hedgegrid.metrics import bookmarks
from hedgegrid.metrics.bookmarks import Bookmark
from hedgegrid.metrics.bot_gauges import BotGauges
from hedgegrid.metrics.consumers import Failure
from hedgegrid.metrics.fleet_gauges import FORGET_AFTER_MS, FleetGauges
from hedgegrid.metrics.poller import STALLED_AFTER_MS, Poller, Stalled
from hedgegrid.metrics.recent import RecentNews
from hedgegrid.metrics.stream_gauges import LAG_COUNTED, BookmarkLost, StreamGauges, account_streams
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.metric_names import Metrics
from tests.integration.metrics.running import World
from tests.unit.metrics import sample
from tests.unit.strategy.situations import settled

BTC = "BTCUSDT"


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    world = World(redis_url)
    load_functions(world.client)
    yield world
    world.client.close()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"hedgegrid_{name}", labels)


def place_bookmarks(world: World) -> None:
    for stream in account_streams(world.account):
        bookmarks.place(world.client, Bookmark(stream, bookmarks.TOTALS))


def gauges_at(world: World, metrics: Metrics, position: str = START) -> StreamGauges:
    return StreamGauges(metrics, {world.account: (BTC,)}, lambda _: position)


def test_lag_of_every_reader(world: World, metrics: Metrics) -> None:
    place_bookmarks(world)
    event_ids = world.write(world.events, *(sample.accepted() for _ in range(5)))
    command_ids = world.write(world.commands, *(sample.submit() for _ in range(3)))
    world.client.hset(keys.executor(world.account), "checkpoint", command_ids[0])
    world.client.hset(keys.bot(world.account, BTC), mapping={"events_at": event_ids[3], "control_at": "0-0"})
    gauges = gauges_at(world, metrics)
    ours = gauges.poll_money(world.client)
    assert ours[world.events] == (5, "0-0")
    assert value(metrics, "stream_lag_entries", stream=world.events, reader="metrics") == 5
    assert value(metrics, "stream_lag_entries", stream=world.commands, reader="executor") == 2
    assert value(metrics, "stream_lag_entries", stream=world.events, reader=f"strategy:{BTC}") == 1
    assert value(metrics, "stream_length_entries", stream=world.events) == 5
    report_bot(world.client, world.account, BTC, 1, event_ids[4], 1)
    gauges.poll_market(world.client)
    gauges.poll_money(world.client)
    assert gauges.lags[f"{world.events} strategy:{BTC}"] == 0


def test_a_lag_is_counted_up_to_a_limit_and_then_told(world: World, metrics: Metrics) -> None:
    place_bookmarks(world)
    world.write(world.events, *(sample.accepted() for _ in range(LAG_COUNTED + 10)))
    assert gauges_at(world, metrics).poll_money(world.client)[world.events][0] == LAG_COUNTED
    health = Health()
    poller(world, metrics, health).poll()
    assert world.events in health.conditions["lag"].reason


def test_a_missing_bookmark_is_noticed(world: World, metrics: Metrics) -> None:
    gauges = gauges_at(world, metrics)
    with pytest.raises(BookmarkLost):
        gauges.poll_money(world.client)
    place_bookmarks(world)
    world.client.xgroup_destroy(world.events, "metrics")
    with pytest.raises(BookmarkLost, match="no group metrics"):
        gauges.poll_money(world.client)


def test_leases_show_owner_and_epoch_until_they_expire(world: World, metrics: Metrics) -> None:
    gauges = FleetGauges(metrics, {world.account: (BTC,)})
    gauges.poll(world.client)
    assert gauges.leases[world.account] == {}
    key = keys.lease(world.account, BTC)
    labels = {"account": world.account, "lease": BTC}
    one = Lease(world.client, key, "one", 60_000)
    assert one.acquire()
    gauges.poll(world.client)
    assert value(metrics, "lease_owner", owner="one", **labels) == 1
    assert value(metrics, "lease_epoch", **labels) == 1
    one.release()
    two = Lease(world.client, key, "two", 60_000)
    assert two.acquire()
    gauges.poll(world.client)
    assert value(metrics, "lease_owner", owner="one", **labels) is None
    assert value(metrics, "lease_owner", owner="two", **labels) == 1
    assert value(metrics, "lease_epoch", **labels) == 2
    world.client.hset(key, "expires_ms", 1)
    gauges.poll(world.client)
    assert value(metrics, "lease_owner", owner="two", **labels) is None
    assert gauges.leases[world.account][BTC].owner == ""


def test_heartbeats_age_and_are_forgotten(world: World, metrics: Metrics) -> None:
    gauges = FleetGauges(metrics, {world.account: ()})
    key = keys.heartbeat("strategy", "s1")
    labels = {"service": "strategy", "instance": "s1"}
    world.client.set(key, json.dumps({"ready": True}), px=5000)
    world.client.set(keys.heartbeat("strategy", "garbled"), b"\xff", px=5000)
    gauges.poll(world.client)
    assert value(metrics, "service_ready", **labels) == 1
    assert value(metrics, "service_ready", service="strategy", instance="garbled") == 0
    age = value(metrics, "heartbeat_age_seconds", **labels)
    assert age is not None
    assert age < 5
    world.client.delete(key)
    gauges.instances[key].seen_ms -= 20_000
    gauges.poll(world.client)
    assert value(metrics, "service_ready", **labels) == 0
    age = value(metrics, "heartbeat_age_seconds", **labels)
    assert age is not None
    assert age >= 20
    gauges.instances[key].seen_ms -= FORGET_AFTER_MS
    gauges.poll(world.client)
    assert value(metrics, "heartbeat_age_seconds", **labels) is None


def test_rest_calls_by_endpoint_and_phase(world: World, metrics: Metrics) -> None:
    gauges = FleetGauges(metrics, {world.account: ()})
    key, call = keys.rest_calls(world.account), "startup GET /v5/order/realtime"
    labels = {"account": world.account, "phase": "startup", "method": "GET", "endpoint": "/v5/order/realtime"}
    for made, expected in ((3, 3), (5, 5), (1, 6)):  # the last: the hash began anew
        world.client.hset(key, call, made)
        gauges.poll(world.client)
        assert value(metrics, "rest_calls_by_phase_total", **labels) == expected
    assert gauges.rest_calls[world.account] == {call: 1}


class NothingDerived:
    def refresh(self) -> None:
        pass


def poller(
    world: World, metrics: Metrics, health: Health, market: redis.Redis | None = None, clock: ManualClock | None = None
) -> Poller:
    lease = Lease(world.client, keys.lease(world.account, "metrics"), "me", 60_000)
    assert lease.acquire()
    return Poller(
        money=world.client,
        market=market or world.client,
        leases=[lease],
        streams=gauges_at(world, metrics),
        fleet=FleetGauges(metrics, {world.account: (BTC,)}),
        bots=BotGauges(metrics, {world.account: (BTC,)}),
        recent=RecentNews([world.account]),
        derived=NothingDerived(),
        metrics=metrics,
        health=health,
        failure=Failure(),
        clock=clock or ManualClock(),
        own_heartbeat=keys.heartbeat("metrics", "me"),
    )


def test_a_stream_that_nobody_reads_is_a_stall_once_reading_is_expected(world: World, metrics: Metrics) -> None:
    place_bookmarks(world)
    world.write(world.events, sample.accepted())
    clock = ManualClock()
    one = poller(world, metrics, Health(), clock=clock)
    for _ in range(3):
        clock.advance_ms(STALLED_AFTER_MS)
        one.poll()
    one.expect_reading()
    one.poll()
    clock.advance_ms(STALLED_AFTER_MS - 1)
    one.poll()
    clock.advance_ms(1)
    with pytest.raises(Stalled, match="1 entries after 0-0"):
        one.poll()


def test_health_tells_of_heartbeat_and_market_server(world: World, metrics: Metrics) -> None:
    place_bookmarks(world)
    health = Health()
    gone = connect("redis://127.0.0.1:1/0", "test")
    one = poller(world, metrics, health, market=gone)
    one.poll()
    assert {name for name, condition in health.conditions.items() if not condition.ok} == {"heartbeat", "market-redis"}
    assert value(metrics, "redis_errors_total", service="metrics", server="market") == 1
    world.client.set(keys.heartbeat("metrics", "me"), "{}")
    one.poll()
    assert health.conditions["heartbeat"].ok
    gone.close()


def test_a_bots_prices_appear_and_go_with_its_state(world: World, metrics: Metrics) -> None:
    bot = settled()
    key = keys.bot(world.account, BTC)
    gauges = BotGauges(metrics, {world.account: (BTC, "ETHUSDT")})
    labels = {"account": world.account, "symbol": BTC, "leg": "long"}
    world.client.hset(key, mapping=to_fields(bot.state))  # type: ignore[arg-type]
    gauges.poll(world.client)
    own = bot.state.long
    assert own.break_even_px is not None
    assert value(metrics, "break_even_price_usdt", **labels) == float(own.break_even_px)
    assert value(metrics, "bot_reconciled", account=world.account, symbol=BTC) == 1
    assert value(metrics, "ladder_price_usdt", **labels, rung="1") is not None
    assert value(metrics, "take_profit_price_usdt", **labels) is not None
    assert value(metrics, "bot_reconciled", account=world.account, symbol="ETHUSDT") is None, "never born"

    flat = msgspec.structs.replace(bot.strategy.new_state(BTC), life=2)
    world.client.hset(key, mapping=to_fields(flat))  # type: ignore[arg-type]
    gauges.poll(world.client)
    for name in ("break_even_price_usdt", "take_profit_price_usdt"):
        assert value(metrics, name, **labels) is None
    assert value(metrics, "ladder_price_usdt", **labels, rung="1") is None
    assert value(metrics, "bot_reconciled", account=world.account, symbol=BTC) == 0

    world.client.hset(key, "state:symbol", b"5")
    gauges.poll(world.client)
    assert value(metrics, "bot_state_readable", account=world.account, symbol=BTC) == 0
    assert (world.account, BTC) not in gauges.books
