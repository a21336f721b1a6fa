"""Outcomes of commands → the events that tell them: none where a command has no event of its own. Pure."""

from hedgegrid.executor.in_flight import InFlight
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import Command, OrderCommand, RequestSnapshot
from hedgegrid.messages.events import DenyReason, OrderAcked, OrderDenied, SnapshotFailed
from hedgegrid.messages.replies import kind_of, rejection_of

NEVER_ARRIVED = 0
"""Code of a rejection that the venue never spoke: proven absence."""


def acked(entry: InFlight, venue_order_id: str, acked_ns: int) -> list[Message]:
    """Stamps are wall nanoseconds; `sent_ns` 0 when an earlier process sent it."""
    command = entry.command
    if not isinstance(command, OrderCommand):
        return []
    return [
        OrderAcked(
            symbol=command.symbol,
            client_order_id=command.client_order_id,
            ts_event=acked_ns // 1_000_000,
            command=kind_of(command),
            venue_order_id=venue_order_id,
            cause_ns=command.cause_ns,
            decided_ns=command.decided_ns,
            sent_ns=entry.sent_wall_ns,
            acked_ns=acked_ns,
        )
    ]


def rejected(command: Command, code: int, reason: str, now_ms: int) -> list[Message]:
    return [rejection_of(command, code, reason, now_ms)] if isinstance(command, OrderCommand) else []


def denied(command: Command, reason: DenyReason, text: str, now_ms: int) -> list[Message]:
    if isinstance(command, RequestSnapshot):
        return [snapshot_failed(command, text, now_ms)]
    if not isinstance(command, OrderCommand):
        return []
    return [
        OrderDenied(
            symbol=command.symbol,
            client_order_id=command.client_order_id,
            ts_event=now_ms,
            command=kind_of(command),
            reason=reason,
            text=text,
        )
    ]


def snapshot_failed(wish: RequestSnapshot, text: str, now_ms: int) -> SnapshotFailed:
    return SnapshotFailed(symbol=wish.symbol, reason=wish.reason, request=wish.request, text=text, ts_event=now_ms)
