"""Outcomes of commands → the events that tell them. Pure."""

from hedgegrid.executor.in_flight import InFlight
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import AmendOrder, CancelOrder, Command, RequestSnapshot, SubmitOrder
from hedgegrid.messages.events import (
    AmendRejected,
    CancelRejected,
    CommandKind,
    DenyReason,
    OrderAcked,
    OrderDenied,
    OrderRejected,
    SnapshotFailed,
)

NEVER_ARRIVED = 0
"""Code of a rejection that the venue never spoke: proven absence."""


def acked(entry: InFlight, venue_order_id: str, acked_ns: int) -> list[Message]:
    """Stamps are wall nanoseconds; `sent_ns` 0 when an earlier process sent it. Cancel-all has no event of its own."""
    command = entry.command
    kind = _kind(command)
    if kind is None or not isinstance(command, SubmitOrder | AmendOrder | CancelOrder):
        return []
    return [
        OrderAcked(
            symbol=command.symbol,
            client_order_id=command.client_order_id,
            ts_event=acked_ns // 1_000_000,
            command=kind,
            venue_order_id=venue_order_id,
            cause_ns=command.cause_ns,
            decided_ns=command.decided_ns,
            sent_ns=entry.sent_wall_ns,
            acked_ns=acked_ns,
        )
    ]


def rejected(command: Command, code: int, reason: str, now_ms: int) -> list[Message]:
    match command:
        case SubmitOrder(symbol=symbol, client_order_id=order_id):
            return [OrderRejected(symbol=symbol, client_order_id=order_id, ts_event=now_ms, code=code, reason=reason)]
        case AmendOrder(symbol=symbol, client_order_id=order_id):
            return [AmendRejected(symbol=symbol, client_order_id=order_id, ts_event=now_ms, code=code, reason=reason)]
        case CancelOrder(symbol=symbol, client_order_id=order_id):
            return [CancelRejected(symbol=symbol, client_order_id=order_id, ts_event=now_ms, code=code, reason=reason)]
        case _:
            return []


def denied(command: Command, reason: DenyReason, text: str, now_ms: int) -> list[Message]:
    if isinstance(command, RequestSnapshot):
        return [snapshot_failed(command, text, now_ms)]
    kind = _kind(command)
    if kind is None or not isinstance(command, SubmitOrder | AmendOrder | CancelOrder):
        return []
    return [
        OrderDenied(
            symbol=command.symbol,
            client_order_id=command.client_order_id,
            ts_event=now_ms,
            command=kind,
            reason=reason,
            text=text,
        )
    ]


def snapshot_failed(wish: RequestSnapshot, text: str, now_ms: int) -> SnapshotFailed:
    return SnapshotFailed(symbol=wish.symbol, reason=wish.reason, request=wish.request, text=text, ts_event=now_ms)


def _kind(command: Command) -> CommandKind | None:
    match command:
        case SubmitOrder():
            return CommandKind.SUBMIT
        case AmendOrder():
            return CommandKind.AMEND
        case CancelOrder():
            return CommandKind.CANCEL
        case _:
            return None
