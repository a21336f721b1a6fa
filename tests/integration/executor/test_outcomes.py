"""Every outcome a command can have, over a real Redis and a venue that does what the test says."""

import threading
from decimal import Decimal

from hedgegrid.bus import codec, keys
from hedgegrid.domain.order import Leg
from hedgegrid.executor.in_flight import decode_record
from hedgegrid.messages.events import (
    AmendRejected,
    CancelRejected,
    CommandKind,
    DenyReason,
    OrderAcked,
    OrderDenied,
    OrderRejected,
)
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import CREATE, FakeVenue, Fault, Seen
from tests.integration.executor.floor import Floor, eventually, now_ms

LANES = 8

D = Decimal


def test_an_order_is_acknowledged_with_all_its_stamps(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    floor.send(order)
    ack = floor.one(OrderAcked)
    assert (ack.client_order_id, ack.command, ack.venue_order_id) == (order.client_order_id, "submit", "venue-1")
    assert (ack.cause_ns, ack.decided_ns) == (11, 22)
    assert 0 < ack.sent_ns < ack.acked_ns
    assert [seen.params for seen in venue.seen(CREATE)] == [
        {
            "category": "linear", "symbol": "BTCUSDT", "orderLinkId": order.client_order_id, "side": "Buy",
            "orderType": "Limit", "qty": "0.01", "price": "50000", "positionIdx": 1, "reduceOnly": False,
            "timeInForce": "GTC",
        }
    ]  # fmt: skip
    eventually(floor.settled, "settled")


def test_what_is_sent_is_durable_before_the_venue_sees_it(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    at_post: list[dict[str, bytes]] = []

    def look(seen: Seen) -> None:
        if seen.path == CREATE:
            at_post.append(floor.state())

    venue.on_request = look
    floor.send(order)
    floor.one(OrderAcked)
    record = decode_record(at_post[0][f"sent:submit:{order.client_order_id}"])
    assert record.command == order
    assert record.command_id.encode() == at_post[0]["checkpoint"]


def test_a_refusal_is_told_with_its_code(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    venue.fault(CREATE, Fault("code", (110007, "ab not enough for new order")))
    floor.send(order)
    event = floor.one(OrderRejected)
    assert (event.client_order_id, event.code, event.reason) == (
        order.client_order_id,
        110007,
        "ab not enough for new order",
    )
    eventually(floor.settled, "settled")


def test_amend_and_cancel_of_an_order_that_is_gone(floor: Floor, start: Start) -> None:
    start()
    order = floor.submit()
    floor.send(floor.amend(order, "0.02", "50001"), floor.cancel(order))
    assert floor.one(AmendRejected).code == 110001
    assert floor.one(CancelRejected).code == 110001


def test_amend_and_cancel_reach_the_venue(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    floor.send(order, floor.amend(order, "0.02", "50001"), floor.cancel(order))
    acks = floor.expect(OrderAcked, count=3)
    assert [ack.command for ack in acks] == [CommandKind.SUBMIT, CommandKind.AMEND, CommandKind.CANCEL]
    row = venue.orders[order.client_order_id]
    assert (row["qty"], row["price"], row["orderStatus"]) == ("0.02", "50001", "Cancelled")


def test_throttled_orders_wait_for_the_reset_and_go_again(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    reset = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": str(now_ms() + 400)}
    venue.fault(CREATE, Fault("code", (10006, "Too many visits!"), headers=reset))
    floor.send(order)
    floor.one(OrderAcked)
    first, second = venue.seen(CREATE)
    assert first.params == second.params
    assert 0.2 < second.at - first.at < 2


def test_a_clock_error_is_repaired_and_the_order_sent_again(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    eventually(lambda: len(venue.seen("/v5/market/time")) == 1 + LANES, "clock read once, and by each lane")
    order = floor.submit()
    venue.fault(CREATE, Fault("code", (10002, "invalid request, please check your server timestamp")))
    floor.send(order)
    floor.one(OrderAcked)
    assert len(venue.seen(CREATE)) == 2
    assert len(venue.seen("/v5/market/time")) == 2 + LANES


def test_a_stale_entry_is_denied_but_not_what_reduces(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    old = now_ms() - 60_000
    entry, close = floor.submit(issued_ms=old), floor.submit(issued_ms=old, reduce_only=True)
    floor.send(entry, close)
    event = floor.one(OrderDenied)
    assert (event.client_order_id, event.reason) == (entry.client_order_id, DenyReason.STALE)
    assert floor.one(OrderAcked).client_order_id == close.client_order_id
    assert list(venue.orders) == [close.client_order_id]


def test_an_unreadable_command_is_set_aside_and_the_next_one_carried_out(floor: Floor, start: Start) -> None:
    running = start()
    floor.client.xadd(keys.commands(floor.account), {codec.FIELD: b'{"type":"SubmitOrder","v":1,"symbol":7}'})
    order = floor.submit()
    floor.send(order)
    floor.one(OrderAcked)
    assert floor.client.xlen(keys.dead(keys.commands(floor.account))) == 1
    stream = keys.commands(floor.account)
    assert running.metrics.registry.get_sample_value("hedgegrid_dead_letters_total", {"stream": stream}) == 1


def test_orders_of_one_leg_never_overlap_and_keep_their_order(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(order_rate_per_s=1000)
    posting: set[str] = set()
    overlaps: list[str] = []
    both_legs = threading.Event()
    lock = threading.Lock()

    def watch(seen: Seen) -> None:
        if seen.path != CREATE:
            return
        leg = str(seen.params["positionIdx"])
        with lock:
            if leg in posting:
                overlaps.append(seen.params["orderLinkId"])
            posting.add(leg)
            if len(posting) == 2:
                both_legs.set()
        both_legs.wait(0.02)
        with lock:
            posting.discard(leg)

    venue.on_request = watch
    orders = [floor.submit(leg=leg) for _ in range(10) for leg in Leg]
    floor.send(*orders)
    floor.expect(OrderAcked, count=20)
    assert overlaps == []
    assert both_legs.is_set()
    for leg in Leg:
        wanted = [order.client_order_id for order in orders if order.leg == leg]
        assert [s.params["orderLinkId"] for s in venue.seen(CREATE) if s.params["positionIdx"] == leg] == wanted


def test_cancel_all_waits_for_earlier_orders_and_holds_later_ones_back(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    start()
    before, after = floor.submit(), floor.submit()
    floor.send(before, floor.cancel_all(), after)
    floor.expect(OrderAcked, count=2)
    eventually(floor.settled, "settled")
    assert venue.orders[before.client_order_id]["orderStatus"] == "Cancelled"
    assert venue.orders[after.client_order_id]["orderStatus"] == "New"
