"""The quiet range: prices between which, until a moment, a tick changes nothing. Keeps ticks cheap."""

from decimal import Decimal

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.planning import is_quiet, wants_averaging, wants_entry
from hedgegrid.strategy.core.pricing import averaging_trigger
from hedgegrid.strategy.core.state import LegState, OrderPhase

NEVER_MS = 2**62
HIGHEST = Decimal("1E+30")
DOUBT_AFTER_MS = 3_000
"""An acknowledged order is followed by an order event, an ended order by its fills, within this time or one is lost."""


def settle_quiet_range(draft: Draft) -> None:
    """Store the range that follows from the state as it is now."""
    low, high, wake_ms = ZERO, HIGHEST, doubt_deadline_ms(draft)
    if not draft.state.reconciled:
        if not draft.state.snapshot_asked:
            wake_ms = min(wake_ms, draft.state.ask_after_ms)
    else:
        for leg in draft.state.legs:
            leg_low, leg_high, leg_wake_ms = _leg_range(draft, leg)
            low, high, wake_ms = max(low, leg_low), min(high, leg_high), min(wake_ms, leg_wake_ms)
    draft.change(quiet_above=low, quiet_below=high, wake_ms=wake_ms)


def doubt_deadline_ms(draft: Draft) -> int:
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


def _leg_range(draft: Draft, leg: LegState) -> tuple[Decimal, Decimal, int]:
    entry, averaging = wants_entry(draft, leg), wants_averaging(draft, leg)
    if draft.now_ms < leg.retry_after_ms:
        return ZERO, HIGHEST, leg.retry_after_ms
    if entry:
        return HIGHEST, ZERO, NEVER_MS
    if averaging:
        trigger = averaging_trigger(draft.config, leg)
        return (trigger, HIGHEST, NEVER_MS) if leg.leg is Leg.LONG else (ZERO, trigger, NEVER_MS)
    return ZERO, HIGHEST, NEVER_MS
