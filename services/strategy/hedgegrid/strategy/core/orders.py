"""Desired orders against working orders: only the difference is commanded.

A level with an unresolved command is left alone, so there is never more than one order for a level. An order at another
price or size is amended, not replaced; a resting order that should be at market is cancelled first.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from hedgegrid.domain.order import Leg, OrderType, Purpose, TimeInForce
from hedgegrid.messages.commands import AmendOrder, CancelOrder, SubmitOrder
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.exposure import cap_broken, open_cost
from hedgegrid.strategy.core.ladder import worst_px
from hedgegrid.strategy.core.lifecycle import in_phase
from hedgegrid.strategy.core.state import LegState, OrderPhase, WorkingOrder


class Desired(NamedTuple):
    """An order that a leg should have now."""

    purpose: Purpose
    level: int
    """0…99; with the purpose it names the order within its leg."""
    qty: Decimal
    """What should still be open of it, base coin, on the quantity step."""
    price: Decimal | None
    """On the tick; None = at market."""
    post_only: bool = False
    decided_at: Decimal | None = None
    """Price that an opening order at market was decided at; caps count with it."""

    @property
    def key(self) -> tuple[Purpose, int]:
        return self.purpose, self.level


def as_working(order: WorkingOrder) -> Desired:
    """The order as it stands: nothing is to be done about it."""
    return Desired(order.purpose, order.level, order.qty - order.cum_qty, order.price)


def is_moving(leg: LegState) -> bool:
    """An order at market is open: the leg's quantity and average are about to change."""
    return any(order.is_market for order in leg.orders)


def reconcile_leg(draft: Draft[Any, Any], leg: Leg, wanted: Iterable[Desired]) -> None:
    desires = list(wanted)
    cancel_unwanted(draft, leg, {desire.key for desire in desires})
    for desire in desires:
        _satisfy(draft, leg, desire)


def cancel_unwanted(draft: Draft[Any, Any], leg: Leg, wanted: set[tuple[Purpose, int]]) -> None:
    for order in draft.leg(leg).orders:
        if order.phase is OrderPhase.LIVE and not order.is_market and order.key not in wanted:
            _cancel(draft, leg, order)


def _satisfy(draft: Draft[Any, Any], leg: Leg, desire: Desired) -> None:
    state = draft.leg(leg)
    order = state.order(desire.purpose, desire.level)
    backoff = state.closing if desire.purpose.closes else state.opening
    if draft.now_ms < backoff.until_ms:
        return
    if order is None:
        _submit(draft, leg, desire)
    elif order.phase is OrderPhase.LIVE and not order.is_market:
        if desire.price is None:
            _cancel(draft, leg, order)
        elif (order.qty, order.price) != (desire.qty + order.cum_qty, desire.price):
            _amend(draft, leg, order, desire.qty + order.cum_qty, desire.price)


def _submit(draft: Draft[Any, Any], leg: Leg, desire: Desired) -> None:
    closes = desire.purpose.closes
    counted_px = Decimal(0)
    if not closes:
        decided_at = desire.price or desire.decided_at
        if decided_at is None:
            raise AssertionError(f"{desire} says no price to count with")
        counted_px = worst_px(draft.instrument, decided_at, takes=not desire.post_only)
        why = cap_broken(draft, leg, desire.qty * counted_px)
        if why:
            draft.deny(leg, desire.purpose, desire.level, desire.qty, decided_at, why)
            return
    order = WorkingOrder(
        client_order_id=draft.next_id(leg, desire.purpose, desire.level),
        purpose=desire.purpose,
        level=desire.level,
        order_type=OrderType.MARKET if desire.price is None else OrderType.LIMIT,
        qty=desire.qty,
        price=desire.price,
        phase=OrderPhase.SUBMITTING,
        since_ms=draft.now_ms,
        worst_px=counted_px,
    )
    draft.commands.append(
        SubmitOrder(
            symbol=draft.state.symbol,
            leg=leg,
            client_order_id=order.client_order_id,
            cause_ns=draft.cause_ns,
            side=leg.closing_side if closes else leg.opening_side,
            order_type=order.order_type,
            qty=desire.qty,
            price=desire.price,
            time_in_force=_time_in_force(desire),
            reduce_only=closes,
        )
    )
    draft.put_order(leg, order)


def _time_in_force(desire: Desired) -> TimeInForce:
    if desire.price is None:
        return TimeInForce.IOC
    return TimeInForce.POST_ONLY if desire.post_only else TimeInForce.GTC


def _amend(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder, qty: Decimal, price: Decimal) -> None:
    if not order.purpose.closes:
        more = (qty - order.cum_qty) * price - open_cost(order)
        why = cap_broken(draft, leg, more) if more > 0 else ""
        if why:
            draft.deny(leg, order.purpose, order.level, qty, price, why)
            return
    draft.commands.append(
        AmendOrder(
            symbol=draft.state.symbol,
            leg=leg,
            client_order_id=order.client_order_id,
            cause_ns=draft.cause_ns,
            qty=qty,
            price=price,
        )
    )
    draft.put_order(leg, in_phase(draft, order, OrderPhase.AMENDING, new_qty=qty, new_price=price))


def _cancel(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder) -> None:
    draft.commands.append(
        CancelOrder(symbol=draft.state.symbol, leg=leg, client_order_id=order.client_order_id, cause_ns=draft.cause_ns)
    )
    draft.put_order(leg, in_phase(draft, order, OrderPhase.CANCELING))
