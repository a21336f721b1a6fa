"""How a cycle of the dual grid begins: at market, or with a resting order that follows the price a bounded time."""

from decimal import Decimal

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.atr import average_true_range
from hedgegrid.strategy.core.config import DualGridConfig, EntryFallback, EntryStyle
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.dual_state import DualGridState, LegPlan
from hedgegrid.strategy.core.ladder import first_qty, terms_of, within_bounds
from hedgegrid.strategy.core.orders import Desired, as_working
from hedgegrid.strategy.core.quiet_range import ALWAYS_QUIET, HIGHEST, NEVER_MS, NEVER_QUIET, QuietRange
from hedgegrid.strategy.core.state import LegState, OrderPhase

GIVEN_UP_PAUSE_MS = 60_000

GridDraft = Draft[DualGridConfig, DualGridState]


def save_plan(draft: GridDraft, leg: Leg, plan: LegPlan) -> None:
    draft.change(**{f"{leg.word}_plan": plan})


def wants_entry(draft: GridDraft, leg: LegState) -> bool:
    """A new cycle is due as soon as there is a price for it."""
    return leg.book.qty == 0 and not leg.orders and _may_enter(draft, leg)


def entry_is_open(draft: GridDraft, leg: LegState) -> bool:
    """The cycle's entry has begun and is not over."""
    return draft.state.plan_of(leg).entry_qty > 0


def observe_entry(draft: GridDraft, leg: LegState, tick: QuoteTick) -> None:
    """Begin an entry, move it on, or end it."""
    if _is_over(draft, leg):
        _end(draft, leg)
    if draft.now_ms < leg.opening.until_ms:
        return
    plan = draft.state.plan_of(leg)
    order = leg.order(Purpose.ENTRY, 0)
    left = plan.entry_qty - leg.cycle.entry_qty
    allowed = within_bounds(draft.config, tick.last_px)
    if plan.entry_qty and order is None and (not allowed or left < draft.instrument.smallest_qty(tick.last_px)):
        _end(draft, leg)
        plan = draft.state.plan_of(leg)
    if plan.entry_qty == 0:
        if allowed and wants_entry(draft, leg) and draft.now_ms >= _not_before_ms(draft, leg):
            _begin(draft, leg, tick, draft.config.entry_style is EntryStyle.MARKET)
    elif plan.entry_px is None:
        if order is None and leg.cycle.entry_qty == 0:
            _begin(draft, leg, tick, at_market=True)  # denied or refused before: size it by the price of now
    elif order is None or (order.phase is OrderPhase.LIVE and draft.now_ms >= _due_ms(draft, plan)):
        _try_again(draft, leg, plan, tick)


def _is_over(draft: GridDraft, leg: LegState) -> bool:
    """The entry under way is not allowed any more, or it is filled."""
    plan = draft.state.plan_of(leg)
    if not plan.entry_qty:
        return False
    filled = leg.order(Purpose.ENTRY, 0) is not None and plan.entry_qty <= leg.cycle.entry_qty
    return filled or not _may_enter(draft, leg)


def _end(draft: GridDraft, leg: LegState) -> None:
    save_plan(draft, leg.leg, msgspec.structs.replace(draft.state.plan_of(leg), entry_qty=ZERO))


def _due_ms(draft: GridDraft, plan: LegPlan) -> int:
    return plan.entry_since_ms + draft.config.entry_wait_s * 1000


def desired_entry(draft: GridDraft, leg: LegState, tick: QuoteTick | None) -> Desired | None:
    plan = draft.state.plan_of(leg)
    order = leg.order(Purpose.ENTRY, 0)
    if plan.entry_qty == 0:
        return None
    if tick is None:
        return as_working(order) if order is not None else None
    left = plan.entry_qty - leg.cycle.entry_qty
    if left <= 0:
        return None
    post_only = draft.config.entry_style is EntryStyle.POST_ONLY
    return Desired(Purpose.ENTRY, 0, left, plan.entry_px, post_only=post_only, decided_at=tick.last_px)


def quiet_entry(draft: GridDraft, leg: LegState) -> QuietRange:
    plan = draft.state.plan_of(leg)
    if _is_over(draft, leg):
        return NEVER_QUIET
    if draft.now_ms < leg.opening.until_ms:
        return ALWAYS_QUIET
    if plan.entry_qty:
        return _quiet_order(draft, plan, leg)
    if not wants_entry(draft, leg):
        return ALWAYS_QUIET
    not_before_ms = _not_before_ms(draft, leg)
    return ALWAYS_QUIET._replace(wake_ms=not_before_ms) if draft.now_ms < not_before_ms else _outside_bounds(draft)


def _quiet_order(draft: GridDraft, plan: LegPlan, leg: LegState) -> QuietRange:
    order = leg.order(Purpose.ENTRY, 0)
    if order is None:
        return NEVER_QUIET
    if order.phase is not OrderPhase.LIVE or order.is_market:
        return ALWAYS_QUIET
    if (order.qty - order.cum_qty, order.price) != (plan.entry_qty - leg.cycle.entry_qty, plan.entry_px):
        return NEVER_QUIET
    return ALWAYS_QUIET._replace(wake_ms=_due_ms(draft, plan))


def _outside_bounds(draft: GridDraft) -> QuietRange:
    """Quiet on that side of the price bounds on which the last tick was."""
    price, config = draft.last_px, draft.config
    if price is not None and config.lower_price is not None and price < config.lower_price:
        return QuietRange(ZERO, config.lower_price, NEVER_MS)
    if price is not None and config.upper_price is not None and price > config.upper_price:
        return QuietRange(config.upper_price, HIGHEST, NEVER_MS)
    return NEVER_QUIET


def _may_enter(draft: GridDraft, leg: LegState) -> bool:
    return draft.effective.may_open_cycle and leg.leg in draft.config.legs.chosen


def _not_before_ms(draft: GridDraft, leg: LegState) -> int:
    plan = draft.state.plan_of(leg)
    after_ms = leg.cycle.after_ms
    return max(plan.not_before_ms, after_ms + draft.config.cycle_pause_s * 1000 if after_ms else 0)


def _begin(draft: GridDraft, leg: LegState, tick: QuoteTick, at_market: bool) -> None:
    config = draft.config
    terms = terms_of(config, tick.last_px, average_true_range(draft.state.bars, config.atr_bars))
    plan = LegPlan(
        cycle=leg.cycle.number,
        terms=terms,
        entry_qty=first_qty(terms, draft.instrument, tick.last_px),
        entry_px=None if at_market else _resting_px(draft, leg.leg, tick),
        entry_since_ms=draft.now_ms,
    )
    save_plan(draft, leg.leg, plan)


def _try_again(draft: GridDraft, leg: LegState, plan: LegPlan, tick: QuoteTick) -> None:
    config = draft.config
    tries = plan.entry_tries + 1
    follows = config.entry_style is EntryStyle.POST_ONLY and tries <= config.entry_reprices
    gives_up = config.entry_style is EntryStyle.POST_ONLY and config.entry_fallback is EntryFallback.GIVE_UP
    if follows:
        price = _resting_px(draft, leg.leg, tick)
        plan = msgspec.structs.replace(plan, entry_px=price, entry_tries=tries, entry_since_ms=draft.now_ms)
    elif gives_up:
        plan = msgspec.structs.replace(plan, entry_qty=ZERO, not_before_ms=draft.now_ms + GIVEN_UP_PAUSE_MS)
    else:
        plan = msgspec.structs.replace(plan, entry_px=None, entry_tries=tries, entry_since_ms=draft.now_ms)
    save_plan(draft, leg.leg, plan)


def _resting_px(draft: GridDraft, leg: Leg, tick: QuoteTick) -> Decimal:
    """The own side's best price; the last price where the quote is not known."""
    best = tick.bid_px if leg is Leg.LONG else tick.ask_px
    if best <= 0:
        best = tick.last_px
    return draft.instrument.price_down(best) if leg is Leg.LONG else draft.instrument.price_up(best)
