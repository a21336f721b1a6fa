"""`{acct}:commands` and `{acct}:control` → what the strategy and the operator asked for."""

from hedgegrid.messages import commands as cm
from hedgegrid.messages.control import (
    ClearKillSwitch,
    ControlMessage,
    ResolveMismatch,
    SetTradingState,
    ThrowKillSwitch,
)
from hedgegrid.metrics.event_projection import WHOLE_ACCOUNT
from hedgegrid.metrics.projection import Projection
from hedgegrid.runtime.metric_names import Metrics

_KINDS: dict[type[cm.Command], str] = {
    cm.SubmitOrder: "submit",
    cm.AmendOrder: "amend",
    cm.CancelOrder: "cancel",
    cm.CancelAllOrders: "cancel_all",
    cm.RequestSnapshot: "snapshot",
}


class CommandProjection(Projection[cm.Command]):
    """A command is written once, inside a commit, so nothing has to be told apart by id."""

    def project(self, message: cm.Command) -> None:
        self.table.add(Metrics.commands, self.account, message.symbol, _KINDS[type(message)])
        if isinstance(message, cm.SubmitOrder):
            self.table.add(Metrics.orders, self.account, message.symbol, message.leg.word, "submitted")


class ControlProjection(Projection[ControlMessage]):
    def project(self, message: ControlMessage) -> None:
        symbol = getattr(message, "symbol", None) or WHOLE_ACCOUNT
        self.table.add(Metrics.control_requests, self.account, symbol, _wanted(message))


def _wanted(message: ControlMessage) -> str:
    match message:
        case SetTradingState(state=state):
            return str(state)
        case ResolveMismatch(action=action):
            return str(action)
        case ThrowKillSwitch(level=level):
            return f"KILL_{level.name}"
        case ClearKillSwitch():
            return "KILL_CLEARED"
