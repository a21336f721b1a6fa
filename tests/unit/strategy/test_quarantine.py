"""A symbol in quarantine adds nothing, keeps its take-profits, and goes on when it ends."""

import pytest

from hedgegrid.domain.order import Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.events import QuarantineChanged
from hedgegrid.messages.ledger import StateChanged
from hedgegrid.strategy.core.permission import effective_state
from hedgegrid.strategy.core.state import BotState
from tests.property.strategy.world import SYMBOL, World
from tests.unit.strategy.situations import leg_of, orders, settle, settled, submitted, walk


def quarantine(world: World, active: bool) -> None:
    world.take(QuarantineChanged(symbol=SYMBOL, active=active, ts_event=world.now_ms))


def test_resting_levels_are_cancelled_and_the_take_profit_stays() -> None:
    world = settled(legs="long", averaging_style="resting", resting_levels=3)
    quarantine(world, True)
    settle(world)
    assert [order.purpose for order in leg_of(world).orders] == [Purpose.TAKE_PROFIT]
    quarantine(world, False)
    world.come_to_rest()
    assert len(orders(world, Purpose.AVERAGING)) == 3


def test_a_falling_price_adds_no_level() -> None:
    world = settled(legs="long")
    quarantine(world, True)
    walk(world, "-0.15", "-0.3")
    assert len(leg_of(world).levels) == 1
    quarantine(world, False)
    walk(world, "-0.3")
    assert len(leg_of(world).levels) > 1


def test_no_new_cycle_begins() -> None:
    world = settled(legs="long")
    quarantine(world, True)
    walk(world, "0.5", "0")
    assert leg_of(world).book.qty == 0
    entries = len(submitted(world, Purpose.ENTRY))
    walk(world, "0.1")
    assert len(submitted(world, Purpose.ENTRY)) == entries
    quarantine(world, False)
    world.come_to_rest()
    assert len(submitted(world, Purpose.ENTRY)) == entries + 1


def test_it_is_no_trading_state_and_outlives_a_restart() -> None:
    world = settled()
    quarantine(world, True)
    settle(world)
    world.restart()
    assert world.state.quarantined
    assert world.state.trading_state is TradingState.ACTIVE
    assert not [row for row in world.ledger if isinstance(row, StateChanged)]


@pytest.mark.parametrize("own", list(TradingState))
@pytest.mark.parametrize("stage", list(RiskStage))
def test_it_only_ever_forbids(own: TradingState, stage: RiskStage) -> None:
    free = effective_state(BotState(symbol=SYMBOL, trading_state=own, stage=stage))
    held = effective_state(BotState(symbol=SYMBOL, trading_state=own, stage=stage, quarantined=True))
    assert not held.may_open_cycle
    assert not held.may_average
    assert held.may_take_profit == free.may_take_profit
    assert (held is TradingState.FLATTEN) == (free is TradingState.FLATTEN)
