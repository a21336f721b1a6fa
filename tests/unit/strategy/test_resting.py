"""Averaging orders that rest ahead of the price: one a level, at the ladder's prices, for what is still missing."""

from decimal import Decimal

import pytest

from hedgegrid.domain.order import Leg, Purpose, Side, TimeInForce
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.strategy.core.ladder import ladder
from tests.property.strategy.world import INSTRUMENT
from tests.unit.strategy.situations import (
    at_venue,
    leg_of,
    orders,
    print_trade,
    settle,
    settled,
    submitted,
    walk,
)

D = Decimal


@pytest.mark.parametrize("leg", list(Leg))
def test_so_many_levels_rest_ahead_at_the_ladders_prices(leg: Leg) -> None:
    world = settled(averaging_style="resting", resting_levels=2)
    first = leg_of(world, leg).levels[0].px
    wanted = [(row.price, row.qty) for row in ladder(world.config, INSTRUMENT, leg, first)[1:3]]
    assert [(order.price, order.qty) for order in orders(world, Purpose.AVERAGING, leg)] == wanted
    assert all(c.time_in_force is TimeInForce.POST_ONLY for c in submitted(world, Purpose.AVERAGING, leg))


def test_a_filled_level_is_followed_by_the_next_one_and_no_other_order_moves() -> None:
    world = settled(averaging_style="resting", resting_levels=2, legs="long")
    before = {order.client_order_id for order in orders(world, Purpose.AVERAGING)}
    count = len(world.seen)
    [first, _] = orders(world, Purpose.AVERAGING)
    assert first.price is not None
    print_trade(world, first.price, "5", Side.SELL)
    world.tick()
    settle(world)
    kinds = [type(command).__name__ for command in world.seen[count:]]
    assert kinds == ["AmendOrder", "SubmitOrder"], "the take-profit is amended, level 3 is placed"
    assert [level.number for level in leg_of(world).levels] == [0, 1]
    after = {order.client_order_id for order in orders(world, Purpose.AVERAGING)}
    assert len(before & after) == 1


def test_a_partly_filled_level_keeps_its_order_and_its_place_in_the_ladder() -> None:
    world = settled(averaging_style="resting", resting_levels=1, legs="long")
    [order] = orders(world, Purpose.AVERAGING)
    assert order.price is not None
    print_trade(world, order.price, "3.005", Side.SELL)  # 3 stood there before
    walk(world, "0")
    [still, ahead] = orders(world, Purpose.AVERAGING)
    assert (still.client_order_id, still.cum_qty) == (order.client_order_id, D("0.005"))
    rows = ladder(world.config, INSTRUMENT, Leg.LONG, leg_of(world).levels[0].px)
    assert (ahead.level, ahead.price, ahead.qty) == (2, rows[2].price, rows[2].qty), "from what was ordered"
    assert orders(world, Purpose.TAKE_PROFIT)[0].qty == leg_of(world).book.qty


def test_a_level_the_price_has_passed_may_take_at_its_own_price() -> None:
    world = settled(averaging_style="resting", legs="long")
    world.operate(TradingState.TP_ONLY)
    settle(world)
    assert not orders(world, Purpose.AVERAGING)
    walk(world, "-0.3")
    world.operate(TradingState.ACTIVE)
    world.tick()
    late = world.waiting[-1]
    assert isinstance(late, SubmitOrder)
    assert late.time_in_force is TimeInForce.GTC
    assert late.price is not None
    assert late.price > world.price


def test_what_is_not_wanted_any_more_is_cancelled_and_nothing_else() -> None:
    world = settled(averaging_style="resting", resting_levels=3, legs="long")
    world.operate(TradingState.TP_ONLY)
    settle(world)
    assert [order.side for order in at_venue(world)] == [Side.SELL]


def test_the_ladder_ends_at_its_last_level() -> None:
    world = settled(averaging_style="resting", resting_levels=9, legs="long")
    assert [order.level for order in orders(world, Purpose.AVERAGING)] == [1, 2, 3]


def test_levels_filled_out_of_order_are_each_their_own() -> None:
    world = settled(averaging_style="resting", resting_levels=2, legs="long")
    world.move(D("-0.5"))
    fills = [event for event in world.feed if type(event).__name__ == "OrderFilled"]
    assert len(fills) == 2
    for fill in reversed(fills):
        world.take(fill)
        world.feed.remove(fill)
    settle(world)
    assert [level.number for level in leg_of(world).levels] == [0, 1, 2]
    qty = [level.qty for level in leg_of(world).levels]
    assert qty == [D("0.016"), D("0.024"), D("0.036")]
