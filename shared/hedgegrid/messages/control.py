"""Messages of `{acct}:control`: the operator's wishes. Each is signed (`hedgegrid.bus.signed_control`)."""

from enum import StrEnum

from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.base import Message


class SetTradingState(Message, frozen=True, kw_only=True):
    """Ask one bot, or with symbol None every bot of the account, to change its trading state."""

    symbol: str | None
    state: TradingState
    actor: str
    reason: str
    ts_event: int


class MismatchAnswer(StrEnum):
    """What to do about a position that our books do not explain."""

    ADOPT = "adopt"
    """What the venue holds becomes the bot's own, and it goes on."""
    FLATTEN = "flatten"
    """The same, then everything is closed at market."""
    IGNORE = "ignore"
    """The difference is somebody else's: the bot goes on with what its own books say."""


class ResolveMismatch(Message, frozen=True, kw_only=True):
    """Answer a bot that halted over a mismatch; carried out with the venue's next snapshot."""

    symbol: str
    action: MismatchAnswer
    actor: str
    reason: str
    ts_event: int


class ThrowKillSwitch(Message, frozen=True, kw_only=True):
    """Stop the whole account; holds over every restart until it is cleared."""

    level: KillLevel
    actor: str
    reason: str
    ts_event: int


class ClearKillSwitch(Message, frozen=True, kw_only=True):
    """Take the stop away. Bots stay in the state that it put them in until they are set ACTIVE."""

    actor: str
    reason: str
    ts_event: int


ControlMessage = SetTradingState | ResolveMismatch | ThrowKillSwitch | ClearKillSwitch
