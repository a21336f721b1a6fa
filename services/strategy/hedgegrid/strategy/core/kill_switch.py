"""What the account's kill switch does to a bot: never less strict than it was, and nothing when it is cleared."""

from typing import Any

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.permission import stricter

CLOSED_BY_KILL_SWITCH = "closed by the kill switch"

_OF_LEVEL = {
    KillLevel.PAUSE: TradingState.TP_ONLY,
    KillLevel.CANCEL: TradingState.HALTED,
    KillLevel.FLATTEN: TradingState.FLATTEN,
}


def take_kill(draft: Draft[Any, Any], level: KillLevel, reason: str, actor: str) -> None:
    """Move to the state of the level unless the bot is in a stricter one; told twice it changes nothing."""
    state = _OF_LEVEL[level]
    if stricter(draft.state.trading_state, state) is not state:
        return
    draft.change(halted_from=state)  # an answered mismatch does not lead back to trading
    draft.set_trading_state(state, f"kill switch at {level.name}: {reason}", actor)


def is_emergency_close(draft: Draft[Any, Any], client_order_id: str) -> bool:
    """True for an order that the executor sent itself, for the kill switch, to close a leg of this bot.

    It belongs to no life: whoever sends it cannot read the bot's state. Its fills are told apart by their trade ids.
    """
    parts = parse_client_order_id(client_order_id)
    return parts is not None and parts.purpose is Purpose.EMERGENCY and parts.symbol == draft.state.symbol
