"""Snapshots: consistent, complete, answered under their number, and never in the way of a close."""

import threading
from decimal import Decimal

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.messages.events import (
    OrderAcked,
    OrderCompleted,
    OrderFilled,
    SnapshotFailed,
    SnapshotReason,
    SnapshotTaken,
)
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import (
    CLOSED_PNL,
    CREATE,
    EXECUTIONS,
    POSITIONS,
    REALTIME,
    FakeVenue,
    Fault,
    Seen,
)
from tests.integration.executor.floor import Floor, eventually, now_ms

D = Decimal
RESULT = {"orderId": "venue-1", "side": "Sell", "closedSize": "0.01", "cumEntryValue": "500", "cumExitValue": "510"}
"""Of what `_close` closes: 10."""


def test_a_snapshot_shows_orders_fills_and_the_highest_life(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    filled, resting = floor.submit(), floor.submit(leg=Leg.SHORT)
    old_life = floor.submit(client_order_id=floor.new_id(Leg.LONG, Purpose.ENTRY, life=37))
    floor.send(filled, resting, old_life)
    floor.expect(OrderAcked, count=3)
    venue.fill(filled.client_order_id, "50000")
    floor.send(floor.snapshot(1))
    shot = floor.expect(SnapshotTaken, count=2)[1]
    assert (shot.request, shot.reason, shot.highest_life) == (1, SnapshotReason.GAP, 37)
    assert {order.client_order_id for order in shot.open_orders} == {
        resting.client_order_id,
        old_life.client_order_id,
    }
    (ended,) = shot.ended_orders
    assert isinstance(ended, OrderCompleted)
    (fill,) = shot.executions
    assert isinstance(fill, OrderFilled)
    assert (fill.client_order_id, fill.last_qty) == (filled.client_order_id, D("0.01"))
    assert {position.leg: position.qty for position in shot.positions} == {Leg.LONG: D("0.01"), Leg.SHORT: D(0)}
    assert shot.instrument.tick_size == D("0.1")


def test_orders_that_ended_before_the_time_asked_for_are_not_told_again(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    """Their ids still count: a new life must not take one that was used, however long ago."""
    start()
    old, new = floor.submit(client_order_id=floor.new_id(Leg.LONG, Purpose.ENTRY, life=37)), floor.submit()
    floor.send(old, new)
    floor.expect(OrderAcked, count=2)
    venue.fill(old.client_order_id, "50000")
    venue.fill(new.client_order_id, "50000")
    since_ms = now_ms() - 600_000
    venue.orders[old.client_order_id]["updatedTime"] = str(since_ms - 1)
    venue.orders[new.client_order_id]["updatedTime"] = str(since_ms)
    floor.send(floor.snapshot(1, since_ms=since_ms))
    shot = floor.expect(SnapshotTaken, count=2)[1]
    assert [order.client_order_id for order in shot.ended_orders] == [new.client_order_id]
    assert shot.highest_life == 37


def _close(floor: Floor, venue: FakeVenue) -> None:
    close = floor.submit(reduce_only=True)
    floor.send(close)
    floor.one(OrderAcked)
    venue.fill(close.client_order_id, "51000", closed_size="0.01")


def test_a_closing_fill_gets_its_result_from_closed_pnl(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    close = floor.submit(reduce_only=True)
    floor.send(close)
    floor.one(OrderAcked)
    venue.fill(close.client_order_id, "51000.1", closed_size="0.01")
    venue.closed_pnl.append(
        {
            "orderId": "venue-1", "side": "Sell", "closedSize": "0.01", "cumEntryValue": "500.00000001",
            "cumExitValue": "510.001", "avgEntryPrice": "50000.000001", "fillCount": "1",
        }
    )  # fmt: skip
    floor.send(floor.snapshot(1))
    (fill,) = floor.expect(SnapshotTaken, count=2)[1].executions
    assert isinstance(fill, OrderFilled)
    assert fill.gross == D("10.00099999")


def test_a_result_that_comes_late_is_waited_for(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    _close(floor, venue)

    def show_late(seen: Seen) -> None:
        if seen.path.endswith("closed-pnl") and len(venue.seen(seen.path)) == 2:
            venue.closed_pnl.append(RESULT)

    venue.on_request = show_late
    floor.send(floor.snapshot(1))
    (fill,) = floor.expect(SnapshotTaken, count=2)[1].executions
    assert isinstance(fill, OrderFilled)
    assert fill.gross == D(10)


def test_a_result_under_the_time_of_a_much_earlier_fill_is_looked_for_further_back(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    start()
    _close(floor, venue)
    two_hours_ago_ms = now_ms() - 2 * 3_600_000

    def show_in_its_window(seen: Seen) -> None:
        if seen.path.endswith("closed-pnl"):
            venue.closed_pnl[:] = [RESULT] if int(seen.params["startTime"]) <= two_hours_ago_ms else []

    venue.on_request = show_in_its_window
    floor.send(floor.snapshot(1))
    (fill,) = floor.expect(SnapshotTaken, count=2)[1].executions
    assert isinstance(fill, OrderFilled)
    assert fill.gross == D(10)
    first, second, third = (int(seen.params["startTime"]) for seen in venue.seen(CLOSED_PNL))
    assert first - second == 50 * 60_000
    assert second - third == 23 * 3_600_000


def test_without_the_result_there_is_no_snapshot(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    _close(floor, venue)
    floor.send(floor.snapshot(1))
    assert "closed-pnl" in floor.one(SnapshotFailed).text


def test_a_fill_while_reading_makes_it_read_again(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    first, second = floor.submit(), floor.submit(leg=Leg.SHORT)
    floor.send(first, second)
    floor.expect(OrderAcked, count=2)
    before = len(venue.seen(POSITIONS))

    def fill(seen: Seen) -> None:
        if seen.path == EXECUTIONS:  # behind the open orders, before the second look at the positions
            left = [link for link in (first.client_order_id, second.client_order_id) if _is_open(venue, link)]
            if left:
                venue.fill(left[0], "50000")

    venue.on_request = fill
    floor.send(floor.snapshot(1))
    shot = floor.expect(SnapshotTaken, count=2)[1]
    assert len(venue.seen(POSITIONS)) - before == 4
    assert shot.open_orders == ()
    assert len(shot.executions) == 2
    assert {position.qty for position in shot.positions} == {D("0.01")}


def _is_open(venue: FakeVenue, link_id: str) -> bool:
    return bool(venue.orders[link_id]["orderStatus"] == "New")


def test_a_symbol_that_never_rests_gives_no_snapshot(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()

    def move(seen: Seen) -> None:
        if seen.path == POSITIONS:
            venue.positions[1]["seq"] += 1

    venue.on_request = move
    floor.send(floor.snapshot(4))
    event = floor.one(SnapshotFailed)
    assert (event.request, "changed during each" in event.text) == (4, True)


def test_a_failed_call_is_no_snapshot(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    venue.fault(EXECUTIONS, Fault("status", 500))
    floor.send(floor.snapshot(2))
    assert floor.one(SnapshotFailed).request == 2
    eventually(floor.settled, "settled")
    floor.send(floor.snapshot(3))
    assert floor.expect(SnapshotTaken, count=2)[1].request == 3


def test_a_snapshot_waits_for_orders_of_unknown_outcome(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    venue.fault(CREATE, Fault("drop", after=True))
    venue.hidden.add(order.client_order_id)
    looks = 0

    def show(seen: Seen) -> None:
        nonlocal looks
        looks += seen.path == REALTIME and seen.params.get("orderLinkId") == order.client_order_id
        if looks == 3:
            venue.hidden.clear()

    venue.on_request = show
    floor.send(order, floor.snapshot(1))
    shot = floor.expect(SnapshotTaken, count=2)[1]
    assert [accepted.client_order_id for accepted in shot.open_orders] == [order.client_order_id]
    at_lists = [s.at for s in venue.seen(REALTIME) if s.params.get("openOnly") == "0"][-1]
    assert at_lists > max(s.at for s in venue.seen(REALTIME) if s.params.get("orderLinkId"))


def test_a_snapshot_keeps_away_from_the_last_order(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """The venue acknowledges an order before its lists show it; a list read at once would not have it."""
    start(snapshot_quiet_ms=300)
    order = floor.submit()
    venue.hidden.add(order.client_order_id)
    floor.send(order, floor.snapshot(1))
    floor.one(OrderAcked)
    threading.Timer(0.15, venue.hidden.clear).start()
    shot = floor.expect(SnapshotTaken, count=2)[1]
    assert [accepted.client_order_id for accepted in shot.open_orders] == [order.client_order_id]


def test_a_snapshot_does_not_wait_for_ever(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(snapshot_drain_ms=200, absent_span_ms=60_000)
    order = floor.submit()
    venue.fault(CREATE, Fault("drop"))
    floor.send(order, floor.snapshot(1))
    assert "have had no outcome" in floor.one(SnapshotFailed).text
    assert floor.sent() == [f"sent:submit:{order.client_order_id}"]


def test_entries_wait_behind_a_waiting_snapshot_but_a_close_overtakes_it(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    start(absent_span_ms=60_000)
    stuck, entry = floor.submit(), floor.submit()
    close = floor.submit(reduce_only=True, leg=Leg.SHORT)  # behind the entry of its own leg it would wait
    venue.hidden.add(stuck.client_order_id)
    venue.fault(CREATE, Fault("drop", after=True))
    floor.send(stuck)
    eventually(lambda: len(venue.seen(CREATE)) == 1, "posted")
    floor.send(floor.snapshot(1), entry, close)
    floor.one(OrderAcked, close.client_order_id)
    assert entry.client_order_id not in venue.orders
    venue.hidden.clear()
    floor.one(OrderAcked, entry.client_order_id)
    shot = floor.expect(SnapshotTaken, count=2)[1]
    assert {order.client_order_id for order in shot.open_orders} == {stuck.client_order_id, close.client_order_id}


def test_wishes_in_a_row_are_answered_once_under_the_newest_number(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    start(absent_span_ms=60_000)
    stuck = floor.submit()
    venue.hidden.add(stuck.client_order_id)
    venue.fault(CREATE, Fault("drop", after=True))
    floor.send(stuck, floor.snapshot(1), floor.snapshot(2))
    eventually(lambda: len(floor.sent()) == 2, "in line")
    floor.send(floor.snapshot(3))
    eventually(lambda: b'"request":3' in b"".join(floor.state().values()), "joined")
    venue.hidden.clear()
    shots = floor.expect(SnapshotTaken, count=2)
    eventually(floor.settled, "settled")
    assert [shot.request for shot in floor.events(SnapshotTaken)] == [0, 3] == [shot.request for shot in shots]


def test_the_audit_comes_by_itself_and_counts_as_audit(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(audit_interval_s=1)
    audit = floor.expect(SnapshotTaken, count=2)[1]
    assert (audit.reason, audit.request) == (SnapshotReason.AUDIT, 0)
    eventually(lambda: floor.calls().get("audit GET /v5/position/list") == 2, "counted")
    assert not any(name.startswith("steady") for name in floor.calls())


def test_steady_state_is_posts_of_orders_only(floor: Floor, venue: FakeVenue, start: Start) -> None:
    running = start(order_rate_per_s=1000)
    for _ in range(20):
        order = floor.submit()
        floor.send(order, floor.amend(order, "0.02", "50001"), floor.cancel(order))
    floor.expect(OrderAcked, count=60)
    running.stop()
    calls = floor.calls()
    assert {name: count for name, count in calls.items() if name.startswith("steady")} == {
        "steady POST /v5/order/create": 20,
        "steady POST /v5/order/amend": 20,
        "steady POST /v5/order/cancel": 20,
    }
    assert {name.split()[0] for name in calls} == {"startup", "steady"}
    assert sum(calls.values()) == len(venue.requests)
    value = running.metrics.registry.get_sample_value(
        "hedgegrid_rest_calls_total",
        {
            "account": floor.account, "endpoint": CREATE, "method": "POST", "phase": "steady", "outcome": "ok",
        },
    )  # fmt: skip
    assert value == 20
