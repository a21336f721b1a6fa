"""A changed config: some fields at once, the ladder with the next cycle; told in the ledger, nothing reset."""

from decimal import Decimal

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.ledger import ConfigChanged, StateChanged
from tests.property.strategy.styles import dual
from tests.property.strategy.world import World
from tests.unit.strategy.situations import leg_of, orders, settle, settled, submitted, walk

D = Decimal


def reconfigured(world: World, **fields: object) -> World:
    world.reconfigure(dual(**fields))
    world.come_to_rest()
    return world


def rows(world: World) -> list[ConfigChanged]:
    return [row for row in world.ledger if isinstance(row, ConfigChanged)]


def test_the_first_config_is_no_change_and_the_same_again_is_none() -> None:
    world = settled()
    assert world.state.config["grid_step_pct"] == "0.1"
    world.restart()
    settle(world)
    assert not rows(world)


def test_each_changed_field_is_told_with_when_it_applies() -> None:
    world = reconfigured(settled(), grid_step_pct="0.2", stop_loss_pct=9)
    [row] = rows(world)
    told = {change.field: (change.old, change.new, change.next_cycle) for change in row.changes}
    assert told == {"grid_step_pct": ("0.1", "0.2", True), "stop_loss_pct": ("", "9", False)}


def test_an_open_cycle_keeps_its_ladder_and_the_next_one_has_the_new() -> None:
    world = settled(legs="long")
    before = leg_of(world)
    reconfigured(world, grid_step_pct="0.3", size_multiplier=3, max_levels=2, initial_margin_usdt=200, legs="long")
    assert leg_of(world) == before, "nothing is reset"
    walk(world, "-0.12", "-0.12")
    assert [level.qty for level in leg_of(world).levels] == [D("0.016"), D("0.024"), D("0.036")]
    walk(world, "0.5", "0")
    walk(world, "-0.12")
    assert [level.qty for level in leg_of(world).levels] == [D("0.033")], "2,000 USDT, and no step at 0.12 %"
    walk(world, "-0.2", "-0.5")
    assert [level.qty for level in leg_of(world).levels] == [D("0.033"), D("0.099")]


def test_caps_bounds_stop_and_exits_apply_at_once() -> None:
    world = reconfigured(settled(legs="long"), legs="long", take_profit_pct="0.5")
    [order] = orders(world, Purpose.TAKE_PROFIT)
    assert order.price is not None
    assert order.price > leg_of(world).book.entry_px * D("1.005")
    reconfigured(world, legs="long", max_leg_notional_usdt=1000)
    walk(world, "-0.15")
    assert len(leg_of(world).levels) == 1


def test_resting_orders_follow_the_style_at_once() -> None:
    world = reconfigured(settled(legs="long"), legs="long", averaging_style="resting", resting_levels=2)
    assert len(orders(world, Purpose.AVERAGING)) == 2
    reconfigured(world, legs="long")
    assert not orders(world, Purpose.AVERAGING)


def test_a_leg_that_is_left_out_finishes_its_cycle() -> None:
    world = reconfigured(settled(), legs="short")
    assert leg_of(world).book.qty > 0
    assert orders(world, Purpose.TAKE_PROFIT)
    walk(world, "0.5", "0", "0")
    assert leg_of(world, Leg.LONG).book.qty == 0
    assert len(submitted(world, Purpose.ENTRY, Leg.LONG)) == 1


def test_a_trading_state_in_the_config_is_where_a_bot_begins() -> None:
    world = settled(trading_state="NO_NEW_CYCLES")
    assert world.state.trading_state is TradingState.NO_NEW_CYCLES
    assert not submitted(world, Purpose.ENTRY)


def test_the_operators_state_outlives_a_restart_until_the_config_says_another() -> None:
    world = settled(trading_state="NO_NEW_CYCLES")
    world.operate(TradingState.ACTIVE)
    reconfigured(world, trading_state="NO_NEW_CYCLES", stop_loss_pct=9)
    assert world.state.trading_state is TradingState.ACTIVE
    reconfigured(world, trading_state="TP_ONLY")
    told = [row for row in world.ledger if isinstance(row, StateChanged)]
    assert (told[-1].state, told[-1].actor) == (TradingState.TP_ONLY, "config")
