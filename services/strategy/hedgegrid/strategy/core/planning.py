"""Desired orders against working orders: each leg's exact set is derived anew, only the difference is commanded."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.order import Leg, OrderType, Purpose, TimeInForce
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import AmendOrder, CancelOrder, SubmitOrder
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.lifecycle import in_phase
from hedgegrid.strategy.core.pricing import averaging_qty, averaging_trigger, entry_qty, take_profit_px
from hedgegrid.strategy.core.state import LegState, OrderPhase, WorkingOrder


class Desired(NamedTuple):
    purpose: Purpose
    level: int
    qty: Decimal
    price: Decimal | None
    """None = at market."""


def plan(draft: Draft, tick: QuoteTick | None) -> None:
    """Command what is missing. Without a tick only orders that need no price are considered."""
    state = draft.state
    if not state.reconciled:
        return
    for leg in state.legs:
        wanted = list(_desired(draft, leg, tick))
        _cancel_unwanted(draft, leg.leg, wanted)
        for desire in wanted:
            _satisfy(draft, leg.leg, desire)
    if state.trading_state is TradingState.FLATTEN and all(_is_flat(leg) for leg in draft.state.legs):
        draft.set_trading_state(TradingState.HALTED, "flat", "strategy")


def wants_entry(draft: Draft, leg: LegState) -> bool:
    """A new cycle is due as soon as there is a price."""
    return (
        leg.book.qty == 0
        and draft.state.trading_state.may_open_cycle
        and leg.leg in draft.config.legs.chosen
        and not leg.orders
    )


def wants_averaging(draft: Draft, leg: LegState) -> bool:
    """The next level is due as soon as the price is there."""
    return (
        leg.book.qty > 0
        and bool(leg.levels)
        and draft.state.trading_state.may_average
        and len(leg.levels) < draft.config.max_levels
        and not _market_order_open(leg)
    )


def is_quiet(leg: LegState) -> bool:
    """Nothing of the leg is under way: every order rests as we know it."""
    return all(order.phase is OrderPhase.LIVE for order in leg.orders)


def _is_flat(leg: LegState) -> bool:
    return leg.book.qty == 0 and not leg.orders


def _market_order_open(leg: LegState) -> bool:
    return any(order.order_type is OrderType.MARKET for order in leg.orders)


def _desired(draft: Draft, leg: LegState, tick: QuoteTick | None) -> Iterable[Desired]:
    state = draft.state.trading_state
    if state is TradingState.FLATTEN and leg.book.qty > 0 and not leg.orders:
        yield Desired(Purpose.CLOSE, 0, min(leg.book.qty, draft.instrument.max_market_qty), None)
    if state.may_take_profit and leg.book.qty > 0:
        yield _take_profit(draft, leg)
    if tick is None or draft.now_ms < leg.retry_after_ms:
        return
    price = tick.last_px
    if wants_entry(draft, leg):
        yield Desired(Purpose.ENTRY, 0, entry_qty(draft.config, draft.instrument, price), None)
    elif wants_averaging(draft, leg):
        trigger = averaging_trigger(draft.config, leg)
        if (price <= trigger) if leg.leg is Leg.LONG else (price >= trigger):
            qty = averaging_qty(draft.config, draft.instrument, leg, price)
            yield Desired(Purpose.AVERAGING, len(leg.levels), qty, None)


def _take_profit(draft: Draft, leg: LegState) -> Desired:
    """Whole position, at a price for the whole position. While the leg is growing the order in place stays as it is."""
    working = next((o for o in leg.orders if o.purpose is Purpose.TAKE_PROFIT), None)
    if working is not None and _market_order_open(leg):
        return Desired(Purpose.TAKE_PROFIT, 0, working.qty, working.price)
    filled = working.cum_qty if working is not None else Decimal(0)
    price = take_profit_px(draft.config, draft.instrument, leg)
    return Desired(Purpose.TAKE_PROFIT, 0, leg.book.qty + filled, price)


def _cancel_unwanted(draft: Draft, leg: Leg, wanted: list[Desired]) -> None:
    purposes = {(desire.purpose, desire.level) for desire in wanted}
    for order in draft.leg(leg).orders:
        resting = order.phase is OrderPhase.LIVE and order.order_type is OrderType.LIMIT
        if resting and (order.purpose, order.level) not in purposes:
            draft.commands.append(
                CancelOrder(symbol=draft.state.symbol, leg=leg, client_order_id=order.client_order_id)
            )
            draft.put_order(leg, in_phase(draft, order, OrderPhase.CANCELING))


def _satisfy(draft: Draft, leg: Leg, desire: Desired) -> None:
    working = [o for o in draft.leg(leg).orders if (o.purpose, o.level) == (desire.purpose, desire.level)]
    if not working:
        if draft.now_ms >= draft.leg(leg).retry_after_ms and not _growing(draft.leg(leg), desire):
            _submit(draft, leg, desire)
        return
    order = working[0]
    if order.phase is OrderPhase.LIVE and desire.price is not None:
        changed = (order.qty, order.price) != (desire.qty, desire.price)
        if changed and draft.now_ms >= draft.leg(leg).retry_after_ms:
            _amend(draft, leg, order, desire)


def _growing(leg: LegState, desire: Desired) -> bool:
    """A first take-profit waits for the end of the entry: its price and quantity would change at once."""
    return desire.purpose is Purpose.TAKE_PROFIT and _market_order_open(leg)


def _submit(draft: Draft, leg: Leg, desire: Desired) -> None:
    closes = desire.purpose.closes
    order_type = OrderType.MARKET if desire.price is None else OrderType.LIMIT
    order = WorkingOrder(
        client_order_id=draft.next_id(leg, desire.purpose, desire.level),
        purpose=desire.purpose,
        level=desire.level,
        order_type=order_type,
        qty=desire.qty,
        price=desire.price,
        phase=OrderPhase.SUBMITTING,
        since_ms=draft.now_ms,
    )
    draft.commands.append(
        SubmitOrder(
            symbol=draft.state.symbol,
            leg=leg,
            client_order_id=order.client_order_id,
            cause_ns=draft.cause_ns,
            side=leg.closing_side if closes else leg.opening_side,
            order_type=order_type,
            qty=desire.qty,
            price=desire.price,
            time_in_force=TimeInForce.GTC if desire.price is not None else TimeInForce.IOC,
            reduce_only=closes,
        )
    )
    draft.put_order(leg, order)


def _amend(draft: Draft, leg: Leg, order: WorkingOrder, desire: Desired) -> None:
    if desire.price is None:
        raise AssertionError("a market order cannot be amended")
    draft.commands.append(
        AmendOrder(
            symbol=draft.state.symbol,
            leg=leg,
            client_order_id=order.client_order_id,
            cause_ns=draft.cause_ns,
            qty=desire.qty,
            price=desire.price,
        )
    )
    changed = in_phase(draft, order, OrderPhase.AMENDING, new_qty=desire.qty, new_price=desire.price)
    draft.put_order(leg, changed)
