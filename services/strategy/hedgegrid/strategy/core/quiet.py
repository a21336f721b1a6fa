"""The quiet range: prices between which, until a moment, a tick changes nothing. Keeps ticks cheap."""

from typing import Any

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.quiet_range import ALWAYS_QUIET, NEVER_MS, QuietRange
from hedgegrid.strategy.core.state import BotState, LegState, OrderPhase

DOUBT_AFTER_MS = 3_000
"""An acknowledged order is followed by an order event, an ended order by its fills, within this time or one is lost."""


def quiet_range(state: BotState) -> QuietRange:
    """Ticks that change nothing in this state; a backtest may jump over them."""
    return QuietRange(state.quiet_above, state.quiet_below, state.wake_ms)


def settle_quiet_range(draft: Draft[Any, Any]) -> None:
    """Store the range that follows from the state as it is now."""
    state = draft.state
    if not state.reconciled:
        quiet = ALWAYS_QUIET if state.snapshot_asked else ALWAYS_QUIET._replace(wake_ms=state.ask_after_ms)
    else:
        quiet = ALWAYS_QUIET._replace(wake_ms=min(doubt_deadline_ms(draft), _end_of_backoff_ms(draft)))
        if draft.effective not in (TradingState.HALTED, TradingState.FLATTEN):
            quiet = quiet.and_also(draft.strategy.quiet(draft))
    draft.change(quiet_above=quiet.above, quiet_below=quiet.below, wake_ms=quiet.wake_ms)


def doubt_deadline_ms(draft: Draft[Any, Any]) -> int:
    """When what should have arrived by now counts as lost; NEVER_MS without a doubt."""
    if not draft.state.reconciled:
        return NEVER_MS
    deadline_ms = NEVER_MS
    for leg in draft.state.legs:
        waiting = (OrderPhase.ACKED, OrderPhase.ENDED)
        since = [order.since_ms for order in leg.orders if order.phase in waiting]
        if leg.venue_since_ms and is_quiet(leg):
            since.append(leg.venue_since_ms)
        deadline_ms = min([deadline_ms, *(ms + DOUBT_AFTER_MS for ms in since)])
    return deadline_ms


def is_quiet(leg: LegState) -> bool:
    """Nothing of the leg is under way: every order rests as we know it."""
    return all(order.phase is OrderPhase.LIVE for order in leg.orders)


def _end_of_backoff_ms(draft: Draft[Any, Any]) -> int:
    backoffs = (backoff for leg in draft.state.legs for backoff in (leg.opening, leg.closing))
    return min((b.until_ms for b in backoffs if b.until_ms > draft.now_ms), default=NEVER_MS)
