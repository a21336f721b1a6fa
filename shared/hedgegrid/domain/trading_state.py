"""What a bot may do (design §3)."""

from enum import StrEnum


class TradingState(StrEnum):
    """Ordered from free to stopped.

    ACTIVE trades; NO_NEW_CYCLES finishes open cycles; TP_ONLY neither enters nor averages; HALTED cancels
    working orders and keeps positions; FLATTEN cancels, closes at market, then becomes HALTED.
    """

    ACTIVE = "ACTIVE"
    NO_NEW_CYCLES = "NO_NEW_CYCLES"
    TP_ONLY = "TP_ONLY"
    HALTED = "HALTED"
    FLATTEN = "FLATTEN"

    @property
    def may_open_cycle(self) -> bool:
        return self is TradingState.ACTIVE

    @property
    def may_average(self) -> bool:
        return self in (TradingState.ACTIVE, TradingState.NO_NEW_CYCLES)

    @property
    def may_take_profit(self) -> bool:
        return self not in (TradingState.HALTED, TradingState.FLATTEN)
