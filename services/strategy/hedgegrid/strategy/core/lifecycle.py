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
from hedgegrid.strategy.core.quiet import DOUBT_AFTER_MS
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
    _keep_unless_complete(draft, leg, in_phase(draft, order, OrderPhase.ENDED, final_qty=final_qty))


def retire_unproven(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder) -> None:
    """Drop an order on somebody's word other than a complete account of its fills; keep it known for late ones."""
    draft.drop_order(leg, order.client_order_id)
    kept = (*draft.leg(leg).unproven[1 - UNPROVEN_KEPT :], order)
    draft.change_leg(leg, unproven=kept)


def _acked(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder, command: CommandKind) -> None:
    """Taken for processing is no proof: only the venue's word on the terms makes the order LIVE."""
    awaited = {CommandKind.SUBMIT: OrderPhase.SUBMITTING, CommandKind.AMEND: OrderPhase.AMENDING}
    if order.phase is awaited.get(command):
        draft.put_order(leg, in_phase(draft, order, OrderPhase.ACKED))


def _accepted(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder, news: OrderAccepted) -> None:
    if order.phase in (OrderPhase.CANCELING, OrderPhase.ENDED) or _is_outdated(draft, order, news):
        return
    if order.phase is not OrderPhase.LIVE and not order.is_market:
        draft.change_leg(leg, **{"closing" if order.purpose.closes else "opening": Backoff()})
    price = news.price or order.price
    order = in_phase(
        draft,
        order,
        OrderPhase.LIVE,
        qty=news.qty,
        price=price,
        worst_px=order.worst_px if price is None else price,
        new_qty=None,
        new_price=None,
        told_ms=max(order.told_ms, news.ts_event),
    )
    _keep_unless_complete(draft, leg, order)


def _is_outdated(draft: Draft[Any, Any], order: WorkingOrder, news: OrderAccepted) -> bool:
    """Told late, or again by a second socket: these terms were amended since, or are being amended."""
    terms = (news.qty, news.price)
    if order.new_qty is not None:
        in_doubt = order.phase is OrderPhase.ACKED and draft.now_ms - order.since_ms >= DOUBT_AFTER_MS
        return terms != (order.new_qty, order.new_price) and not in_doubt
    differ = order.phase is not OrderPhase.SUBMITTING and terms != (order.qty, order.price)
    return differ and news.ts_event <= order.told_ms


def _keep_unless_complete(draft: Draft[Any, Any], leg: Leg, order: WorkingOrder) -> None:
    if is_complete(order):
        draft.drop_order(leg, order.client_order_id)
    else:
        draft.put_order(leg, order)


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
    _keep_unless_complete(draft, leg, order)
    if not is_complete(order):
        draft.hold_back(leg, order.purpose)
        draft.ask_snapshot(SnapshotReason.GAP)
