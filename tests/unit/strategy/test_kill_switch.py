"""What each level of the kill switch makes of a bot, and that it never makes one less strict."""

import pytest

from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import ClearKillSwitch, ThrowKillSwitch
from hedgegrid.messages.events import CommandKind, DenyReason, KillSwitchChanged, OrderDenied
from hedgegrid.messages.ledger import FillBooked, StateChanged
from tests.property.strategy.world import SYMBOL, World
from tests.unit.strategy.situations import settle, settled, submitted


def thrown(world: World, level: KillLevel) -> ThrowKillSwitch:
    return ThrowKillSwitch(level=level, actor="ann", reason="smoke", ts_event=world.now_ms)


def told(world: World, level: KillLevel | None) -> KillSwitchChanged:
    return KillSwitchChanged(level=level, source="file", reason="smoke", ts_event=world.now_ms)


@pytest.mark.parametrize(
    ("level", "state"),
    [
        (KillLevel.PAUSE, TradingState.TP_ONLY),
        (KillLevel.CANCEL, TradingState.HALTED),
        (KillLevel.FLATTEN, TradingState.FLATTEN),
    ],
)
def test_a_level_sets_its_state_by_either_message(level: KillLevel, state: TradingState) -> None:
    for event in (thrown, told):
        world = settled()
        world.take(event(world, level))
        assert world.state.trading_state is state
        assert world.state.why == f"kill switch at {level.name}: smoke"


def test_told_twice_it_is_noted_once_and_clearing_changes_nothing() -> None:
    world = settled()
    world.take(thrown(world, KillLevel.CANCEL))
    before = world.state
    world.take(told(world, KillLevel.CANCEL))
    world.take(told(world, None))
    world.take(ClearKillSwitch(actor="ann", reason="over", ts_event=world.now_ms))
    assert world.state.trading_state is before.trading_state is TradingState.HALTED
    assert len([row for row in world.ledger if isinstance(row, StateChanged)]) == 1


@pytest.mark.parametrize("state", [TradingState.HALTED, TradingState.FLATTEN])
def test_a_stricter_bot_stays_as_it_is(state: TradingState) -> None:
    world = settled()
    world.operate(state)
    why = world.state.why
    world.take(thrown(world, KillLevel.PAUSE))
    assert (world.state.trading_state, world.state.why) == (state, why)


def test_a_fill_of_an_order_that_was_denied_the_second_time_is_booked() -> None:
    """The store went back in time: the order was sent before, made again, and then denied."""
    world = World(3)
    settle(world)
    world.tick()
    [order, *_] = submitted(world, Purpose.ENTRY)
    world.take(
        OrderDenied(
            symbol=SYMBOL, client_order_id=order.client_order_id, ts_event=world.now_ms, command=CommandKind.SUBMIT,
            reason=DenyReason.KILLED,
        )
    )  # fmt: skip
    world.waiting.append(order)
    settle(world)
    assert any(isinstance(row, FillBooked) and row.client_order_id == order.client_order_id for row in world.ledger)
