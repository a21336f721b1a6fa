"""The operator's last word per bot, followed on `{acct}:control`: the executor's own half of a halt."""

from collections.abc import Iterable

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import SetTradingState

STOPPED = (TradingState.HALTED, TradingState.FLATTEN)


class TradingStates:
    """Written by the reading thread, read by the lanes; a plain dict suffices for that."""

    def __init__(self, symbols: Iterable[str]) -> None:
        self._states = dict.fromkeys(symbols, TradingState.ACTIVE)

    def apply(self, wish: SetTradingState) -> None:
        """A wish without a symbol is for every bot of the account."""
        for symbol in self._states:
            if wish.symbol is None or wish.symbol == symbol:
                self._states[symbol] = wish.state

    def stopped(self, symbol: str) -> bool:
        """True when orders that add exposure must not be sent."""
        return self._states.get(symbol) in STOPPED
