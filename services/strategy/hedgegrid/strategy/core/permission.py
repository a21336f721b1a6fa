"""What a bot may do now: the strictest of its own trading state, the account guard's stage, and a quarantine."""

from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.strategy.core.state import BotState

_OF_STAGE = {
    RiskStage.NORMAL: TradingState.ACTIVE,
    RiskStage.WARN: TradingState.ACTIVE,
    RiskStage.NO_NEW_CYCLES: TradingState.NO_NEW_CYCLES,
    RiskStage.NO_AVERAGING: TradingState.TP_ONLY,
    RiskStage.REDUCE: TradingState.TP_ONLY,
    RiskStage.FLATTEN: TradingState.FLATTEN,
}
_STRICTNESS = {state: rank for rank, state in enumerate(TradingState)}


def stricter(one: TradingState, other: TradingState) -> TradingState:
    return max(one, other, key=_STRICTNESS.__getitem__)


_EFFECTIVE = {(state, stage): stricter(state, _OF_STAGE[stage]) for state in TradingState for stage in RiskStage}


def effective_state(state: BotState) -> TradingState:
    """The trading state that the bot acts by."""
    effective = _EFFECTIVE[state.trading_state, state.stage]
    return stricter(effective, TradingState.TP_ONLY) if state.quarantined else effective
