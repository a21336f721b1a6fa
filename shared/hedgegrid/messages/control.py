"""Messages of `{acct}:control`: the operator's wishes."""

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.base import Message


class SetTradingState(Message, frozen=True, kw_only=True):
    """Ask one bot, or with symbol None every bot of the account, to change its trading state."""

    symbol: str | None
    state: TradingState
    actor: str
    reason: str
    ts_event: int


ControlMessage = SetTradingState
