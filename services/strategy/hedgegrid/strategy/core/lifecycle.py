"""What becomes of our orders. Events may come in any order and more than once; only a definitive one ends an order."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.domain.order import Leg
from hedgegrid.messages.events import (
    AmendRejected,
    CancelRejected,
    CommandKind,
    OrderAccepted,
    OrderAcked,
    OrderCanceled,
    OrderCompleted,
    OrderDenied,
    OrderRejected,
    SnapshotReason,
)
from hedgegrid.strategy.core.booking import is_complete
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.state import Backoff, OrderPhase, WorkingOrder

OrderNews = (
    OrderAcked
    | OrderAccepted
    | OrderRejected
    | OrderDenied
    | AmendRejected
    | CancelRejected
    | OrderCompleted
    | OrderCanceled
)
UNPROVEN_KEPT = 32
DUPLICATE_ID = 110072
"""Bybit's code for a client order id that was used before: something is there that this state does not know."""


def apply_order_news(draft: Draft[Any, Any], news: OrderNews) -> None:
    """Move an order of this bot along; news of an order that is not there any more changes nothing."""
    found = find_order(draft, news.client_order_id)
    if found is None:
        return
    leg, order = found
    match news:
        case OrderAcked():
            _acked(draft, leg, order, news.command)
        case OrderAccepted():
            _accepted(draft, leg, order, news)
        case OrderRejected():
            retire_unproven(draft, leg, order)
            draft.hold_back(leg, order.purpose)
            if news.code == DUPLICATE_ID:
                draft.ask_snapshot(SnapshotReason.GAP)
        case OrderDenied():
            _denied(draft, leg, order, news.command)
        case AmendRejected() | CancelRejected():
            _command_refused(draft, leg, order)
        case OrderCompleted() | OrderCanceled():
            end_order(draft, leg, order, news.cum_qty)
            ours = order.phase is OrderPhase.CANCELING
            if isinstance(news, OrderCanceled) and news.cum_qty == 0 and not ours:
                draft.hold_back(leg, order.purpose)  # whatever ended it may end the next one too


def find_order(draft: Draft[Any, Any], client_order_id: str) -> tuple[Leg, WorkingOrder] | None:
    for leg in draft.state.legs:
        for order in leg.orders:
            if order.client_order_id == client_order_id:
                return leg.leg, order
    return None


def in_phase(draft: Draft[Any, Any], order: WorkingOrder, phase: OrderPhase, **fields: object) -> WorkingOrder:
    since_ms = order.since_ms if phase is order.phase else draft.now_ms
    return msgspec.structs.replace(order, phase=phase, since_ms=since_ms, **fields)


def end_order(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder, final_qty: Decimal) -> None:
    """The venue says it is over with `final_qty` filled; it stays until that much is booked."""
    order = in_phase(draft, order, OrderPhase.ENDED, final_qty=final_qty)
    if is_complete(order):
        draft.drop_order(leg, order.client_order_id)
    else:
        draft.put_order(leg, order)


def retire_unproven(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder) -> None:
    """Drop an order on somebody's word other than a complete account of its fills; keep it known for late ones."""
    draft.drop_order(leg, order.client_order_id)
    kept = (*draft.leg(leg).unproven[1 - UNPROVEN_KEPT :], order)
    draft.change_leg(leg, unproven=kept)


def _acked(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder, command: CommandKind) -> None:
    if command is CommandKind.SUBMIT and order.phase is OrderPhase.SUBMITTING:
        draft.put_order(leg, in_phase(draft, order, OrderPhase.ACKED))
    elif command is CommandKind.AMEND and order.phase is OrderPhase.AMENDING:
        if order.new_qty is None:
            raise AssertionError(f"{order.client_order_id} is being amended to nothing")
        amended = _with_terms(draft, order, order.new_qty, order.new_price)
        if order.cum_qty >= order.qty:  # filled whole under its old terms: the venue may have acknowledged too late
            amended = in_phase(draft, amended, OrderPhase.ACKED)
        draft.put_order(leg, amended)


def _accepted(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder, news: OrderAccepted) -> None:
    known = (order.qty, order.price) == (news.qty, news.price)
    if order.phase in (OrderPhase.LIVE, OrderPhase.ACKED) and not known and news.ts_event <= order.told_ms:
        return  # told late, or again by a second socket: these terms were amended since
    order = msgspec.structs.replace(order, told_ms=max(order.told_ms, news.ts_event))
    if order.phase in (OrderPhase.SUBMITTING, OrderPhase.ACKED) and not order.is_market:
        draft.change_leg(leg, **{"closing" if order.purpose.closes else "opening": Backoff()})
    if order.phase in (OrderPhase.SUBMITTING, OrderPhase.ACKED, OrderPhase.LIVE):
        draft.put_order(leg, _with_terms(draft, order, news.qty, news.price or order.price))
    elif order.phase is OrderPhase.AMENDING and (news.qty, news.price) == (order.new_qty, order.new_price):
        draft.put_order(leg, _with_terms(draft, order, news.qty, news.price))


def _with_terms(draft: Draft[Any, Any], order: WorkingOrder, qty: Decimal, price: Decimal | None) -> WorkingOrder:
    worst_px = order.worst_px if price is None else price
    return in_phase(
        draft, order, OrderPhase.LIVE, qty=qty, price=price, worst_px=worst_px, new_qty=None, new_price=None
    )


def _denied(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder, command: CommandKind) -> None:
    if command is CommandKind.SUBMIT:
        retire_unproven(draft, leg, order)  # before the store went back in time it may have been sent after all
    else:
        draft.put_order(leg, in_phase(draft, order, OrderPhase.LIVE, new_qty=None, new_price=None))
    draft.hold_back(leg, order.purpose)


def _command_refused(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder) -> None:
    """The order keeps its old terms or is gone; which of the two only its own terminal event or the venue can say."""
    if order.phase not in (OrderPhase.AMENDING, OrderPhase.CANCELING):
        return
    order = in_phase(draft, order, OrderPhase.LIVE, new_qty=None, new_price=None)
    if is_complete(order):
        draft.drop_order(leg, order.client_order_id)
        return
    draft.put_order(leg, order)
    draft.hold_back(leg, order.purpose)
    draft.ask_snapshot(SnapshotReason.GAP)
