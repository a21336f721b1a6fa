"""The operator's last word per bot, followed on `{acct}:control`: the executor's own half of a halt."""

from collections.abc import Iterable

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import SetTradingState


class TradingStates:
    """Written by the reading thread, read by the lanes; a plain dict suffices for that."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._states = dict.fromkeys(symbols, TradingState.ACTIVE)

    def apply(self, wish: SetTradingState) -> None:
        """A wish without a symbol is for every bot of the account."""
        for symbol in self._states:
            if wish.symbol is None or wish.symbol == symbol:
                self._states[symbol] = wish.state

    def forbids(self, symbol: str, opens_cycle: bool) -> TradingState | None:
        """The state in which an order that adds exposure must not be sent; None when it may."""
        state = self._states.get(symbol, TradingState.ACTIVE)
        allowed = state.may_open_cycle if opens_cycle else state.may_average
        return None if allowed else state
