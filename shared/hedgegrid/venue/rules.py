"""Checks of a command against the symbol's filters and the account's state, in the order Bybit's answers suggest."""

import re
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, OrderType, Side
from hedgegrid.venue import refusals
from hedgegrid.venue.account import Slot
from hedgegrid.venue.conditions import StopOrderType, Trigger
from hedgegrid.venue.margin import account_margin, exposure, order_margin, tier_at
from hedgegrid.venue.market import Phase
from hedgegrid.venue.orders import Order
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.requests import NewOrder, OrderChange

MAX_ACTIVE_ORDERS = 500
MAX_CONDITIONAL_ORDERS = 10
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{0,36}\Z")


class Terms(NamedTuple):
    """Price and quantity as the venue takes them. `opening_qty` is the part of `qty` that needs margin."""

    price: Decimal
    qty: Decimal
    opening_qty: Decimal
    closing: bool = False


class Rules:
    """`min_notional_on_reduce`: whether a user's closing orders must reach the minimum notional, which Bybit does not
    document. Take-profits and stop-losses of positions never need to.
    """

    def __init__(self, taker_fee: Decimal, *, min_notional_on_reduce: bool) -> None:
        self._taker_fee = taker_fee
        self._min_notional_on_reduce = min_notional_on_reduce

    def new_terms(self, slot: Slot, order: NewOrder) -> Terms | Refused:
        """Terms of a new order, or the first rule it breaks."""
        return identity_refusal(slot, order) or self.active_terms(slot, order)

    def active_terms(self, slot: Slot, order: NewOrder | Order) -> Terms | Refused:
        """Terms of an order that is to become active now: a new one, or a conditional one that fired."""
        closing = is_closing(slot, order)
        if isinstance(closing, Refused):
            return closing
        price = _new_price(slot, order)
        if isinstance(price, Refused):
            return price
        room = slot.positions[order.position_idx].reducible_by(order.side)
        wanted = order.qty
        if closes_all(order):
            wanted = min(room, largest_qty(slot.market.instrument, order.order_type))
        qty = whole_lots(slot.market.instrument, wanted, order.order_type, room if closing else None)
        if isinstance(qty, Refused):
            return qty
        if len(slot.open) >= MAX_ACTIVE_ORDERS:
            return refusals.TOO_MANY_ORDERS
        opening_qty = ZERO if closing else max(ZERO, qty - room)
        terms = Terms(price, qty, opening_qty, closing)
        valued_at = price
        if order.order_type is OrderType.MARKET:
            valued_at = max(price, slot.market.reference or ZERO)
        protects = isinstance(order, Order) and order.stop_order_type.protects
        notional_refusal = None if protects else self._notional_refusal(slot, terms, order.order_type)
        return notional_refusal or (self._exposure_refusal(slot, order.side, opening_qty * valued_at, ZERO) or terms)

    def changed_terms(self, order: Order, change: OrderChange) -> Terms | Refused:
        """Terms of an order after an amendment, or the first rule it breaks. Unnamed terms stay."""
        slot = order.slot
        price: Decimal | Refused = order.price
        if change.price is not None:
            price = _limit_price(slot, order.side, change.price)
        if isinstance(price, Refused):
            return price
        qty: Decimal | Refused = order.qty
        if change.qty is not None:
            room = None
            if order.closing:
                room = slot.positions[order.position_idx].reducible_by(order.side) + order.cum_qty
            qty = whole_lots(slot.market.instrument, change.qty, order.order_type, room)
        if isinstance(qty, Refused):
            return qty
        if qty <= order.cum_qty:
            return refusals.QTY_ALREADY_FILLED
        if price == order.price and qty == order.qty:
            return refusals.UNCHANGED
        netted = order.qty - order.opening_qty
        opening_qty = ZERO if order.closing else max(ZERO, qty - netted)
        terms = Terms(price, qty, opening_qty, order.closing)
        value = min(opening_qty, qty - order.cum_qty) * price
        return self._notional_refusal(slot, terms, order.order_type) or (
            self._exposure_refusal(slot, order.side, value, order.reserved) or terms
        )

    def conditional_terms(self, slot: Slot, order: NewOrder, trigger: Trigger) -> Terms | Refused:
        """Terms of a new conditional order, or the first rule it breaks; what depends on the position, and margin, is
        looked at when it fires."""
        if refusal := identity_refusal(slot, order):
            return refusal
        rules = slot.market.instrument
        if slot.market.phase is not Phase.TRADING and not order.reduce_only:
            return refusals.NOT_IN_PHASE[slot.market.phase]
        price = ZERO
        if order.order_type is OrderType.LIMIT:
            if order.price is None:
                return refusals.NO_PRICE
            if refusal := price_refusal(rules, order.price):
                return refusal
            price = order.price
        lots = ZERO if closes_all(order) else whole_lots(rules, order.qty, order.order_type, None)
        if isinstance(lots, Refused):
            return lots
        if not order.reduce_only and lots * (price or trigger.price) < rules.min_notional:
            return refusals.BELOW_MIN_NOTIONAL
        stops = sum(1 for other in slot.conditional.values() if other.stop_order_type is StopOrderType.STOP)
        return refusals.TOO_MANY_STOPS if stops >= MAX_CONDITIONAL_ORDERS else Terms(price, lots, ZERO)

    def _notional_refusal(self, slot: Slot, terms: Terms, order_type: OrderType) -> Refused | None:
        if terms.closing and not self._min_notional_on_reduce:
            return None
        price = terms.price if order_type is OrderType.LIMIT else slot.market.reference
        if price is not None and terms.qty * price < slot.market.instrument.min_notional:
            return refusals.BELOW_MIN_NOTIONAL
        return None

    def _exposure_refusal(self, slot: Slot, side: Side, value: Decimal, held: Decimal) -> Refused | None:
        """Refuse when exposure may not grow, exceeds the risk limit, or needs more margin than is available.

        `value` is what the order may add to its position, `held` what it has reserved so far.
        """
        if value <= held:
            return None
        if slot.market.phase is not Phase.TRADING:
            return refusals.NOT_IN_PHASE[slot.market.phase]
        if refusal := _risk_limit_refusal(slot, exposure(slot, side) + value - held):
            return refusal
        needed = order_margin(value - held, side, slot.leverage, self._taker_fee)
        if needed > account_margin(slot.account, self._taker_fee).available:
            return refusals.NO_MARGIN
        return None


def _risk_limit_refusal(slot: Slot, value: Decimal) -> Refused | None:
    """Refuse exposure that no tier of the symbol, or none at the present leverage, allows."""
    tiers = slot.market.instrument.tiers
    if value > tiers[-1].limit_value:
        return refusals.ABOVE_RISK_LIMIT
    if slot.leverage > tiers[0].max_leverage:
        return refusals.ABOVE_TIER_LEVERAGE
    allowed = tier_at(slot, value).max_leverage
    return refusals.above_position_limit(allowed) if slot.leverage > allowed else None


def is_closing(slot: Slot, order: NewOrder | Order) -> bool | Refused:
    """Whether an order may only shrink its position.

    In hedge mode the leg's closing side always does: what Bybit makes of a Sell on positionIdx 1 without `reduceOnly`
    beyond the long is undocumented, and a long leg cannot go short.
    """
    position = slot.positions[order.position_idx]
    closes = order.reduce_only
    if slot.hedge:
        fits = Leg(order.position_idx).closing_side is order.side
        if order.reduce_only and not fits:
            return refusals.REDUCE_ONLY_SIDE
        closes = fits
    if not closes:
        return False
    if not position.size:
        return refusals.REDUCE_ONLY_FLAT
    return True if position.reducible_by(order.side) else refusals.REDUCE_ONLY_SIDE


def identity_refusal(slot: Slot, order: NewOrder) -> Refused | None:
    if slot.market.phase is Phase.CLOSED:
        return refusals.NOT_LIVE
    if not _LINK_ID.match(order.order_link_id):
        return refusals.BAD_LINK_ID
    if order.order_link_id and order.order_link_id in slot.account.by_link:
        return refusals.DUPLICATE_LINK_ID
    if order.position_idx not in slot.indexes:
        return refusals.BAD_POSITION_IDX
    return None


def closes_all(order: NewOrder | Order) -> bool:
    return order.reduce_only and order.close_on_trigger and order.qty == 0


def _new_price(slot: Slot, order: NewOrder | Order) -> Decimal | Refused:
    """Limit price inside the band, or the price bound of a market order (0 when the market is unknown)."""
    if order.order_type is OrderType.MARKET:
        return slot.market.bound(order.side) or ZERO
    if order.price is None:
        return refusals.NO_PRICE
    return _limit_price(slot, order.side, order.price)


def _limit_price(slot: Slot, side: Side, price: Decimal) -> Decimal | Refused:
    return price_refusal(slot.market.instrument, price) or slot.market.into_band(side, price)


def price_refusal(rules: Instrument, price: Decimal) -> Refused | None:
    if not price.is_finite() or not rules.min_price <= price <= rules.max_price or not rules.is_on_tick(price):
        return refusals.BAD_PRICE
    return None


def largest_qty(rules: Instrument, order_type: OrderType) -> Decimal:
    return rules.max_limit_qty if order_type is OrderType.LIMIT else rules.max_market_qty


def whole_lots(rules: Instrument, qty: Decimal, order_type: OrderType, room: Decimal | None) -> Decimal | Refused:
    """Quantity truncated to whole lots, as the server was seen to do; `room` caps a closing order, which has no
    other maximum."""
    if not qty.is_finite() or qty <= 0:
        return refusals.BAD_QTY
    if room is None and qty > largest_qty(rules, order_type):
        return refusals.ABOVE_MAX_QTY
    lots = rules.qty_down(qty if room is None else min(qty, room))
    if not lots:
        return refusals.QTY_TO_ZERO
    return refusals.BELOW_MIN_QTY if lots < rules.min_qty else lots
