"""What is said back about a command that concerns one order. Pure."""

from hedgegrid.messages.commands import AmendOrder, CancelOrder, OrderCommand, SubmitOrder
from hedgegrid.messages.events import AmendRejected, CancelRejected, CommandKind, OrderRejected

Rejection = OrderRejected | AmendRejected | CancelRejected

_KINDS: dict[type[OrderCommand], tuple[CommandKind, type[Rejection]]] = {
    SubmitOrder: (CommandKind.SUBMIT, OrderRejected),
    AmendOrder: (CommandKind.AMEND, AmendRejected),
    CancelOrder: (CommandKind.CANCEL, CancelRejected),
}


def kind_of(command: OrderCommand) -> CommandKind:
    return _KINDS[type(command)][0]


def rejection_of(command: OrderCommand, code: int, reason: str, now_ms: int) -> Rejection:
    """The venue's refusal, with its `retCode`."""
    return _KINDS[type(command)][1](
        symbol=command.symbol, client_order_id=command.client_order_id, code=code, reason=reason, ts_event=now_ms
    )
