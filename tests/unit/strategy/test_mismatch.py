"""A position that the books do not explain: HALTED with both sides shown, until the operator says what it is."""

from decimal import Decimal

import msgspec
import pytest

from hedgegrid.domain.order import Leg, OrderType, Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import CancelOrder
from hedgegrid.messages.control import MismatchAnswer
from hedgegrid.messages.ledger import DifferenceFound, MismatchFound, MismatchResolved
from hedgegrid.venue.requests import NewOrder
from tests.property.strategy.world import ACCOUNT, SYMBOL, World
from tests.unit.strategy.situations import at_venue, leg_of, orders, pass_s, settle, settled, submitted, walk

D = Decimal


def in_mismatch(ends_first: bool = False, **fields: object) -> World:
    """Somebody bought 0.005 on the long leg, and the news of it is lost: 0.016 in the books, 0.021 at the venue."""
    world = settled(**fields)
    if ends_first:
        walk(world, "0.4", "0")
    by_hand(world, Leg.LONG, "0.005")
    world.feed.clear()
    world.gap()
    for _ in range(6):
        settle(world)
        pass_s(world, 5)
    assert world.state.trading_state is TradingState.HALTED
    return world


def by_hand(world: World, leg: Leg, qty: str, opens: bool = True) -> None:
    world.people_traded = True
    order = NewOrder(
        symbol=SYMBOL,
        side=leg.opening_side if opens else leg.closing_side,
        order_type=OrderType.MARKET,
        qty=D(qty),
        position_idx=leg.value,
        reduce_only=not opens,
    )
    world.venue.submit(ACCOUNT, order, world.now_ms)
    world.collect()


def test_both_sides_are_shown() -> None:
    world = in_mismatch()
    [row] = [row for row in world.ledger if isinstance(row, MismatchFound)]
    assert (row.leg, row.our_qty, row.venue_qty) == (Leg.LONG, D("0.016"), D("0.021"))
    assert row.our_entry_px == row.venue_entry_px == D("60000.1")
    assert "long: ours 0.016, venue 0.021" in row.text
    assert world.state.why == row.text


def test_a_halt_over_a_mismatch_leaves_no_order_resting() -> None:
    world = in_mismatch(averaging_style="resting", resting_levels=3)
    assert any(isinstance(command, CancelOrder) for command in world.seen)
    assert not at_venue(world)


def test_adopt_takes_the_position_over_and_goes_on() -> None:
    world = in_mismatch(ends_first=True)
    before = leg_of(world).cycle.number
    assert before > 1
    world.resolve(MismatchAnswer.ADOPT)
    world.come_to_rest()
    leg = leg_of(world)
    assert world.state.trading_state is TradingState.ACTIVE
    assert leg.book.qty == D("0.021") == world.venue.position(ACCOUNT, SYMBOL, 1).size
    assert leg.cycle.number == before
    assert sum(order.qty for order in orders(world, Purpose.TAKE_PROFIT)) == leg.book.qty
    assert world.state.life == 2
    world.check_at_rest()
    assert [row for row in world.ledger if isinstance(row, DifferenceFound)], "the person's fee is shown"
    walk(world, "0.5", "0")
    assert leg_of(world).cycle.number == before + 1


def test_flatten_closes_all_of_it() -> None:
    world = in_mismatch()
    world.resolve(MismatchAnswer.FLATTEN)
    world.come_to_rest()
    assert world.venue.position(ACCOUNT, SYMBOL, 1).size == 0
    assert world.state.trading_state is TradingState.HALTED
    assert world.state.why == "flat"
    world.check_at_rest()


def test_ignore_leaves_the_difference_to_its_owner() -> None:
    world = in_mismatch(legs="long")
    world.resolve(MismatchAnswer.IGNORE)
    world.come_to_rest()
    assert world.state.trading_state is TradingState.ACTIVE
    assert leg_of(world).book.qty == D("0.016")
    assert leg_of(world).foreign_qty == D("0.005")
    assert orders(world, Purpose.TAKE_PROFIT)[0].qty == D("0.016")
    world.restart()
    world.come_to_rest()
    assert world.state.reconciled
    walk(world, "0.5")
    world.operate(TradingState.NO_NEW_CYCLES)
    world.come_to_rest()
    assert world.venue.position(ACCOUNT, SYMBOL, 1).size >= D("0.005")


def test_ignore_is_refused_where_something_is_missing() -> None:
    world = settled()
    by_hand(world, Leg.LONG, "0.005", opens=False)
    world.feed.clear()
    world.gap()
    for _ in range(6):
        settle(world)
        pass_s(world, 5)
    world.resolve(MismatchAnswer.IGNORE)
    settle(world)
    pass_s(world, 5)
    settle(world)
    [row] = [row for row in world.ledger if isinstance(row, MismatchResolved)]
    assert "holds less than the books on long; adopt or flatten" in row.outcome
    assert world.state.trading_state is TradingState.HALTED


def test_the_state_before_the_halt_comes_back() -> None:
    world = settled()
    world.operate(TradingState.NO_NEW_CYCLES)
    by_hand(world, Leg.LONG, "0.005")
    settle(world)
    assert str(world.state.trading_state) == "HALTED"
    world.now_ms += 1000
    world.resolve(MismatchAnswer.ADOPT)
    world.come_to_rest()
    assert str(world.state.trading_state) == "NO_NEW_CYCLES"


def test_an_operators_own_halt_stays_after_the_answer() -> None:
    world = in_mismatch()
    world.operate(TradingState.HALTED)
    world.resolve(MismatchAnswer.ADOPT)
    world.come_to_rest()
    assert world.state.trading_state is TradingState.HALTED
    assert leg_of(world).book.qty == D("0.021")


def test_a_bot_that_trades_has_nothing_to_resolve() -> None:
    world = settled()
    before = world.state
    world.resolve(MismatchAnswer.ADOPT)
    assert world.state == before
    [row] = [row for row in world.ledger if isinstance(row, MismatchResolved)]
    assert row.outcome == "nothing to resolve: the bot is ACTIVE"


def test_an_answer_waits_for_a_view_newer_than_the_books() -> None:
    world = in_mismatch()
    world.resolve(MismatchAnswer.ADOPT)
    [request] = world.waiting
    old = msgspec.structs.replace(
        world.desk.snapshot(request, world.now_ms),  # type: ignore[arg-type]
        ts_event=world.state.newest_execution_ms,
    )
    world.take(old)
    assert world.state.resolving is not None
    assert world.state.life == 1
    world.waiting.clear()
    pass_s(world, 2)
    world.come_to_rest()
    assert world.state.life == 2


def test_an_unexplained_position_at_birth_can_be_adopted_as_one_level() -> None:
    world = settled()
    by_hand(world, Leg.LONG, "0.005")
    world.feed.clear()
    world.venue.cancel_all(ACCOUNT, SYMBOL, world.now_ms)
    world.venue.drain()
    world.state = world.strategy.new_state(SYMBOL)
    world.ledger.clear()
    world.restart()
    request = world.waiting.pop()
    whole = world.desk.snapshot(request, world.now_ms)  # type: ignore[arg-type]
    world.take(msgspec.structs.replace(whole, executions=()))
    assert str(world.state.trading_state) == "HALTED"
    assert [row.leg for row in world.ledger if isinstance(row, MismatchFound)] == list(Leg)
    world.resolve(MismatchAnswer.ADOPT)
    request = world.waiting.pop()
    whole = world.desk.snapshot(request, world.now_ms + 1)  # type: ignore[arg-type]
    world.take(msgspec.structs.replace(whole, executions=()))
    [level] = leg_of(world).levels
    assert (level.number, level.qty) == (0, D("0.021"))
    assert world.state.trading_state is TradingState.ACTIVE


@pytest.mark.parametrize("leg", list(Leg))
def test_the_guards_last_stage_closes_what_the_venue_holds_though_the_books_differ(leg: Leg) -> None:
    world = in_mismatch()
    world.guard(RiskStage.FLATTEN)
    for _ in range(4):
        settle(world)
        pass_s(world, 5)
    assert submitted(world, Purpose.CLOSE, leg)
    assert world.venue.position(ACCOUNT, SYMBOL, leg.value).size == 0
