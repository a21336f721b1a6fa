"""Leases, restarts, take-overs: what an earlier holder left is resolved, and nobody sends without the lease."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bus import keys
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bus.lease import Lease
from hedgegrid.bus.reader import last_id
from hedgegrid.executor.in_flight import SentRecord, encode_record, target_of
from hedgegrid.executor.sent_mark import SentMark
from hedgegrid.messages.commands import Command
from hedgegrid.messages.events import OrderAccepted, OrderAcked, OrderRejected, SnapshotTaken
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import CANCEL, CREATE, EXECUTIONS, FakeVenue, Fault, Seen
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


class ServerGone(Exception):
    """The process ends here."""


@pytest.fixture
def dies_between_sending_and_recording(venue: FakeVenue, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The first order goes to the venue; the commit beside it never happens, nor does any after it."""
    dead: list[FencedState] = []
    commit = FencedState.commit

    def dying(state: FencedState, put: Any, drop: Any = (), add: Any = (), *, meanwhile: Any = None) -> None:
        if state in dead:
            raise ServerGone
        if any(field.startswith("sent:submit") for field in put):
            assert meanwhile is not None
            meanwhile()
            eventually(lambda: bool(venue.orders), "it is at the venue")
            dead.append(state)
            raise ServerGone
        commit(state, put, drop, add, meanwhile=meanwhile)

    monkeypatch.setattr(FencedState, "commit", dying)
    yield
    monkeypatch.undo()


@pytest.mark.parametrize("same_machine", [True, False])
@pytest.mark.usefixtures("dies_between_sending_and_recording")
def test_an_order_sent_by_an_executor_that_died_before_its_record_is_not_sent_again(
    floor: Floor, venue: FakeVenue, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, same_machine: bool
) -> None:
    """The next one finds the command in the stream and, by the mark or for want of one, asks the venue first."""
    first = start("one", lease_ttl_ms=500)
    order = floor.submit()
    floor.send(order)
    eventually(lambda: first.fault is not None, "the first one has died")
    assert isinstance(first.fault, ServerGone)
    first.fault = None
    assert floor.sent() == [], "no record of it"
    monkeypatch.undo()
    start("two", **({} if same_machine else {"state_dir": tmp_path / "elsewhere"}))
    assert floor.one(OrderAcked).client_order_id == order.client_order_id
    assert len(venue.seen(CREATE)) == 1
    eventually(floor.settled, "settled")


def test_a_command_the_mark_proves_unsent_goes_out_at_once(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start("one").stop()
    order = floor.submit(reduce_only=True)
    floor.send(order)
    start("two")
    floor.one(OrderAcked)
    assert [seen.path for seen in venue.requests if order.client_order_id in str(seen.params)] == [CREATE]


def test_a_command_nobody_can_vouch_for_is_asked_about_first(
    floor: Floor, venue: FakeVenue, start: Start, tmp_path: Path
) -> None:
    start("one").stop()
    order = floor.submit(reduce_only=True)
    floor.send(order)
    start("two", state_dir=tmp_path / "elsewhere")
    floor.one(OrderAcked)
    asked = [seen.path for seen in venue.requests if order.client_order_id in str(seen.params)]
    assert asked.count(CREATE) == 1
    assert asked[-1] == CREATE
    assert len(asked) > 1


def test_a_redis_that_forgot_a_command_is_noticed_and_all_history_read_anew(
    floor: Floor, venue: FakeVenue, start: Start
) -> None:
    """As after the restore of an old copy: the order is at the venue, and Redis knows nothing of it."""
    before = {key: floor.client.dump(key) for key in floor.client.scan_iter(f"*{floor.account}*")}
    first = start("one")
    floor.send(floor.submit())
    floor.one(OrderAcked)
    eventually(floor.settled, "settled")
    first.stop()
    for key in floor.client.scan_iter(f"*{floor.account}*"):
        floor.client.delete(key)
    for key, value in before.items():
        floor.client.restore(key, 0, value or b"")
    second = start("two")
    assert second.metrics.redis_went_back.labels(floor.account)._value.get() == 1
    histories = [seen for seen in venue.seen(EXECUTIONS) if seen.at > 0]
    assert "startTime" not in histories[-1].params or int(histories[-1].params["startTime"]) <= now_ms() - 600_000


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


def usurp(floor: Floor) -> None:
    """Another one has the lease, and this one's own clock cannot know it before the next renewal."""
    taken: dict[Any, Any] = {"owner": "usurper", "epoch": "99", "expires_ms": str(now_ms() + 60_000)}
    floor.client.hset(keys.lease(floor.account, "executor"), mapping=taken)


def test_who_lost_the_lease_on_this_machine_sends_nothing(floor: Floor, venue: FakeVenue, start: Start) -> None:
    running = start("one", lease_ttl_ms=60_000)
    usurp(floor)
    SentMark(floor.state_dir / "executor" / f"{floor.account}.mark").begin(99)
    floor.send(floor.submit())
    eventually(lambda: "LeaseLost" in running.why("account"), "the loss is noticed")
    assert venue.seen(CREATE) == []
    assert floor.events(OrderAcked) == []
    floor.client.delete(keys.lease(floor.account, "executor"))


def test_what_the_loser_of_a_lease_still_sent_is_adopted_elsewhere(
    floor: Floor, venue: FakeVenue, start: Start, tmp_path: Path
) -> None:
    """Until it notices, its commands go out and are not recorded; its successor asks before it sends."""
    first = start("one", lease_ttl_ms=60_000)
    usurp(floor)
    order = floor.submit()
    floor.send(order)
    eventually(lambda: "LeaseLost" in first.why("account"), "the loss is noticed")
    first.stop()
    floor.client.delete(keys.lease(floor.account, "executor"))
    assert floor.sent() == []
    start("two", state_dir=tmp_path / "elsewhere")
    assert floor.one(OrderAcked).client_order_id == order.client_order_id
    assert len(venue.seen(CREATE)) == 1


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
    eventually(lambda: floor.sent() == [f"sent:submit:{order.client_order_id}"], "recorded, which happens beside it")
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
