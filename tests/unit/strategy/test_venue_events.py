"""What the venue may do to a bot that trades: refuse, cancel by rule, win races, change its rules, fall through the
whole ladder. Nothing is doubled, nothing loops, and the bot goes on where it may."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import AmendOrder, CancelOrder, Command, RequestSnapshot, SubmitOrder
from hedgegrid.messages.events import OrderAcked, OrderCanceled, OrderRejected, SnapshotReason, SnapshotTaken
from hedgegrid.strategy.core.state import OrderPhase
from tests.property.strategy.world import INSTRUMENT, SYMBOL, World
from tests.unit.strategy.situations import at_venue, leg_of, orders, settle, settled

D = Decimal
REFUSALS = {
    110003: "price out of range",
    110120: "price above the band",
    110121: "price below the band",
    30208: "price above the highest buying price",
    30209: "price below the lowest selling price",
    110007: "available balance is not enough",
    110004: "wallet balance is not enough",
    110012: "available balance is not enough",
    110020: "more than 500 active orders",
    110009: "too many conditional orders",
    110023: "only reducing is allowed",
    30228: "delisting",
    110042: "delisting soon",
    110074: "closed",
    110011: "in liquidation",
}
A_MINUTE = 600
"""Ticks of the world's clock."""


def refused(command: SubmitOrder, world: World, code: int) -> list[Message]:
    return [
        OrderRejected(
            symbol=SYMBOL,
            client_order_id=command.client_order_id,
            code=code,
            reason=REFUSALS[code],
            ts_event=world.now_ms,
        )
    ]


def ended(command: SubmitOrder, world: World, reason: str) -> list[Message]:
    """Taken by REST, then cancelled by the engine before anything filled."""
    order_id, leg = command.client_order_id, command.leg
    return [
        OrderAcked(symbol=SYMBOL, client_order_id=order_id, command="submit", ts_event=world.now_ms),  # type: ignore[arg-type]
        OrderCanceled(
            symbol=SYMBOL,
            client_order_id=order_id,
            leg=leg,
            venue_order_id="x",
            cum_qty=D(0),
            reason=reason,
            ts_event=world.now_ms,
            ts_init=world.now_ms,
        ),
    ]


def live_a_minute(world: World, outcome: Callable[[SubmitOrder], list[Message]]) -> Counter[Leg]:
    """Every order ends as told, for a minute of ticks; how many were sent, by leg."""
    sent: Counter[Leg] = Counter()
    for _ in range(A_MINUTE):
        world.tick()
        for command in list(world.waiting):
            if isinstance(command, SubmitOrder):
                world.waiting.remove(command)
                sent[command.leg] += 1
                for event in outcome(command):
                    world.take(event)  # type: ignore[arg-type]
            else:
                world.execute()
        while world.feed:
            world.deliver()
    return sent


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refused_entry_is_tried_ever_more_rarely_and_placed_when_it_may(code: int) -> None:
    world = World(3)
    sent = live_a_minute(world, lambda command: refused(command, world, code))
    assert sent.keys() == set(Leg)
    assert max(sent.values()) <= 7, "1 + 2 + 4 + 8 + 16 + 32 s"
    world.now_ms += 60_000
    world.come_to_rest()
    world.check_at_rest()
    assert all(leg.book.qty for leg in world.state.legs)


@pytest.mark.parametrize(
    "reason",
    ["CancelByUser / EC_PostOnlyWillTakeLiquidity", "CancelBySmp / EC_BySelfMatch", "CancelByPrepareLackOfMargin"],
)
def test_an_order_acknowledged_and_then_cancelled_by_rule_does_not_loop(reason: str) -> None:
    world = World(3)
    sent = live_a_minute(world, lambda command: ended(command, world, reason))
    assert 1 < max(sent.values()) <= 7
    world.now_ms += 60_000
    world.come_to_rest()
    world.check_at_rest()
    assert all(leg.book.qty for leg in world.state.legs)


def held(world: World, kind: type[Command]) -> list[Command]:
    return [command for command in world.waiting if isinstance(command, kind)]


def average_once(world: World) -> list[Command]:
    """One more level is filled; the amend of the take-profit that follows waits unsent."""
    world.move(D("-0.12"))
    world.tick()
    while held(world, SubmitOrder):
        command = held(world, SubmitOrder)[0]
        world.waiting.remove(command)
        world.waiting.insert(0, command)
        world.execute()
        while world.feed:
            world.deliver()
    return held(world, AmendOrder)


def test_an_amend_that_loses_against_the_fill() -> None:
    world = settled()
    amends = [command for command in average_once(world) if command.leg is Leg.LONG]  # type: ignore[union-attr]
    assert amends
    [take_profit] = [order for order in at_venue(world) if order.side is Leg.LONG.closing_side]
    world.move((take_profit.price / world.price - 1) * 100 + D("0.05"))
    assert take_profit.order_id not in [order.order_id for order in at_venue(world)], "it filled meanwhile"
    world.come_to_rest()
    world.check_at_rest()


def test_a_cancel_that_loses_against_the_fill() -> None:
    world = settled()
    [take_profit] = [order for order in at_venue(world) if order.side is Leg.LONG.closing_side]
    world.operate(TradingState.HALTED)
    assert held(world, CancelOrder)
    world.move((take_profit.price / world.price - 1) * 100 + D("0.05"))
    settle(world)
    assert world.state.long.book.qty == 0
    assert world.state.long.orders == ()
    world.operate(TradingState.ACTIVE)
    world.come_to_rest()
    world.check_at_rest()


def test_new_trading_rules_come_with_the_audit_and_hold_for_every_order_after_it() -> None:
    world = settled()
    coarse = replace(INSTRUMENT, tick_size=D(5), qty_step=D("0.002"), min_qty=D("0.002"))
    audit = world.desk.snapshot(RequestSnapshot(symbol=SYMBOL, reason=SnapshotReason.AUDIT, request=0), world.now_ms)
    assert isinstance(audit, SnapshotTaken)
    world.take(msgspec.structs.replace(audit, instrument=coarse))
    assert world.state.reconciled
    before = len(world.seen)
    average_once(world)
    commands = [c for c in world.seen[before:] if isinstance(c, SubmitOrder | AmendOrder)]
    assert commands
    for command in commands:
        assert command.qty % coarse.qty_step == 0
        assert command.price is None or command.price % coarse.tick_size == 0


@pytest.mark.parametrize("style", ["trigger", "resting"])
@pytest.mark.parametrize("by_pct", ["-8", "-30", "8"])
def test_a_gap_through_the_whole_ladder_sends_no_more_than_the_ladder_holds(style: str, by_pct: str) -> None:
    world = settled(averaging_style=style)
    before = len(world.seen)
    world.move(D(by_pct))
    for _ in range(50):
        world.tick()
        settle(world)
    submits = [command for command in world.seen[before:] if isinstance(command, SubmitOrder)]
    entries = Counter(command.leg for command in submits if not command.reduce_only)
    assert max(entries.values(), default=0) <= world.config.max_levels + 1
    world.check_caps()
    world.come_to_rest()
    world.check_at_rest()


def test_what_an_audit_finds_missing_is_booked_though_nothing_told_of_it() -> None:
    """The socket stands, one execution and its order's end were never pushed."""
    world = settled()
    [take_profit] = orders(world, Purpose.TAKE_PROFIT)
    assert take_profit.phase is OrderPhase.LIVE
    assert take_profit.price is not None
    world.move((take_profit.price / world.price - 1) * 100 + D("0.05"))
    world.feed.clear()
    world.now_ms += 60_000
    audit = world.desk.snapshot(RequestSnapshot(symbol=SYMBOL, reason=SnapshotReason.AUDIT, request=0), world.now_ms)
    world.take(audit)
    assert leg_of(world).book.qty == 0
    world.come_to_rest()
    world.check_at_rest()
