"""How a leg ends: parts, trailing, stop-loss; and where it breaks even.

Before an order that rests stand 3 of other people's: a print of 3.004 reaches it with 0.004.
"""

from decimal import Decimal

import pytest

from hedgegrid.domain.order import Leg, OrderType, Purpose, Side
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.events import OrderCanceled
from hedgegrid.messages.ledger import CycleClosed
from tests.property.strategy.world import ACCOUNT, INSTRUMENT, SYMBOL
from tests.unit.strategy.situations import leg_of, orders, pass_s, print_trade, settle, settled, submitted, walk

D = Decimal
PARTS = [{"pct": "0.04", "fraction": "0.3"}, {"pct": "0.07", "fraction": "0.3"}]


def test_parts_leave_one_after_the_other_and_the_rest_last() -> None:
    world = settled(take_profit_parts=PARTS, legs="long")
    rest, first, second = orders(world, Purpose.TAKE_PROFIT)
    assert [order.qty for order in (first, second, rest)] == [D("0.004"), D("0.004"), D("0.008")]
    assert first.price is not None
    assert second.price is not None
    assert rest.price is not None
    assert first.price < second.price < rest.price
    print_trade(world, first.price, "3.004", Side.BUY)
    assert [order.level for order in orders(world, Purpose.TAKE_PROFIT)] == [0, 2]
    assert leg_of(world).book.qty == D("0.012")
    assert leg_of(world).cycle.number == 1
    world.come_to_rest()
    world.check_at_rest()


def test_parts_that_have_left_stay_away() -> None:
    world = settled(take_profit_parts=PARTS, legs="long")
    for order in orders(world, Purpose.TAKE_PROFIT)[1:]:
        assert order.price is not None
        print_trade(world, order.price, "3.004", Side.BUY)
    walk(world, "0")
    assert [(order.level, order.qty) for order in orders(world, Purpose.TAKE_PROFIT)] == [(0, D("0.008"))]
    world.check_at_rest()


def test_a_partly_sold_part_is_not_sold_twice_when_the_leg_grows() -> None:
    world = settled(take_profit_parts=PARTS, legs="long")
    first = orders(world, Purpose.TAKE_PROFIT)[1]
    assert first.price is not None
    print_trade(world, first.price, "3.003", Side.BUY)
    walk(world, "-0.3")
    assert leg_of(world).cycle.entry_qty == D("0.04")
    left = {order.level: order.qty - order.cum_qty for order in orders(world, Purpose.TAKE_PROFIT)}
    assert left == {0: D("0.016"), 1: D("0.009"), 2: D("0.012")}, "12 of the first part were due, 3 are gone"
    world.check_at_rest()


def test_a_part_below_the_venues_smallest_order_stays_with_the_rest() -> None:
    world = settled(take_profit_parts=[{"pct": "0.05", "fraction": "0.01"}], legs="long")
    assert [order.level for order in orders(world, Purpose.TAKE_PROFIT)] == [0]


@pytest.mark.parametrize(("leg", "sign"), [(Leg.LONG, 1), (Leg.SHORT, -1)])
def test_trailing_closes_at_market_when_the_price_comes_back(leg: Leg, sign: int) -> None:
    world = settled(trailing_take_profit_pct="0.05", take_profit_pct="0.1", legs=leg.word)
    assert not orders(world, Purpose.TAKE_PROFIT, leg)
    walk(world, str(D("0.5") * sign), str(D("0.3") * sign))
    assert leg_of(world, leg).book.qty > 0, "it lets the profit run"
    walk(world, str(D("-0.02") * sign))
    assert leg_of(world, leg).book.qty > 0
    walk(world, str(D("-0.04") * sign))
    [close] = submitted(world, Purpose.TAKE_PROFIT, leg)
    assert close.order_type is OrderType.MARKET
    [cycle] = [row for row in world.ledger if isinstance(row, CycleClosed)]
    assert cycle.net > cycle.qty * cycle.entry_px * D("0.004")


def test_trailing_begins_anew_when_the_leg_grows() -> None:
    world = settled(trailing_take_profit_pct="0.05", legs="long")
    walk(world, "0.3")
    assert world.state.long_plan.trail_px is not None
    world.operate(TradingState.HALTED)
    walk(world, "-0.5")
    world.operate(TradingState.ACTIVE)
    world.take(world.quote(leg_of(world).levels[0].px * D("0.9999"), world.now_ms))
    assert world.state.long_plan.closing is Purpose.TAKE_PROFIT, "it came back while nobody looked: out"


@pytest.mark.parametrize("leg", list(Leg))
def test_the_stop_loss_closes_the_leg_and_the_bot_goes_on(leg: Leg) -> None:
    world = settled(stop_loss_pct="0.25", legs=leg.word, max_levels=1, cycle_pause_s=10)
    walk(world, str(D("-0.3") * leg.sign))
    assert leg_of(world, leg).book.qty == 0
    [close] = submitted(world, Purpose.STOP, leg)
    assert close.reduce_only
    assert world.state.trading_state is TradingState.ACTIVE
    pass_s(world, 10)
    assert leg_of(world, leg).book.qty > 0


def test_the_stop_loss_in_usdt_counts_fees_and_funding() -> None:
    world = settled(stop_loss_usdt=5, legs="long", max_levels=1)
    position = world.venue.position(ACCOUNT, SYMBOL, 1)
    world.fund(D("0.003"))
    settle(world)
    paid = leg_of(world).cycle.paid
    assert paid > 3
    limit = position.entry_price - (5 - paid) / position.size
    above = INSTRUMENT.price_up(limit)
    world.take(world.quote(above, world.now_ms))
    assert not submitted(world, Purpose.STOP)
    world.take(world.quote(above - D("0.1"), world.now_ms))
    assert submitted(world, Purpose.STOP)


@pytest.mark.parametrize(
    ("action", "state", "flat"),
    [("close_bot", TradingState.HALTED, True), ("halt", TradingState.HALTED, False)],
)
def test_the_other_actions_of_the_stop_loss(action: str, state: TradingState, flat: bool) -> None:
    world = settled(stop_loss_pct="0.25", stop_loss_action=action, max_levels=1, legs="long")
    walk(world, "-0.3", "0")
    world.come_to_rest()
    assert world.state.trading_state is state
    assert (leg_of(world).book.qty == 0) is flat
    assert not [order for leg in world.state.legs for order in leg.orders]


def test_a_stop_that_finds_no_liquidity_keeps_closing() -> None:
    world = settled(stop_loss_pct="0.25", legs="long", max_levels=1)
    world.move(D("-0.3"))
    world.tick()
    world.waiting.clear()
    [order] = orders(world, Purpose.STOP)
    canceled = OrderCanceled(
        symbol=SYMBOL,
        client_order_id=order.client_order_id,
        leg=Leg.LONG,
        venue_order_id="1",
        cum_qty=D(0),
        reason="EC_NoImmediateQtyToFill",
        ts_event=world.now_ms,
        ts_init=world.now_ms,
    )
    world.take(canceled)
    walk(world, "0.3")
    pass_s(world, 2)
    assert len(submitted(world, Purpose.STOP)) == 2
    assert leg_of(world).book.qty == 0


def test_a_stop_holds_for_its_cycle_only() -> None:
    world = settled(stop_loss_pct="0.3", legs="long", averaging_style="resting", cycle_pause_s=600)
    [level] = orders(world, Purpose.AVERAGING)
    world.move(D("-0.05"))
    world.take(world.quote(world.price * D("0.99"), world.now_ms))
    [close] = [c for c in world.waiting if isinstance(c, SubmitOrder)]
    world.waiting = [close]
    settle(world)
    assert leg_of(world).cycle.number == 2
    assert level.price is not None
    print_trade(world, level.price, "9", Side.SELL)  # before its cancel gets there
    assert leg_of(world).book.qty == level.qty
    assert [order.purpose for order in leg_of(world).orders] == [Purpose.TAKE_PROFIT]


def test_break_even_includes_fees_and_funding_and_what_parts_have_earned() -> None:
    world = settled(take_profit_parts=PARTS, legs="long")
    world.fund(D("0.001"))
    settle(world)
    first = orders(world, Purpose.TAKE_PROFIT)[1]
    assert first.price is not None
    print_trade(world, first.price, "3.004", Side.BUY)
    leg = leg_of(world)
    assert leg.cycle.gross > 0
    price = leg.break_even_px
    assert price is not None
    gross = price * leg.book.qty - leg.book.entry_value
    fee = price * leg.book.qty * world.config.taker_fee
    assert abs(gross - fee - leg.cycle.paid) < D("1E-15")
    walk(world, "0.5")
    assert leg_of(world).break_even_px is None or leg_of(world).cycle.number == 2
