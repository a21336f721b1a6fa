"""Checks of triggers, and of take-profits and stop-losses. A price that is not known yet checks nothing."""

from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Side
from hedgegrid.venue import refusals
from hedgegrid.venue.account import Slot
from hedgegrid.venue.conditions import StopOrderType, TpSl, TpSlMode, Trigger, TriggerBy
from hedgegrid.venue.market import Market
from hedgegrid.venue.orders import Order
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.requests import NewOrder, OrderChange, TradingStop
from hedgegrid.venue.rules import closes_all, price_refusal, whole_lots

MAX_PARTIAL_TPSL = 20


class StopTerms(NamedTuple):
    """Terms of a conditional order that has not fired."""

    price: Decimal
    qty: Decimal
    trigger: Trigger


def new_trigger(market: Market, order: NewOrder) -> Trigger | Refused | None:
    """Trigger of a new order; None when it is not conditional."""
    if order.trigger_price is None:
        return None
    if order.trigger_direction is None:
        return refusals.NO_TRIGGER_DIRECTION
    trigger = Trigger(order.trigger_price, order.trigger_direction, order.trigger_by)
    return _trigger_refusal(market, trigger) or trigger


def tpsl_of(wish: NewOrder | TradingStop) -> TpSl:
    """What a request says of take-profit and stop-loss; 0 means none."""
    return TpSl(
        mode=wish.tpsl_mode,
        take_profit=wish.take_profit or None,
        stop_loss=wish.stop_loss or None,
        tp_trigger_by=wish.tp_trigger_by,
        sl_trigger_by=wish.sl_trigger_by,
        tp_order_type=wish.tp_order_type,
        sl_order_type=wish.sl_order_type,
        tp_limit_price=wish.tp_limit_price,
        sl_limit_price=wish.sl_limit_price,
    )


def new_tpsl(market: Market, order: NewOrder) -> TpSl | Refused | None:
    """Take-profit and stop-loss of a new order; None when it has neither."""
    if not order.take_profit and not order.stop_loss:
        return None
    tpsl = tpsl_of(order)
    if order.reduce_only:
        return refusals.TPSL_WITH_REDUCE_ONLY
    base = order.price if order.order_type is OrderType.LIMIT else order.trigger_price
    return tpsl_refusal(market, tpsl, order.side, base) or tpsl


def tpsl_refusal(market: Market, tpsl: TpSl | TradingStop, side: Side, base: Decimal | None) -> Refused | None:
    """First rule that a take-profit and stop-loss of a position of `side` break.

    `base` is the price they must lie beyond, None for the present price of the kind that triggers each.
    """
    mode = tpsl.mode if isinstance(tpsl, TpSl) else tpsl.tpsl_mode
    sign = 1 if side is Side.BUY else -1
    parts = (
        ("TakeProfit", sign, tpsl.take_profit, tpsl.tp_trigger_by, tpsl.tp_order_type, tpsl.tp_limit_price),
        ("StopLoss", -sign, tpsl.stop_loss, tpsl.sl_trigger_by, tpsl.sl_order_type, tpsl.sl_limit_price),
    )
    for name, direction, price, by, order_type, limit_price in parts:
        if not price:
            continue
        if refusal := price_refusal(market.instrument, price):
            return refusal
        if refusal := _limit_refusal(market, mode, order_type, limit_price):
            return refusal
        beyond = base if base is not None else market.price_by(by)
        if beyond is not None and direction * (price - beyond) <= 0:
            return refusals.wrong_tpsl_side(name, price, side, beyond, by)
    return None


def changed_stop(order: Order, change: OrderChange) -> StopTerms | Refused:
    """Terms of a conditional order after an amendment, or the first rule it breaks."""
    old = order.trigger
    if old is None:
        return refusals.NOT_CONDITIONAL
    rules, price, qty = order.slot.market.instrument, order.price, order.qty
    if change.price is not None and order.order_type is OrderType.LIMIT:
        if refusal := price_refusal(rules, change.price):
            return refusal
        price = change.price
    if change.qty is not None:
        if order.stop_order_type.follows_size or closes_all(order):
            return refusals.FULL_TPSL_FIXED
        lots = whole_lots(rules, change.qty, order.order_type, None)
        if isinstance(lots, Refused):
            return lots
        qty = lots
    trigger = old
    if change.trigger_price is not None or change.trigger_by is not None:
        if order.stop_order_type is StopOrderType.TRAILING_STOP:
            return refusals.FULL_TPSL_FIXED
        new_price = old.price if change.trigger_price is None else change.trigger_price
        trigger = Trigger(new_price, old.direction, change.trigger_by or old.by)
        if trigger != old and (refusal := _trigger_refusal(order.slot.market, trigger)):
            return refusal
    return StopTerms(price, qty, trigger)


def changed_tpsl(order: Order, change: OrderChange) -> TpSl | Refused | None:
    """What an order has attached after an amendment; 0 removes a part."""
    old = order.tpsl or TpSl()
    asked = (
        change.take_profit, change.stop_loss, change.tp_trigger_by, change.sl_trigger_by, change.tp_limit_price,
        change.sl_limit_price, change.tpsl_mode,
    )  # fmt: skip
    if all(part is None for part in asked):
        return order.tpsl
    if order.cum_qty:
        return refusals.TPSL_OF_FILLED_ORDER
    if order.reduce_only:
        return refusals.TPSL_WITH_REDUCE_ONLY
    tpsl = TpSl(
        mode=change.tpsl_mode or old.mode,
        take_profit=old.take_profit if change.take_profit is None else change.take_profit or None,
        stop_loss=old.stop_loss if change.stop_loss is None else change.stop_loss or None,
        tp_trigger_by=change.tp_trigger_by or old.tp_trigger_by,
        sl_trigger_by=change.sl_trigger_by or old.sl_trigger_by,
        tp_order_type=old.tp_order_type,
        sl_order_type=old.sl_order_type,
        tp_limit_price=change.tp_limit_price or old.tp_limit_price,
        sl_limit_price=change.sl_limit_price or old.sl_limit_price,
    )
    if tpsl.take_profit is None and tpsl.stop_loss is None:
        return None
    base = (change.price or order.price) if order.order_type is OrderType.LIMIT else None
    return tpsl_refusal(order.slot.market, tpsl, order.side, base) or tpsl


def trailing_refusal(slot: Slot, wish: TradingStop, side: Side) -> Refused | None:
    """First rule that the trailing stop of a position of `side` breaks; its activation price must lie ahead."""
    distance, active = wish.trailing_stop, wish.active_price
    rules = slot.market.instrument
    if distance is None or not distance:
        return None
    if not distance.is_finite() or distance < 0 or not rules.is_on_tick(distance):
        return refusals.BAD_TRAILING_STOP
    if active is None or not active:
        return None
    if refusal := price_refusal(rules, active):
        return refusal
    now = slot.market.price_by(TriggerBy.LAST)
    sign = 1 if side is Side.BUY else -1
    if now is not None and sign * (active - now) <= 0:
        return refusals.wrong_tpsl_side("ActivePrice", active, side, now, TriggerBy.LAST)
    return None


def partial_qty(market: Market, wish: TradingStop, size: Decimal, standing: int) -> Decimal | Refused:
    """Quantity of one more pair for a part of a position of `size`; `standing` pairs are there already."""
    asked = [qty for price, qty in ((wish.take_profit, wish.tp_size), (wish.stop_loss, wish.sl_size)) if price]
    if any(qty is None or qty != asked[0] for qty in asked):
        return refusals.TPSL_SIZES_DIFFER
    qty = whole_lots(market.instrument, asked[0] or ZERO, OrderType.MARKET, None)
    if isinstance(qty, Refused):
        return qty
    if qty > size:
        return refusals.TPSL_ABOVE_POSITION
    return refusals.TOO_MANY_TPSL if standing >= MAX_PARTIAL_TPSL else qty


def _trigger_refusal(market: Market, trigger: Trigger) -> Refused | None:
    if refusal := price_refusal(market.instrument, trigger.price):
        return refusal
    now = market.price_by(trigger.by)
    if now is not None and trigger.direction.is_reached(trigger.price, now):
        return refusals.wrong_trigger_side(trigger, now)
    return None


def _limit_refusal(
    market: Market, mode: TpSlMode, order_type: OrderType, limit_price: Decimal | None
) -> Refused | None:
    if order_type is OrderType.MARKET:
        return None
    if mode is TpSlMode.FULL:
        return refusals.FULL_TPSL_IS_MARKET
    return refusals.NO_TPSL_LIMIT_PRICE if limit_price is None else price_refusal(market.instrument, limit_price)
