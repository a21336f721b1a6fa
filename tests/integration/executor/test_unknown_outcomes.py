"""Answers that are lost: the order is found, or proven absent and sent again under its id; never twice, never lost."""

from decimal import Decimal

import pytest

from hedgegrid.messages.events import (
    CommandKind,
    OrderAccepted,
    OrderAcked,
    OrderCanceled,
    OrderCompleted,
    OrderFilled,
    OrderRejected,
)
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import AMEND, CANCEL, CREATE, EXECUTIONS, REALTIME, FakeVenue, Fault, Seen
from tests.integration.executor.floor import Floor, eventually

D = Decimal


@pytest.mark.parametrize(
    "fault",
    [
        Fault("hang", after=True),
        Fault("drop", after=True),
        Fault("status", 502, after=True),
        Fault("status", 500, after=True),
        Fault("body", b"<html>Bad Gateway</html>", after=True),
        Fault("body", b'{"retCode":0,"retMsg":"OK","res', after=True),
        Fault("body", b'"OK"', after=True),
        Fault("body", b"[]", after=True),
        Fault("body", b"{}", after=True),
        Fault("body", b'{"retCode":"0"}', after=True),
        Fault("body", b"", after=True),
        Fault("code", (10000, "Server Timeout"), after=True),
        Fault("code", (10016, "Server error."), after=True),
        Fault("code", (99999, "a code nobody documented"), after=True),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.value}",
)
def test_an_order_whose_answer_is_lost_is_adopted(floor: Floor, venue: FakeVenue, start: Start, fault: Fault) -> None:
    """The venue took it; nothing is sent twice and the strategy learns of an ordinary order."""
    start()
    order = floor.submit()
    venue.fault(CREATE, Fault(fault.kind, fault.value, after=True))
    floor.send(order)
    ack = floor.one(OrderAcked)
    assert (ack.client_order_id, ack.venue_order_id) == (order.client_order_id, "venue-1")
    assert floor.one(OrderAccepted).client_order_id == order.client_order_id
    assert len(venue.seen(CREATE)) == 1
    assert len(venue.orders) == 1
    eventually(floor.settled, "settled")


def test_an_adopted_order_brings_its_fills(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()

    def fill(seen: Seen) -> None:
        if seen.path == REALTIME and seen.params.get("orderLinkId") and not venue.executions:
            venue.fill(order.client_order_id, "50000")

    venue.on_request = fill
    venue.fault(CREATE, Fault("drop", after=True))
    floor.send(order)
    floor.one(OrderAcked)
    fill_event = floor.one(OrderFilled)
    assert (fill_event.last_qty, fill_event.last_px, fill_event.gross) == (D("0.01"), D(50000), D(0))
    assert floor.one(OrderCompleted).cum_qty == D("0.01")


@pytest.mark.parametrize("reduce_only", [False, True])
def test_a_request_that_never_arrived_is_sent_again_once(
    floor: Floor, venue: FakeVenue, start: Start, reduce_only: bool
) -> None:
    running = start()
    order = floor.submit(reduce_only=reduce_only)
    venue.fault(CREATE, Fault("drop"))
    floor.send(order)
    floor.one(OrderAcked)
    first, second = venue.seen(CREATE)
    assert first.params == second.params
    assert second.at - first.at >= running.settings.fence_ms / 1000
    assert len(venue.orders) == 1
    looked = [seen.path for seen in venue.seen(method="GET") if first.at < seen.at < second.at]
    assert REALTIME in looked
    assert EXECUTIONS in looked


def test_an_entry_too_old_to_send_again_never_arrived(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start(command_ttl_ms=150)
    order = floor.submit()
    venue.fault(CREATE, Fault("drop"))
    floor.send(order)
    event = floor.one(OrderRejected)
    assert (event.code, event.reason) == (0, "never arrived")
    assert len(venue.seen(CREATE)) == 1
    eventually(floor.settled, "settled")


def test_a_failed_query_proves_nothing(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """The order is there, but every question fails, long past the fence: it must not be sent again or given up."""
    start()
    order = floor.submit()
    venue.fault(CREATE, Fault("drop", after=True))
    venue.fault(REALTIME, *[Fault("status", 502) for _ in range(8)])
    floor.send(order)
    floor.one(OrderAcked)
    assert len(venue.seen(CREATE)) == 1


def test_a_lagging_list_does_not_cost_the_order(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """The lists show nothing for longer than the absence rule waits: the same id is sent, and 110072 adopts it."""
    start()
    order = floor.submit()
    venue.hidden.add(order.client_order_id)
    venue.fault(CREATE, Fault("drop", after=True))
    floor.send(order)
    eventually(lambda: len(venue.seen(CREATE)) == 2, "sent again")
    venue.hidden.clear()
    floor.one(OrderAcked)
    assert len(venue.orders) == 1
    assert floor.events(OrderRejected) == []


def test_a_duplicate_id_of_another_order_is_a_refusal(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    floor.send(order)
    floor.one(OrderAcked)
    other = floor.submit(leg=order.leg, client_order_id=order.client_order_id, reduce_only=True)
    floor.send(other)
    assert floor.one(OrderRejected).code == 110072
    assert len(venue.orders) == 1


def test_an_amend_whose_answer_is_lost(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    floor.send(order)
    floor.one(OrderAcked)
    venue.fault(AMEND, Fault("drop", after=True))
    floor.send(floor.amend(order, "0.02", "50001"))
    assert floor.expect(OrderAcked, count=2)[1].command is CommandKind.AMEND
    assert len(venue.seen(AMEND)) == 1


def test_an_amend_that_never_arrived_is_sent_again(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    order = floor.submit()
    floor.send(order)
    floor.one(OrderAcked)
    venue.fault(AMEND, Fault("drop"))
    floor.send(floor.amend(order, "0.02", "50001"))
    assert floor.expect(OrderAcked, count=2)[1].command is CommandKind.AMEND
    assert len(venue.seen(AMEND)) == 2
    assert venue.orders[order.client_order_id]["qty"] == "0.02"


@pytest.mark.parametrize("after", [False, True])
def test_a_cancel_whose_answer_is_lost(floor: Floor, venue: FakeVenue, start: Start, after: bool) -> None:
    start()
    order = floor.submit()
    floor.send(order)
    floor.one(OrderAcked)
    venue.fault(CANCEL, Fault("drop", after=after))
    floor.send(floor.cancel(order))
    assert floor.expect(OrderAcked, count=2)[1].command is CommandKind.CANCEL
    assert venue.orders[order.client_order_id]["orderStatus"] == "Cancelled"
    assert len(venue.seen(CANCEL)) == (1 if after else 2)
    assert len(floor.events(OrderCanceled)) == (1 if after else 0)
