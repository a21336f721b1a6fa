"""Executions out of the ordinary: each is booked as what it is and has its reaction."""

from decimal import Decimal

import msgspec
import pytest

from hedgegrid.domain.order import ExecType, Leg, OrderType, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import CancelOrder, RequestSnapshot
from hedgegrid.messages.events import FundingPaid, OrderCanceled, OrderCompleted, OrderFilled
from hedgegrid.messages.ledger import CycleClosed, FillBooked, FundingBooked
from hedgegrid.strategy.core.seen import KEPT, WINDOW_MS
from hedgegrid.strategy.core.state import OrderPhase
from hedgegrid.venue.requests import NewOrder
from tests.property.strategy.world import ACCOUNT, SYMBOL, World
from tests.unit.strategy.situations import leg_of, orders, settle, settled

D = Decimal


def fill(world: World, qty: str, **fields: object) -> OrderFilled:
    """A closing execution of the long leg that no order of ours asked for, changed by `fields`."""
    told = OrderFilled(
        symbol=SYMBOL,
        client_order_id="",
        venue_order_id="x",
        leg=Leg.LONG,
        trade_id="t1",
        side=Leg.LONG.closing_side,
        exec_type=ExecType.TRADE,
        last_qty=D(qty),
        last_px=D(59000),
        closed_qty=D(qty),
        leaves_qty=D(0),
        fee=D("0.5"),
        gross=D("-3"),
        is_maker=False,
        seq=10**6,
        ts_event=world.now_ms,
        ts_init=world.now_ms,
    )
    return msgspec.structs.replace(told, **fields)


def booked(world: World) -> FillBooked:
    return [row for row in world.ledger if isinstance(row, FillBooked)][-1]


@pytest.mark.parametrize(
    ("exec_type", "state"),
    [
        (ExecType.TRADE, TradingState.HALTED),
        (ExecType.BUST_TRADE, TradingState.HALTED),
        (ExecType.DELIVERY, TradingState.HALTED),
        (ExecType.ADL_TRADE, TradingState.TP_ONLY),
    ],
)
def test_what_nobody_asked_for_is_booked_as_what_it_is(exec_type: ExecType, state: TradingState) -> None:
    world = settled(averaging_style="resting")
    world.take(fill(world, "0.006", exec_type=exec_type))
    assert leg_of(world).book.qty == D("0.010")
    assert (booked(world).exec_type, booked(world).purpose, booked(world).gross) == (exec_type, None, D(-3))
    assert world.state.trading_state is state
    assert str(exec_type) in world.state.why
    before = world.state.long
    world.take(fill(world, "0.006", exec_type=exec_type))
    assert world.state.long == before, "told twice, booked once"


def test_a_liquidation_of_the_whole_leg_ends_its_cycle() -> None:
    world = settled()
    world.take(fill(world, "0.016", exec_type=ExecType.BUST_TRADE))
    assert leg_of(world).book.qty == 0
    assert [row for row in world.ledger if isinstance(row, CycleClosed)]


def test_a_stricter_state_of_the_operator_stays() -> None:
    world = settled()
    world.operate(TradingState.HALTED)
    world.take(fill(world, "0.006", exec_type=ExecType.ADL_TRADE))
    assert world.state.trading_state is TradingState.HALTED


def test_somebody_who_enlarges_a_leg_enlarges_its_last_level() -> None:
    world = settled()
    world.take(fill(world, "0.004", side=Leg.LONG.opening_side, closed_qty=D(0), gross=D(0)))
    [level] = leg_of(world).levels
    assert level.qty == D("0.020")
    assert world.state.trading_state is TradingState.HALTED


def test_a_settlement_pays_out_and_keeps_quantity_and_levels() -> None:
    world = settled()
    before = leg_of(world)
    world.take(fill(world, "0.016", exec_type=ExecType.SETTLE, gross=D("-2.5"), fee=D(0)))
    after = leg_of(world)
    assert (after.book.qty, after.levels) == (before.book.qty, before.levels)
    assert after.book.entry_value == before.book.entry_value - D("2.5")
    assert after.book.realised == before.book.realised - D("2.5")
    assert world.state.trading_state is TradingState.ACTIVE
    world.take(fill(world, "0.016", exec_type=ExecType.SETTLE, gross=D("-2.5"), fee=D(0)))
    assert leg_of(world).book == after.book


def test_a_rebate_is_a_fee_below_zero() -> None:
    world = settled()
    [order] = orders(world, Purpose.TAKE_PROFIT)
    before = leg_of(world).book.realised
    world.take(
        fill(world, "0.016", client_order_id=order.client_order_id, is_maker=True, fee=D("-0.2"), gross=D("1.5"))
    )
    assert leg_of(world).book.realised == before + D("1.7")
    [cycle] = [row for row in world.ledger if isinstance(row, CycleClosed)]
    assert cycle.exit_fees == D("-0.2")
    assert cycle.net == D("1.5") - cycle.entry_fees + D("0.2")


def test_filled_told_twice_ends_the_order_once() -> None:
    world = settled()
    [order] = orders(world, Purpose.TAKE_PROFIT)
    done = OrderCompleted(
        symbol=SYMBOL,
        client_order_id=order.client_order_id,
        leg=Leg.LONG,
        venue_order_id="1",
        cum_qty=order.qty,
        avg_px=D(60100),
        ts_event=world.now_ms,
        ts_init=world.now_ms,
    )
    world.take(done)
    assert orders(world, Purpose.TAKE_PROFIT)[0].phase is OrderPhase.ENDED, "its fills are still to come"
    world.take(done)
    last = fill(world, "0.016", client_order_id=order.client_order_id, gross=D("1.5"))
    world.take(last)
    world.take(done)
    world.take(last)
    assert len([row for row in world.ledger if isinstance(row, CycleClosed)]) == 1
    assert world.state.duplicates == 1


def test_cancelled_with_fills_keeps_what_was_filled() -> None:
    world = settled()
    [order] = orders(world, Purpose.TAKE_PROFIT)
    canceled = OrderCanceled(
        symbol=SYMBOL,
        client_order_id=order.client_order_id,
        leg=Leg.LONG,
        venue_order_id="1",
        cum_qty=D("0.006"),
        reason="CancelByUser",
        ts_event=world.now_ms,
        ts_init=world.now_ms,
    )
    world.take(canceled)
    [waiting] = orders(world, Purpose.TAKE_PROFIT)
    assert waiting.final_qty == D("0.006")
    world.take(fill(world, "0.006", client_order_id=order.client_order_id, gross=D("0.5")))
    [fresh] = orders(world, Purpose.TAKE_PROFIT)
    assert (fresh.client_order_id != order.client_order_id, fresh.qty) == (True, D("0.010"))


def test_a_fill_before_its_ack_is_booked() -> None:
    world = World(3)
    settle(world)
    world.tick()
    while world.waiting:
        world.execute()
    fills = [event for event in world.feed if isinstance(event, OrderFilled)]
    for event in fills:
        world.take(event)
        world.feed.remove(event)
    assert leg_of(world).book.qty == D("0.016")
    world.come_to_rest()
    world.check_at_rest()


def test_an_execution_of_a_lost_future_is_ours_and_its_id_is_never_used_again() -> None:
    world = settled()
    future = f"h1-{SYMBOL}-LA01-{'z' * 3}"
    told = fill(world, "0.024", client_order_id=future, side=Leg.LONG.opening_side, closed_qty=D(0), gross=D(0))
    world.take(told)
    world.take(told)
    assert [level.number for level in leg_of(world).levels] == [0, 1]
    assert booked(world).purpose is Purpose.AVERAGING
    assert world.state.trading_state is TradingState.ACTIVE
    assert isinstance(world.waiting[-1], RequestSnapshot), "the venue is asked before anything else"
    request = world.waiting[-1]
    assert isinstance(request, RequestSnapshot)
    world.take(world.desk.snapshot(request, world.now_ms))
    assert world.state.sequence == int("zzz", 36)


def test_an_order_of_a_lost_future_that_rests_is_cancelled_and_its_fill_booked() -> None:
    world = settled(legs="long")
    forgotten = f"h1-{SYMBOL}-LA01-zz"
    order = NewOrder(
        symbol=SYMBOL,
        side=Leg.LONG.opening_side,
        order_type=OrderType.LIMIT,
        qty=D("0.024"),
        price=D(59900),
        position_idx=Leg.LONG.value,
        order_link_id=forgotten,
    )
    world.venue.submit(ACCOUNT, order, world.now_ms)
    world.venue.drain()
    world.gap()
    settle_until_snapshot(world)
    assert [c.client_order_id for c in world.waiting if isinstance(c, CancelOrder)] == [forgotten]
    world.move(D("-0.3"))  # it fills before it is cancelled
    world.come_to_rest()
    assert any(row.client_order_id == forgotten for row in world.ledger if isinstance(row, FillBooked))
    world.check_at_rest()


def test_an_order_that_a_lost_future_made_larger_is_booked_whole() -> None:
    world = settled(legs="long")
    before = world.state
    world.move(D("-0.15"))
    world.come_to_rest()
    [order] = orders(world, Purpose.TAKE_PROFIT)
    assert order.qty == D("0.040")
    world.state = before  # from before the averaging: the take-profit has 0.016 there
    told = fill(world, "0.020", client_order_id=order.client_order_id, leaves_qty=D("0.020"), gross=D(1))
    bought = [event for _, event in world.inputs if isinstance(event, OrderFilled) and "LA01" in event.client_order_id]
    for event in bought:
        world.take(event)
    world.take(told)
    assert orders(world, Purpose.TAKE_PROFIT), "more than it was for: not over before the venue says so"
    world.take(msgspec.structs.replace(told, trade_id="t2", leaves_qty=D(0)))
    assert leg_of(world).book.qty == 0


def settle_until_snapshot(world: World) -> None:
    """The snapshot is taken and told, and nothing that follows from it is carried out."""
    world.execute()
    while world.feed:
        world.deliver()


def test_an_execution_of_another_life_that_was_there_at_birth_is_never_booked() -> None:
    world = settled()
    world.restart()
    settle(world)
    world.state = world.strategy.new_state(SYMBOL)
    world.ledger.clear()
    world.restart()
    settle(world)
    assert world.state.life == 2
    old = [event for _, event in world.inputs if isinstance(event, OrderFilled)]
    assert old
    for event in old:
        world.take(event)
    assert not [row for row in world.ledger if isinstance(row, FillBooked)]
    assert world.state.trading_state is TradingState.ACTIVE


def funding(number: int, ts_event: int) -> FundingPaid:
    return FundingPaid(
        symbol=SYMBOL,
        leg=Leg.LONG,
        trade_id=f"f{number}",
        qty=D(1),
        mark_px=D(1),
        rate=D(0),
        amount=D("0.01"),
        ts_event=ts_event,
        ts_init=ts_event,
    )


def test_funding_older_than_every_id_that_is_kept_is_not_booked_again() -> None:
    world = settled()
    paid = [funding(number, world.now_ms + number * 28_800_000) for number in range(3 * KEPT)]
    for event in paid:
        world.take(event)
    assert len(leg_of(world).seen) == KEPT
    for event in paid:
        world.take(event)
    assert len([row for row in world.ledger if isinstance(row, FundingBooked)]) == len(paid)
    assert leg_of(world).book.funding == D("0.01") * len(paid)


def test_as_many_at_one_moment_as_there_are_are_all_told_apart() -> None:
    world = settled()
    burst = [funding(number, world.now_ms) for number in range(3 * KEPT)]
    for event in [*burst, *burst]:
        world.take(event)
    assert len([row for row in world.ledger if isinstance(row, FundingBooked)]) == len(burst)
    world.take(funding(9999, world.now_ms + 2 * WINDOW_MS))
    assert len(leg_of(world).seen) <= 3 * KEPT + 1
