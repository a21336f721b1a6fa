"""Conditional orders: they wait outside the book until their price is reached, then go the way of any order."""

from decimal import Decimal

from hedgegrid.venue import refusals
from hedgegrid.venue.conditions import TriggerBy
from hedgegrid.venue.market import Market
from hedgegrid.venue.matching import Matching
from hedgegrid.venue.orders import Order
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import CancelType, OrderStatus, RejectReason
from hedgegrid.venue.rules import Rules
from hedgegrid.venue.settlement import Settlement
from hedgegrid.venue.stop_rules import StopTerms

_REDUCE_ONLY = (refusals.REDUCE_ONLY_FLAT, refusals.REDUCE_ONLY_SIDE, refusals.QTY_TO_ZERO)


class Conditionals:
    def __init__(self, settlement: Settlement, matching: Matching, rules: Rules) -> None:
        self._settlement = settlement
        self._matching = matching
        self._rules = rules

    def arm(self, order: Order, ts_ms: int) -> None:
        """Let a new conditional order wait for its price."""
        order.status = OrderStatus.UNTRIGGERED
        order.slot.started(order)
        order.slot.market.triggers.add(order)
        self._publish(order, ts_ms)

    def change(self, order: Order, terms: StopTerms, ts_ms: int) -> None:
        """Give a waiting order new terms; does nothing when they are the old ones."""
        if terms == (order.price, order.qty, order.trigger):
            return
        market = order.slot.market
        market.triggers.remove(order)
        order.price, order.qty, order.trigger = terms
        market.triggers.add(order)
        self._publish(order, ts_ms)

    def fire(self, market: Market, by: TriggerBy, price: Decimal, ts_ms: int) -> None:
        """Let everything go that waits for this price or one before it, oldest first at one price."""
        while market.triggers.count and (order := market.triggers.due(by, price)) is not None:
            self._go(order, ts_ms)

    def _go(self, order: Order, ts_ms: int) -> None:
        slot = order.slot
        order.status = OrderStatus.TRIGGERED
        self._publish(order, ts_ms)
        partner = order.oco
        if partner is not None and partner.is_untriggered:
            takes_profit = order.stop_order_type.takes_profit
            self._settlement.withdraw(partner, CancelType.SL_BY_TP if takes_profit else CancelType.TP_BY_SL, ts_ms)
        terms = self._rules.active_terms(slot, order)
        order.status = OrderStatus.NEW
        if isinstance(terms, Refused):
            # A stop without a position to reduce ends as reduce-only orders do, one that cannot be afforded as others.
            is_reduce_only = terms in _REDUCE_ONLY
            cancel_type = CancelType.BY_REDUCE_ONLY if is_reduce_only else CancelType.UNKNOWN
            order.end(cancel_type, RejectReason.NO_ERROR if is_reduce_only else RejectReason.OTHERS)
            self._publish(order, ts_ms)
            return
        order.price, order.qty, order.opening_qty, order.closing = terms
        slot.activated(order)
        self._matching.place(order, ts_ms)

    def _publish(self, order: Order, ts_ms: int) -> None:
        self._settlement.conclude(order, [], order.slot.market.next_seq(), ts_ms)


def waiting_stops(order: Order) -> tuple[Order, ...]:
    """An order and the other half of its take-profit and stop-loss pair, where that still waits."""
    partner = order.oco
    if order.is_untriggered and partner is not None and partner.is_untriggered:
        return order, partner
    return (order,)
