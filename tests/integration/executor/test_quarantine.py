"""An order nobody can tell anything about closes its symbol to new exposure, and only as long as that lasts."""

from collections.abc import Iterator

import pytest

from hedgegrid.executor.interlocks import Interlock
from hedgegrid.messages.events import DenyReason, OrderAcked, OrderDenied, OrderEvent, QuarantineChanged
from tests.integration.executor.conftest import Start
from tests.integration.executor.fake_venue import CREATE, REALTIME, FakeVenue, Fault
from tests.integration.executor.floor import SYMBOL, Floor, eventually

MANY = 2000


@pytest.fixture
def blind(venue: FakeVenue) -> Iterator[FakeVenue]:
    """A venue that takes the next order without an answer, and answers no question about it."""
    venue.fault(CREATE, Fault("drop", after=True))
    venue.fault(REALTIME, *[Fault("status", 502) for _ in range(MANY)])
    yield venue
    venue.faults.clear()


def sees_again(venue: FakeVenue) -> None:
    venue.faults.clear()


def test_the_symbol_adds_nothing_until_the_order_is_found(
    floor: Floor, venue: FakeVenue, start: Start, request: pytest.FixtureRequest
) -> None:
    running = start(quarantine_after_ms=300)
    request.getfixturevalue("blind")
    lost = floor.submit()
    floor.send(lost)
    begun = floor.one(QuarantineChanged)
    assert (begun.symbol, begun.active, begun.orders) == (SYMBOL, True, (lost.client_order_id,))
    assert lost.client_order_id in running.why_held(Interlock.QUARANTINE)
    assert not running.health.ready
    entry, close = floor.submit(), floor.submit(reduce_only=True)
    floor.send(entry, close)
    denied = floor.one(OrderDenied)
    assert (denied.client_order_id, denied.reason) == (entry.client_order_id, DenyReason.INTERLOCKED)
    floor.one(OrderAcked, close.client_order_id)
    sees_again(venue)
    floor.one(OrderAcked, lost.client_order_id)
    assert [event.active for event in floor.expect(QuarantineChanged, count=2)] == [True, False]
    eventually(lambda: running.why_held(Interlock.QUARANTINE) == "", "released")
    later = floor.submit()
    floor.send(later)
    assert isinstance(floor.expect(OrderEvent, later.client_order_id)[0], OrderAcked)


def test_it_outlives_its_executor_and_the_next_one_ends_it(
    floor: Floor, venue: FakeVenue, start: Start, request: pytest.FixtureRequest
) -> None:
    first = start(quarantine_after_ms=300)
    request.getfixturevalue("blind")
    lost = floor.submit()
    floor.send(lost)
    floor.one(QuarantineChanged)
    first.stop()
    second = start("two", ready=False, quarantine_after_ms=300)
    eventually(lambda: second.why("account") == "active", "in office")
    eventually(lambda: bool(second.why_held(Interlock.QUARANTINE)), "taken over")
    sees_again(venue)
    floor.one(OrderAcked, lost.client_order_id)
    assert [event.active for event in floor.expect(QuarantineChanged, count=2)] == [True, False]
    assert len(venue.seen(CREATE)) == 1


def test_an_order_that_is_found_in_time_closes_nothing(floor: Floor, venue: FakeVenue, start: Start) -> None:
    start()
    venue.fault(CREATE, Fault("drop", after=True))
    floor.send(floor.submit())
    floor.one(OrderAcked)
    assert floor.events(QuarantineChanged) == []
    assert "quarantine" not in floor.state()
