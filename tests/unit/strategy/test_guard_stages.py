"""Obeying the account guard: what each stage forbids, cuts and closes, and the way back."""

from decimal import Decimal

import pytest

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.ledger import StateChanged
from hedgegrid.strategy.core.permission import effective_state
from hedgegrid.strategy.core.state import BotState
from tests.property.strategy.world import SYMBOL
from tests.unit.strategy.situations import leg_of, orders, settle, settled, submitted, walk

D = Decimal


@pytest.mark.parametrize("stage", [RiskStage.NORMAL, RiskStage.WARN])
def test_a_warning_changes_nothing(stage: RiskStage) -> None:
    world = settled(legs="long")
    world.guard(stage)
    walk(world, "-0.15")
    assert len(leg_of(world).levels) == 2


def test_no_new_cycles_finishes_the_open_one() -> None:
    world = settled(legs="long")
    world.guard(RiskStage.NO_NEW_CYCLES)
    walk(world, "-0.15", "0.5", "0")
    assert leg_of(world).cycle.number == 2
    assert len(submitted(world, Purpose.ENTRY)) == 1


def test_no_averaging_cancels_resting_levels_and_keeps_the_take_profit() -> None:
    world = settled(legs="long", averaging_style="resting", resting_levels=3)
    world.guard(RiskStage.NO_AVERAGING)
    settle(world)
    assert [order.purpose for order in leg_of(world).orders] == [Purpose.TAKE_PROFIT]
    world.guard(RiskStage.NORMAL)
    world.come_to_rest()
    assert len(orders(world, Purpose.AVERAGING)) == 3


def test_each_round_of_reduce_cuts_every_leg_once() -> None:
    world = settled()
    world.guard(RiskStage.REDUCE, 1, D("0.5"))
    assert [c.qty for leg in Leg for c in submitted(world, Purpose.REDUCE, leg)] == [D("0.008"), D("0.008")]
    settle(world)
    world.guard(RiskStage.REDUCE, 1, D("0.5"))
    walk(world, "0")
    assert [leg.book.qty for leg in world.state.legs] == [D("0.008")] * 2, "the same round again does nothing"
    world.guard(RiskStage.REDUCE, 2, D("0.5"))
    world.come_to_rest()
    assert [leg.book.qty for leg in world.state.legs] == [D("0.004")] * 2
    world.check_at_rest()
    assert not submitted(world, Purpose.AVERAGING)


def test_the_rounds_count_anew_after_the_way_back() -> None:
    world = settled()
    for _ in range(2):
        world.guard(RiskStage.REDUCE, 1, D("0.5"))
        settle(world)
        world.guard(RiskStage.NO_AVERAGING)
    world.come_to_rest()
    assert [leg.book.qty for leg in world.state.legs] == [D("0.004")] * 2


def test_what_still_fills_while_reducing_is_cut_as_well() -> None:
    world = settled(legs="long")
    world.move(D("-0.15"))
    world.tick()
    world.guard(RiskStage.REDUCE, 1, D("0.5"))
    world.come_to_rest()
    assert submitted(world, Purpose.AVERAGING)
    assert leg_of(world).book.qty == D("0.008")


def test_a_leg_too_small_to_cut_is_closed() -> None:
    world = settled(legs="long", initial_margin_usdt="0.01")
    world.guard(RiskStage.REDUCE, 1, D("0.5"))
    world.come_to_rest()
    assert leg_of(world).book.qty == 0


@pytest.mark.parametrize("own", list(TradingState))
def test_flatten_closes_all_and_leaves_the_bots_own_state_alone(own: TradingState) -> None:
    world = settled(averaging_style="resting")
    world.operate(own)
    world.guard(RiskStage.FLATTEN)
    world.come_to_rest()
    walk(world, "0.2", "-0.2")
    assert all(leg.book.qty == 0 and not leg.orders for leg in world.state.legs)
    ended = TradingState.HALTED if own is TradingState.FLATTEN else own
    assert world.state.trading_state is ended
    entries = len(submitted(world, Purpose.ENTRY))
    world.guard(RiskStage.NORMAL)
    world.come_to_rest()
    assert (len(submitted(world, Purpose.ENTRY)) > entries) is (own is TradingState.ACTIVE)


def test_the_stage_outlives_a_restart() -> None:
    world = settled()
    world.guard(RiskStage.FLATTEN)
    world.come_to_rest()
    world.restart()
    world.come_to_rest()
    assert world.state.stage is RiskStage.FLATTEN
    assert all(leg.book.qty == 0 for leg in world.state.legs)
    assert not [row for row in world.ledger if isinstance(row, StateChanged)]


def test_a_bot_not_yet_born_keeps_the_stage_it_is_told() -> None:
    world = settled()
    world.state = world.strategy.new_state(SYMBOL)
    world.guard(RiskStage.NO_NEW_CYCLES)
    assert world.state.stage is RiskStage.NO_NEW_CYCLES


@pytest.mark.parametrize("own", list(TradingState))
@pytest.mark.parametrize("stage", list(RiskStage))
def test_the_stricter_of_both_holds(own: TradingState, stage: RiskStage) -> None:
    alone = effective_state(BotState(symbol=SYMBOL, trading_state=own))
    guarded = effective_state(BotState(symbol=SYMBOL, trading_state=own, stage=stage))
    assert alone is own
    for may in ("may_open_cycle", "may_average", "may_take_profit"):
        assert getattr(guarded, may) <= getattr(own, may)
    if stage >= RiskStage.NO_NEW_CYCLES:
        assert not guarded.may_open_cycle
    if stage >= RiskStage.NO_AVERAGING:
        assert not guarded.may_average
