"""What each trading state lets a bot do, from a position with a take-profit resting on both legs."""

from decimal import Decimal

import pytest

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import CancelOrder, SubmitOrder
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.ledger import CycleClosed, StateChanged
from tests.property.strategy.world import ACCOUNT, SYMBOL, World

D = Decimal


def in_state(state: TradingState) -> World:
    """A bot with one level on each leg that was just told its new state."""
    world = World(3)
    world.come_to_rest()
    assert all(leg.book.qty > 0 for leg in world.state.legs)
    world.take(SetTradingState(symbol=SYMBOL, state=state, actor="test", reason="why", ts_event=world.now_ms))
    return world


def settle(world: World) -> None:
    while world.waiting or world.feed:
        world.execute()
        world.deliver()


def purposes(world: World) -> list[Purpose]:
    return [order.purpose for leg in world.state.legs for order in leg.orders]


def walk(world: World, *moves: str) -> None:
    for move in moves:
        world.move(D(move))
        settle(world)
        world.tick()
        settle(world)


@pytest.mark.parametrize("state", [TradingState.ACTIVE, TradingState.NO_NEW_CYCLES])
def test_averaging_goes_on(state: TradingState) -> None:
    world = in_state(state)
    walk(world, "-0.12")
    assert len(world.state.long.levels) == 2


def test_tp_only_neither_averages_nor_opens() -> None:
    world = in_state(TradingState.TP_ONLY)
    walk(world, "-0.12", "0.3", "0.3")
    assert world.state.long.book.qty == 0, "the long leg took its profit"
    assert len(world.state.short.levels) == 1
    assert purposes(world) == [Purpose.TAKE_PROFIT]


def test_no_new_cycles_finishes_what_is_open_and_stops() -> None:
    world = in_state(TradingState.NO_NEW_CYCLES)
    walk(world, *["-0.3"] * 2, *["0.3"] * 8, *["-0.3"] * 8)
    assert all(leg.book.qty == 0 and not leg.orders for leg in world.state.legs)
    assert {row.leg for row in world.ledger if isinstance(row, CycleClosed)} == set(Leg)


def test_halted_cancels_and_keeps_the_positions() -> None:
    world = in_state(TradingState.HALTED)
    assert [type(command) for command in world.waiting] == [CancelOrder, CancelOrder]
    settle(world)
    walk(world, "-0.3", "0.3")
    assert all(leg.book.qty > 0 and not leg.orders for leg in world.state.legs)
    assert not world.venue.orders_open(ACCOUNT, SYMBOL)


def test_flatten_closes_at_market_even_at_a_loss_and_then_halts() -> None:
    world = in_state(TradingState.ACTIVE)
    walk(world, "-0.12", "-0.12")
    world.take(SetTradingState(symbol=SYMBOL, state=TradingState.FLATTEN, actor="x", reason="y", ts_event=world.now_ms))
    settle(world)
    walk(world, "0")
    assert all(leg.book.qty == 0 and not leg.orders for leg in world.state.legs)
    assert world.state.trading_state is TradingState.HALTED
    assert any(cycle.net < 0 for cycle in world.cycles)
    world.check_at_rest()
    closes = [
        command for command in world.seen if isinstance(command, SubmitOrder) and "C00" in command.client_order_id
    ]
    assert closes
    assert all(command.reduce_only and command.price is None for command in closes)


def test_a_change_of_state_is_told_once_with_its_cause() -> None:
    world = in_state(TradingState.TP_ONLY)
    world.take(
        SetTradingState(symbol=SYMBOL, state=TradingState.TP_ONLY, actor="test", reason="why", ts_event=world.now_ms)
    )
    told = [row for row in world.ledger if isinstance(row, StateChanged)]
    assert [(row.state, row.reason, row.actor) for row in told] == [(TradingState.TP_ONLY, "why", "test")]


def test_back_to_active_opens_again() -> None:
    world = in_state(TradingState.NO_NEW_CYCLES)
    walk(world, *["-0.3"] * 2, *["0.3"] * 8, *["-0.3"] * 8)
    world.take(SetTradingState(symbol=SYMBOL, state=TradingState.ACTIVE, actor="x", reason="y", ts_event=world.now_ms))
    walk(world, "0")
    assert all(leg.book.qty > 0 for leg in world.state.legs)
