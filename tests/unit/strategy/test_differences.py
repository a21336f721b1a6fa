"""A realised result that the venue sees otherwise becomes a ledger row, once, and only when nothing was under way."""

from decimal import Decimal

import msgspec

from hedgegrid.messages.commands import RequestSnapshot
from hedgegrid.messages.events import FundingPaid, SnapshotReason, SnapshotTaken
from hedgegrid.messages.ledger import DifferenceFound
from tests.property.strategy.world import World


def snapshot_after(world: World, wait_ms: int, off_by: str) -> SnapshotTaken:
    world.now_ms += wait_ms
    wish = RequestSnapshot(symbol="BTCUSDT", reason=SnapshotReason.AUDIT, request=0)
    snapshot = world.desk.snapshot(wish, world.now_ms)
    first, second = snapshot.positions
    wrong = msgspec.structs.replace(first, cum_realised=first.cum_realised + Decimal(off_by))
    return msgspec.structs.replace(snapshot, positions=(wrong, second))


def rows(world: World) -> list[DifferenceFound]:
    return [row for row in world.ledger if isinstance(row, DifferenceFound)]


def test_a_difference_is_told_once() -> None:
    world = World(1)
    world.come_to_rest()
    for _ in range(3):
        world.take(snapshot_after(world, 10_000, "-0.00000001"))
    assert [row.amount for row in rows(world)] == [Decimal("-0.00000001")]
    assert rows(world)[0].venue - rows(world)[0].ours == Decimal("-0.00000001")


def test_nothing_is_compared_while_fills_are_coming_in() -> None:
    world = World(1)
    world.come_to_rest()
    world.now_ms = world.state.booked_ms
    world.take(snapshot_after(world, 1_999, "5"))
    assert not rows(world)
    world.take(snapshot_after(world, 1, "5"))
    assert rows(world)


def test_an_old_snapshot_does_not_turn_the_clock_of_bookings_back() -> None:
    world = World(1)
    world.come_to_rest()
    old = world.desk.snapshot(
        RequestSnapshot(symbol="BTCUSDT", reason=SnapshotReason.AUDIT, request=0), world.now_ms - 60_000
    )
    world.fund(Decimal("0.0001"))
    [first, *_] = [event for event in world.feed if isinstance(event, FundingPaid)]
    world.feed.clear()
    world.take(msgspec.structs.replace(old, executions=(first,)))
    assert world.state.booked_ms > world.now_ms - 60_000
