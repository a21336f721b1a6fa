"""What is not sent: dry run, halts, limits, bad orders, and a venue that shuts the door."""

from decimal import Decimal

import pytest

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import RequestSnapshot
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import (
    DenyReason,
    OrderAcked,
    OrderDenied,
    OrderRejected,
    SnapshotFailed,
    SnapshotReason,
    SnapshotTaken,
)
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import CREATE, FakeVenue, Fault
from tests.integration.executor.floor import Floor, Running, Ticker, eventually

D = Decimal
SWITCH_MODE = "/v5/position/switch-mode"


def wish(state: TradingState, symbol: str | None = "BTCUSDT") -> SetTradingState:
    return SetTradingState(symbol=symbol, state=state, actor="test", reason="test", ts_event=1)


def test_dry_run_shows_and_denies_everything_and_posts_nothing(redis_url: str, venue: FakeVenue) -> None:
    floor = Floor(redis_url, dry_run=True)
    running = Running(floor, venue.url, "one")
    floor.ready()
    order = floor.submit()
    floor.send(order, floor.amend(order, "0.02", "50001"), floor.cancel(order), floor.cancel_all(), floor.snapshot(3))
    denials = floor.expect(OrderDenied, count=3)
    assert {denial.reason for denial in denials} == {DenyReason.DRY_RUN}
    floor.expect(SnapshotTaken, count=2)
    running.stop()
    assert venue.seen(method="POST") == []


@pytest.mark.parametrize("symbol", ["BTCUSDT", None])
@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.FLATTEN])
def test_a_halted_bot_may_only_reduce(
    floor: Floor, venue: FakeVenue, start: Start, state: TradingState, symbol: str | None
) -> None:
    floor.control(wish(state, symbol))
    start()
    entry, close = floor.submit(), floor.submit(reduce_only=True)
    floor.send(entry, close)
    assert floor.one(OrderDenied).reason is DenyReason.HALTED
    assert floor.one(OrderAcked).client_order_id == close.client_order_id
    floor.control(wish(TradingState.ACTIVE, symbol))
    eventually(lambda: _passes(floor, venue), "entries pass again")


def _passes(floor: Floor, venue: FakeVenue) -> bool:
    """Send one entry: controls and commands are two streams without a common order, so it may take several."""
    order = floor.submit()
    floor.send(order)
    eventually(lambda: _answered(floor, order.client_order_id), "answered")
    return order.client_order_id in venue.orders


def _answered(floor: Floor, client_order_id: str) -> bool:
    return bool(floor.events(OrderAcked, client_order_id) or floor.events(OrderDenied, client_order_id))


def test_an_order_that_waits_is_denied_when_the_halt_comes(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """Taken while ACTIVE, held back by the rate limit, halted before its turn: the check is made again."""
    start(order_rate_per_s=1)
    orders = [floor.submit() for _ in range(3)]
    floor.send(*orders)
    floor.one(OrderAcked, orders[0].client_order_id)
    floor.control(wish(TradingState.HALTED))
    eventually(floor.settled, "settled")
    denials = floor.events(OrderDenied)
    assert {denial.reason for denial in denials} == {DenyReason.HALTED}
    assert len(denials) + len(venue.orders) == 3


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"symbol": "DOGEUSDT"}, "not in the config"),
        ({"qty": D("0.0105")}, "not on step"),
        ({"price": D("50000.05")}, "not on tick"),
        ({"qty": D(0)}, "above zero"),
        ({"price": None}, "limit order needs one"),
        ({"client_order_id": "somebody-else-1"}, "client_order_id"),
        ({"client_order_id": "h1-BTCUSDT-SE00-1"}, "client_order_id"),
        ({"side": "Sell"}, "reduce_only"),
    ],
)
def test_a_malformed_order_is_denied(
    floor: Floor, venue: FakeVenue, start: Start, changes: dict[str, object], text: str
) -> None:
    start()
    floor.send(floor.submit(**changes))
    event = floor.one(OrderDenied)
    assert event.reason is DenyReason.INVALID
    assert text in event.text
    assert venue.seen(CREATE) == []


def test_one_order_may_not_exceed_the_cap(redis_url: str, venue: FakeVenue) -> None:
    floor = Floor(redis_url, max_order_notional_usdt=D(600))
    running = Running(floor, venue.url, "one")
    floor.ready()
    small, large, close = (
        floor.submit(qty=D("0.012")),
        floor.submit(qty=D("0.013")),
        floor.submit(qty=D(1), reduce_only=True),
    )
    floor.send(small, large, close)
    floor.expect(OrderAcked, count=2)
    assert floor.one(OrderDenied).reason is DenyReason.RISK_LIMIT
    running.stop()
    assert sorted(venue.orders) == sorted([small.client_order_id, close.client_order_id])


def test_an_order_far_from_the_market_is_denied(redis_url: str, venue: FakeVenue) -> None:
    floor = Floor(redis_url, collar_crossing_pct=D(5), collar_resting_pct=D(50))
    running = Running(floor, venue.url, "one")
    floor.ready()
    blind, wild, close = floor.submit(), floor.submit(price=D(60000)), floor.submit(price=D(99999), reduce_only=True)
    floor.send(blind)
    assert "no price" in floor.one(OrderDenied, blind.client_order_id).text
    ticker = Ticker(floor, "50000")
    eventually(lambda: _passes(floor, venue), "a price is known")
    floor.send(wild, close)
    denied = floor.one(OrderDenied, wild.client_order_id)
    assert denied.reason is DenyReason.COLLAR
    assert "20.00 % through the mark 50000" in denied.text
    floor.one(OrderAcked, close.client_order_id)
    ticker.close()
    running.stop()


def test_more_orders_a_minute_than_allowed_are_denied(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(max_orders_per_min_bot=3, order_rate_per_s=100)
    orders = [floor.submit() for _ in range(5)]
    floor.send(*orders)
    assert {event.reason for event in floor.expect(OrderDenied, count=2)} == {DenyReason.PACE}
    close = floor.submit(reduce_only=True)
    floor.send(close, floor.cancel(orders[0]))
    floor.one(OrderAcked, close.client_order_id)
    floor.expect(OrderAcked, orders[0].client_order_id, count=2)
    assert len(venue.seen(CREATE)) == 4


def test_more_open_orders_than_allowed_are_denied(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(max_open_orders=2)
    orders = [floor.submit() for _ in range(3)]
    floor.send(*orders)
    denied = floor.one(OrderDenied)
    assert (denied.client_order_id, denied.reason) == (orders[2].client_order_id, DenyReason.PACE)


def test_a_fatal_refusal_ends_all_sending(floor: Floor, venue: FakeVenue, start: Start) -> None:
    running = start()
    venue.fault(CREATE, Fault("code", (10003, "API key is invalid.")))
    floor.send(floor.submit())
    assert floor.one(OrderRejected).code == 10003
    assert not running.health.ready
    assert "10003" in running.why("venue")
    requests = len(venue.requests)
    floor.send(floor.submit(), floor.submit(reduce_only=True), floor.snapshot(5))
    assert {event.reason for event in floor.expect(OrderDenied, count=2)} == {DenyReason.HALTED}
    assert floor.one(SnapshotFailed).request == 5
    assert len(venue.requests) == requests


def test_a_key_refused_at_start_is_said_once_and_nothing_is_posted(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    venue.fault(SWITCH_MODE, Fault("code", (33004, "api_key expired")))
    running = start(ready=False)
    floor.expect(SnapshotFailed)
    floor.send(floor.submit())
    assert floor.one(OrderDenied).reason is DenyReason.HALTED
    assert "33004" in running.why("venue")
    assert venue.seen(CREATE) == []


def test_a_ban_stops_every_call_for_its_time(floor: Floor, venue: FakeVenue, start: Start) -> None:
    running = start(ban_pause_s=1)
    venue.fault(CREATE, Fault("status", 403))
    order = floor.submit()
    floor.send(order)
    eventually(lambda: "403" in running.why("venue"), "health says it")
    floor.send(floor.submit(), floor.snapshot(1))
    floor.expect(OrderAcked, count=2)
    floor.expect(SnapshotTaken, count=2)
    first = venue.seen(CREATE)[0]
    later = [seen for seen in venue.requests if seen.at > first.at]
    assert later[0].at - first.at >= 1.0
    eventually(lambda: running.health.ready, "the door is open again")


def test_a_mode_that_cannot_be_set_keeps_the_bot_from_entering(floor: Floor, venue: FakeVenue, start: Start) -> None:
    venue.fault(SWITCH_MODE, Fault("code", (110024, "You have an existing position")))
    running = start()
    entry, close = floor.submit(), floor.submit(reduce_only=True)
    floor.send(entry, close)
    event = floor.one(OrderDenied)
    assert event.reason is DenyReason.NOT_RECONCILED
    assert "110024" in event.text
    assert floor.one(OrderAcked).client_order_id == close.client_order_id
    assert not running.health.ready


def test_the_venue_may_be_away_at_start(floor: Floor, venue: FakeVenue, start: Start) -> None:
    venue.fault(SWITCH_MODE, *[Fault("status", 502) for _ in range(3)], Fault("drop"))
    start()
    floor.send(floor.submit())
    floor.one(OrderAcked)


def test_a_snapshot_of_a_foreign_symbol_fails_with_its_reason(floor: Floor, start: Start) -> None:
    start()
    floor.send(RequestSnapshot(symbol="DOGEUSDT", reason=SnapshotReason.GAP, request=9))
    event = floor.one(SnapshotFailed)
    assert (event.symbol, event.request) == ("DOGEUSDT", 9)


def test_a_venue_that_is_not_there_rejects_an_entry_when_it_is_stale(redis_url: str, venue: FakeVenue) -> None:
    """Connection refused: nothing can have been sent, so there is nothing to ask about."""
    floor = Floor(redis_url)
    running = Running(floor, venue.url, "one", command_ttl_ms=300)
    floor.ready()
    venue.close()
    floor.send(floor.submit())
    event = floor.one(OrderRejected)
    assert event.code == 0
    assert "given up" in event.reason
    running.stop()
