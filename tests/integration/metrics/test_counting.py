"""What is written is counted once: before start, while running, after a restart, a crash, a lost reply."""

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from hedgegrid.bus import codec, keys
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.bus.trimming import group_positions
from hedgegrid.messages.feed import FeedConnected
from hedgegrid.messages.ledger import FillBooked
from hedgegrid.metrics import bookmarks
from hedgegrid.metrics.totals import LEASE_NAME, totals_key
from tests.integration.metrics.running import World, eventually
from tests.unit.metrics import sample


@pytest.fixture
def world(redis_url: str) -> Iterator[World]:
    world = World(redis_url)
    yield world
    world.client.close()


def fills(*numbers: int) -> list[FillBooked]:
    """Fills whose gross results tell which of them were counted: powers of two."""
    return [sample.fill(trade_id=str(n), gross=Decimal(2**n), fee=Decimal("0.00000001")) for n in numbers]


def test_entries_written_before_start_and_while_running_are_seen(world: World) -> None:
    world.write(world.ledger, *fills(0, 1))
    world.write(world.events, sample.accepted(), sample.position(), sample.wallet())
    world.write(world.commands, sample.submit())
    world.write(keys.market("BTCUSDT"), sample.tick(last_px=Decimal(1)), sample.tick())
    with world.running() as metrics:
        eventually(lambda: metrics.leg()["fills"] == 2)
        eventually(lambda: metrics.leg()["qty"] == "0.01")
        eventually(lambda: metrics.state()["bots"][0]["last_px"] == "50000")
        world.write(world.ledger, *fills(2), sample.cycle_closed())
        world.write(keys.market("ETHUSDT"), sample.tick(symbol="ETHUSDT", last_px=Decimal(3000)))
        eventually(lambda: metrics.leg()["cycles"] == 1)
        eventually(lambda: metrics.state()["bots"][1]["last_px"] == "3000")
        leg = metrics.leg()
        assert leg["realised"] == {"gross": "7", "fees": "-0.00000003", "funding": "0", "net": "6.99999997"}
        assert leg["unrealised"] == "1"
        eventually(lambda: metrics.state()["bots"][0]["orders"] == {"submitted": 1, "accepted": 1})
        labels = {"account": world.account, "symbol": "BTCUSDT", "leg": "long"}
        eventually(lambda: metrics.value("hedgegrid_fills_total", liquidity="maker", **labels) == 3)
        eventually(lambda: metrics.value("hedgegrid_unrealised_pnl_usdt", **labels) == 1)
        assert metrics.value("hedgegrid_wallet_equity_usdt", account=world.account) == 1000
    assert metrics.error is None


def test_a_restart_shows_the_same_totals_even_when_the_streams_were_trimmed(world: World) -> None:
    world.write(world.ledger, *fills(0, 1, 2), sample.cycle_closed())
    world.write(world.events, sample.accepted(), sample.position(), sample.wallet())
    with world.running() as first:
        eventually(lambda: first.leg()["cycles"] == 1 and first.leg()["qty"] is not None)
    before, series = first.leg(), exposed(first.context.metrics.registry.collect())
    for stream in (world.ledger, world.events):
        world.client.xtrim(stream, maxlen=0, approximate=False)
    with world.running() as second:
        eventually(second.counting)
        assert second.leg() == before
        assert exposed(second.context.metrics.registry.collect()) == series
        world.write(world.ledger, *fills(3))
        eventually(lambda: second.leg()["realised"]["gross"] == "15")


def exposed(families: object) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """All samples that come from projections: those of orders, fills, money, positions."""
    kept = ("hedgegrid_fill", "hedgegrid_cycles", "hedgegrid_realised", "hedgegrid_orders", "hedgegrid_position")
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in families  # type: ignore[attr-defined]
        for one in family.samples
        if one.name.startswith(kept)
    }


def test_what_a_former_version_was_handed_through_the_group_is_counted_once(world: World) -> None:
    with world.running() as first:
        world.write(world.ledger, *fills(0))
        eventually(lambda: first.leg()["fills"] == 1)
    last = world.write(world.ledger, *fills(1, 2, 3))[-1]
    world.client.xreadgroup(bookmarks.TOTALS, "metrics", {world.ledger: ">"}, count=2)
    with world.running() as second:
        eventually(lambda: second.leg()["realised"]["gross"] == "15")
        assert second.leg()["fills"] == 4
    assert second.error is None
    assert group_positions(world.client, world.ledger) == [last], "else the stream would never be trimmed"


def test_streams_may_be_trimmed_up_to_what_is_saved_and_no_further(world: World) -> None:
    with world.running() as metrics:
        last = world.write(world.ledger, *fills(0, 1))[-1]
        eventually(lambda: group_positions(world.client, world.ledger) == [last])
        saved = json.loads(world.client.hget(totals_key(world.account), "ledger") or b"")
        assert saved["position"] == last
    assert metrics.error is None


def test_a_read_whose_answer_is_lost_is_made_again(world: World) -> None:
    with world.running() as metrics:
        eventually(metrics.counting)
        world.write(world.ledger, *fills(0))
        eventually(lambda: metrics.leg()["fills"] == 1)
        connections: Any = world.client.client_list()
        reading = [one["addr"] for one in connections if one["name"] == "metrics" and one["cmd"] == "xread"]
        assert reading
        with world.client.pipeline(transaction=True) as pipe:  # woken by the entry, cut off before it is told
            pipe.xadd(world.ledger, codec.fields(fills(1)[0]))  # type: ignore[arg-type]
            for address in reading:
                pipe.client_kill_filter(addr=address)
            pipe.execute()
        world.write(world.ledger, *fills(2))
        eventually(lambda: metrics.leg()["realised"]["gross"] == "7")
    assert metrics.error is None


def test_totals_of_an_unknown_version_are_rebuilt_from_the_stream(world: World) -> None:
    world.write(world.ledger, *fills(0, 1, 2))
    with world.running() as first:
        eventually(lambda: first.leg()["fills"] == 3)
    world.client.hset(totals_key(world.account), "ledger", '{"schema":99,"position":"9-9","rows":[],"memory":{}}')
    with world.running() as second:
        eventually(second.counting)
        assert second.leg()["realised"]["gross"] == "7"


def test_a_poison_entry_is_set_aside_and_the_next_one_is_counted(world: World) -> None:
    with world.running() as metrics:
        eventually(metrics.counting)
        world.write(world.ledger, *fills(0))
        world.client.xadd(world.ledger, {"__data__": '{"type":"FillBooked","v":1}'})
        world.client.xadd(world.ledger, {"other": "field"})
        world.client.xadd(keys.market("BTCUSDT"), {"__data__": b"\xff"})
        world.write(keys.market("BTCUSDT"), sample.tick())
        world.write(world.ledger, *fills(1))
        eventually(lambda: metrics.leg()["fills"] == 2)
        eventually(lambda: metrics.state()["bots"][0]["last_px"] == "50000")
        eventually(lambda: world.client.xlen(keys.dead(world.ledger)) == 2)
        dead: Any = world.client.xrange(keys.dead(world.ledger))
        assert dead[0][1][b"raw"] == b'{"type":"FillBooked","v":1}'
        assert b"symbol" in dead[0][1][b"reason"]
        eventually(lambda: metrics.value("hedgegrid_dead_letters_total", stream=world.ledger) == 2)
        eventually(lambda: metrics.value("hedgegrid_stream_length_entries", stream=keys.dead(world.ledger)) == 2)
        eventually(lambda: metrics.state()["dead_letters"] == 3)
    assert metrics.error is None


def test_a_second_process_waits_until_the_first_has_gone(world: World) -> None:
    with world.running() as first:
        eventually(first.counting)
        with world.running() as second:
            eventually(lambda: "another process" in second.context.health.conditions["counting"].reason)
            world.write(world.ledger, *fills(0))
            eventually(lambda: first.leg()["fills"] == 1)
            first.stop()
            eventually(second.counting)
            world.write(world.ledger, *fills(1))
            eventually(lambda: second.leg()["realised"]["gross"] == "3")
    assert (first.error, second.error) == (None, None)


def test_a_process_that_lost_its_lease_stops_and_writes_nothing(world: World) -> None:
    with world.running() as first:
        eventually(first.counting)
        key = keys.lease(world.account, LEASE_NAME)
        thief = Lease(world.client, key, "thief", 60_000)
        world.client.hset(key, "expires_ms", 0)
        world.client.hset(key, mapping={"owner": "thief", "epoch": 99})
        saved = world.client.hgetall(totals_key(world.account))
        world.write(world.ledger, *fills(0))
        eventually(first.ended)
    assert isinstance(first.error, LeaseLost)
    assert world.client.hgetall(totals_key(world.account)) == saved
    assert thief.acquire()
    thief.release()
    with world.running() as second:
        eventually(lambda: second.leg()["fills"] == 1)


def test_the_feed_state_survives_a_restart(world: World) -> None:
    world.write(world.events, FeedConnected(feed="private", session=1, ts_event=1))
    for _ in range(2):
        with world.running() as metrics:
            eventually(lambda: metrics.state()["accounts"][0]["feeds"] == {"private": True})


def test_stopping_is_quick(world: World) -> None:
    with world.running() as metrics:
        eventually(metrics.counting)
        stopper = threading.Thread(target=metrics.stop)
        stopper.start()
        stopper.join(timeout=2)
        assert not stopper.is_alive()


def test_a_backlog_is_counted_before_the_service_says_that_it_counts(world: World) -> None:
    entries = 2500
    world.write(world.ledger, *(sample.fill(trade_id=str(number), gross=Decimal(1)) for number in range(entries)))
    with world.running() as metrics:
        eventually(metrics.counting)
        assert (metrics.leg()["fills"], metrics.leg()["realised"]["gross"]) == (entries, str(entries))
