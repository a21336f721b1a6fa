"""What is said back about a command that concerns one order. Pure."""

from hedgegrid.messages.commands import AmendOrder, CancelOrder, SubmitOrder
from hedgegrid.messages.events import AmendRejected, CancelRejected, CommandKind, OrderRejected

OrderCommand = SubmitOrder | AmendOrder | CancelOrder
Rejection = OrderRejected | AmendRejected | CancelRejected


def kind_of(command: OrderCommand) -> CommandKind:
    match command:
        case SubmitOrder():
            return CommandKind.SUBMIT
        case AmendOrder():
            return CommandKind.AMEND
        case CancelOrder():
            return CommandKind.CANCEL


def rejection_of(command: OrderCommand, code: int, reason: str, now_ms: int) -> Rejection:
    """The venue's refusal, with its `retCode`."""
    kinds: dict[CommandKind, type[Rejection]] = {
        CommandKind.SUBMIT: OrderRejected,
        CommandKind.AMEND: AmendRejected,
        CommandKind.CANCEL: CancelRejected,
    }
    rejection = kinds[kind_of(command)]
    return rejection(
        symbol=command.symbol, client_order_id=command.client_order_id, code=code, reason=reason, ts_event=now_ms
    )
