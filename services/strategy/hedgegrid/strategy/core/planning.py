"""From permission and strategy to orders: who may want what, leg by leg."""

from collections.abc import Iterable
from typing import Any

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.guard_stage import excess_qty
from hedgegrid.strategy.core.orders import Desired, cancel_unwanted, reconcile_leg
from hedgegrid.strategy.core.state import MISMATCHES_TOLERATED, LegState


def plan(draft: Draft[Any, Any], tick: QuoteTick | None) -> None:
    """Command what is missing. Without a tick only orders that need no price are considered."""
    state = draft.state
    if not state.reconciled:
        if state.mismatches >= MISMATCHES_TOLERATED and not state.snapshot_asked:
            _plan_in_mismatch(draft)
        return
    for leg in state.legs:
        reconcile_leg(draft, leg.leg, _wanted(draft, leg, tick))
    if state.trading_state is TradingState.FLATTEN and all(_is_flat(leg) for leg in draft.state.legs):
        draft.set_trading_state(TradingState.HALTED, "flat", "strategy")


def _plan_in_mismatch(draft: Draft[Any, Any]) -> None:
    """A halt must not leave orders resting, and the guard's last stage closes what the venue says there is."""
    for leg in draft.state.legs:
        held = leg.ours_at_venue or ZERO
        if draft.effective is TradingState.FLATTEN and held > 0:
            reconcile_leg(draft, leg.leg, [Desired(Purpose.CLOSE, 0, min(held, draft.instrument.max_market_qty), None)])
        else:
            cancel_unwanted(draft, leg.leg, set())


def _wanted(draft: Draft[Any, Any], leg: LegState, tick: QuoteTick | None) -> Iterable[Desired]:
    effective = draft.effective
    largest = draft.instrument.max_market_qty
    if effective is TradingState.FLATTEN:
        if leg.book.qty > 0:
            yield Desired(Purpose.CLOSE, 0, min(leg.book.qty, largest), None)
        return
    excess = excess_qty(leg)
    if excess > 0:
        yield Desired(Purpose.REDUCE, 0, min(excess, largest), None)
    if effective is TradingState.HALTED:
        return
    for desire in draft.strategy.desired(draft, leg, tick):
        if _is_allowed(effective, desire.purpose):
            yield desire


def _is_allowed(effective: TradingState, purpose: Purpose) -> bool:
    if purpose is Purpose.ENTRY:
        return effective.may_open_cycle
    return effective.may_average if purpose is Purpose.AVERAGING else effective.may_take_profit


def _is_flat(leg: LegState) -> bool:
    return leg.book.qty == 0 and not leg.orders
