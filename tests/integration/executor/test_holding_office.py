"""Leases, restarts, take-overs: what an earlier holder left is resolved, and nobody sends without the lease."""

import threading
import time

import pytest

from hedgegrid.bus import keys
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bus.lease import Lease
from hedgegrid.bus.reader import last_id
from hedgegrid.executor.in_flight import SentRecord, encode_record, target_of
from hedgegrid.messages.commands import Command
from hedgegrid.messages.events import OrderAccepted, OrderAcked, OrderRejected, SnapshotTaken
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import CANCEL, CREATE, FakeVenue, Fault, Seen
from tests.integration.executor.floor import Floor, eventually, now_ms


def leave_behind(floor: Floor, command: Command, ttl_ms: int = 300) -> None:
    """What a holder leaves that was killed between its commit and the outcome."""
    floor.send(command)
    entry_id = last_id(floor.client, keys.commands(floor.account))
    lease = Lease(floor.client, keys.lease(floor.account, "executor"), "ghost", ttl_ms)
    assert lease.acquire()
    record = SentRecord(command=command, command_id=entry_id, sent_ms=now_ms())
    state = FencedState(floor.client, keys.executor(floor.account), lease)
    state.commit({"checkpoint": entry_id, target_of(command).field: encode_record(record)})


def test_an_order_left_behind_and_found_at_the_venue_is_adopted(floor: Floor, venue: FakeVenue, start: Start) -> None:
    order = floor.submit()
    leave_behind(floor, order)
    params = {"symbol": "BTCUSDT", "orderLinkId": order.client_order_id, "side": "Buy", "positionIdx": 1}
    venue.act(CREATE, params | {"qty": "0.01", "price": "50000", "reduceOnly": False})
    start()
    assert floor.one(OrderAcked).venue_order_id == "venue-1"
    assert floor.one(OrderAccepted).client_order_id == order.client_order_id
    assert venue.seen(CREATE) == []
    eventually(floor.settled, "settled")


def test_an_order_left_behind_that_never_arrived_is_sent_with_its_id(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    """Killed after the commit and before the first byte: nothing may be lost either."""
    order = floor.submit()
    leave_behind(floor, order)
    start()
    floor.one(OrderAcked)
    assert list(venue.orders) == [order.client_order_id]
    assert len(venue.seen(CREATE)) == 1


def test_an_old_order_left_behind_that_never_arrived_is_given_up(floor: Floor, venue: FakeVenue, start: Start) -> None:
    order = floor.submit(issued_ms=now_ms() - 3_600_000)
    leave_behind(floor, order)
    start()
    event = floor.one(OrderRejected)
    assert (event.client_order_id, event.code) == (order.client_order_id, 0)
    assert venue.seen(CREATE) == []


def test_a_cancel_left_behind_is_carried_out(floor: Floor, venue: FakeVenue, start: Start) -> None:
    order = floor.submit()
    params = {"symbol": "BTCUSDT", "orderLinkId": order.client_order_id, "side": "Buy", "positionIdx": 1}
    venue.act(CREATE, params | {"qty": "0.01", "price": "50000", "reduceOnly": False})
    leave_behind(floor, floor.cancel(order))
    start()
    floor.one(OrderAcked)
    assert venue.orders[order.client_order_id]["orderStatus"] == "Cancelled"
    assert len(venue.seen(CANCEL)) == 1


def test_a_snapshot_left_behind_is_answered_under_its_number(floor: Floor, start: Start) -> None:
    leave_behind(floor, floor.snapshot(7))
    start()
    assert floor.one(SnapshotTaken).request == 7


def test_an_unreadable_record_is_set_aside(floor: Floor, start: Start) -> None:
    floor.client.hset(keys.executor(floor.account), mapping={"sent:submit:x": b"{not json", "version": "1"})
    start()
    assert floor.client.xlen(keys.dead(keys.commands(floor.account))) == 1
    assert floor.sent() == []


def test_nothing_is_sent_before_the_old_holders_requests_are_dead(floor: Floor, venue: FakeVenue, start: Start) -> None:
    """Rules may be read and settings be set meanwhile; no order goes out, and no snapshot is taken."""
    lease = Lease(floor.client, keys.lease(floor.account, "executor"), "ghost", 300)
    assert lease.acquire()
    floor.send(floor.submit(reduce_only=True))
    running = start(ready=False, fence_margin_ms=800)
    eventually(lambda: running.why("account") == "active", "taken over")
    taken_over_at = time.monotonic()
    floor.one(OrderAcked)
    held = floor.client.hgetall(keys.lease(floor.account, "executor"))
    assert held[b"epoch"] == b"2"
    fence_s = running.settings.fence_ms / 1000 - 0.05
    first = min(seen.at for seen in venue.requests if seen.path in (CREATE, "/v5/position/list"))
    assert first - taken_over_at > fence_s
    assert venue.requests[0].at - taken_over_at < fence_s


def test_a_standby_takes_over_when_the_active_one_stops(floor: Floor, venue: FakeVenue, start: Start) -> None:
    first = start("one")
    second = start("two", ready=False)
    eventually(lambda: second.why("account").startswith("standby"), "second stands by")
    one, two = floor.submit(), floor.submit()
    floor.send(one)
    floor.one(OrderAcked, one.client_order_id)
    first.stop()
    floor.expect(SnapshotTaken, count=2)
    floor.send(two)
    floor.one(OrderAcked, two.client_order_id)
    assert [seen.params["orderLinkId"] for seen in venue.seen(CREATE)] == [one.client_order_id, two.client_order_id]


def test_who_lost_the_lease_sends_nothing(floor: Floor, venue: FakeVenue, start: Start) -> None:
    running = start("one", lease_ttl_ms=60_000)
    key = keys.lease(floor.account, "executor")
    floor.client.hset(key, mapping={"owner": "usurper", "epoch": "99", "expires_ms": str(now_ms() + 60_000)})
    floor.send(floor.submit())
    eventually(lambda: "LeaseLost" in running.why("account"), "the loss is noticed")
    assert venue.seen(CREATE) == []
    assert floor.events(OrderAcked) == []
    floor.client.delete(key)


def test_an_uncertain_lease_holds_an_order_back_until_it_is_renewed(
    floor: Floor, venue: FakeVenue, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a pause of the process: the local clock says that the lease may have run out."""
    running = start("one", lease_ttl_ms=1000)
    tenure = running.executor.tenure
    assert tenure is not None
    tenure.certain_for_ns = -1
    order = floor.submit()
    floor.send(order)
    eventually(lambda: "the lease is not certain" in caplog.text, "held back")
    assert floor.sent() == [f"sent:submit:{order.client_order_id}"]
    assert venue.seen(CREATE) == []
    tenure.certain_for_ns = 600_000_000
    floor.one(OrderAcked)


def test_stopping_lets_what_is_being_sent_finish(floor: Floor, venue: FakeVenue, start: Start) -> None:
    running = start()
    order = floor.submit()
    answer = threading.Event()

    def hold(seen: Seen) -> None:
        if seen.path == CREATE:
            running.context.stopping.set()
            answer.wait(0.2)

    venue.on_request = hold
    floor.send(order)
    eventually(lambda: running.context.stopping.is_set(), "posted")
    running.stop()
    assert floor.one(OrderAcked).client_order_id == order.client_order_id
    assert floor.settled()


def test_an_order_of_unknown_outcome_outlives_a_stop(floor: Floor, venue: FakeVenue, start: Start) -> None:
    running = start(absent_span_ms=60_000)
    venue.hidden.add("h1-BTCUSDT-LE00-1")
    hang = Fault("hang", after=True)
    venue.fault(CREATE, hang)
    order = floor.submit()
    floor.send(order)
    eventually(lambda: len(venue.seen(CREATE)) == 1, "posted")
    running.stop()
    assert floor.sent() == [f"sent:submit:{order.client_order_id}"]
    hang.released.set()
    venue.hidden.clear()
    start("two", ready=False)
    floor.one(OrderAcked)
    assert len(venue.orders) == 1
    assert len(venue.seen(CREATE)) == 1


def test_the_lease_is_free_after_an_orderly_stop(floor: Floor, start: Start) -> None:
    start().stop()
    assert floor.client.hget(keys.lease(floor.account, "executor"), "owner") == b""
