"""How a leg of the dual grid grows: at market when the price is there, or by orders that rest some levels ahead."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.config import AveragingStyle
from hedgegrid.strategy.core.dual_entry import GridDraft, entry_is_open
from hedgegrid.strategy.core.ladder import Rung, Terms, next_qty, rungs_after, terms_of, trigger_px, within_bounds
from hedgegrid.strategy.core.orders import Desired, as_working, is_moving
from hedgegrid.strategy.core.quiet_range import ALWAYS_QUIET, HIGHEST, NEVER_MS, NEVER_QUIET, QuietRange
from hedgegrid.strategy.core.state import LegState


def desired_averaging(draft: GridDraft, leg: LegState, tick: QuoteTick | None) -> Iterable[Desired]:
    if not _may_grow(draft, leg):
        return
    if draft.config.averaging_style is AveragingStyle.RESTING:
        yield from _resting(draft, leg, tick)
    elif tick is not None and not is_moving(leg):
        rung = _due(draft, leg, tick.last_px)
        if rung is not None:
            yield Desired(Purpose.AVERAGING, rung.level, rung.qty, None, decided_at=rung.price)


def quiet_averaging(draft: GridDraft, leg: LegState) -> QuietRange:
    if not _may_grow(draft, leg) or draft.now_ms < leg.opening.until_ms:
        return ALWAYS_QUIET
    if draft.config.averaging_style is AveragingStyle.RESTING:
        missing = any(leg.order(Purpose.AVERAGING, rung.level) is None for rung in _ahead(draft, leg))
        return NEVER_QUIET if missing else ALWAYS_QUIET
    if is_moving(leg):
        return ALWAYS_QUIET
    return _before_trigger(draft, leg)


def terms_in_force(draft: GridDraft, leg: LegState) -> Terms:
    """Terms of the open cycle; of a position that was taken over, the config's at the price of its first level."""
    terms = draft.state.plan_of(leg).terms
    return terms if terms is not None else terms_of(draft.config, leg.levels[0].px)


def _may_grow(draft: GridDraft, leg: LegState) -> bool:
    return (
        leg.book.qty > 0
        and bool(leg.levels)
        and draft.effective.may_average
        and not entry_is_open(draft, leg)
        and draft.state.plan_of(leg).closing is None
    )


def _last(leg: LegState) -> Rung:
    """The highest level that has fills; while its order still works, as it was ordered."""
    level = leg.levels[-1]
    order = leg.order(Purpose.AVERAGING, level.number)
    if order is not None and order.price is not None:
        return Rung(level.number, order.price, order.qty)
    return Rung(level.number, level.px, level.qty)


def _ahead(draft: GridDraft, leg: LegState) -> Iterator[Rung]:
    """Levels that should rest now, within the price bounds; none of them has a fill."""
    rungs = rungs_after(terms_in_force(draft, leg), draft.instrument, leg.leg, _last(leg))
    for rung in islice(rungs, draft.config.resting_levels):
        if within_bounds(draft.config, rung.price):
            yield rung


def _resting(draft: GridDraft, leg: LegState, tick: QuoteTick | None) -> Iterable[Desired]:
    """New ones need a tick: one that the price has passed already may take liquidity, at its own price or better."""
    filling = leg.order(Purpose.AVERAGING, leg.levels[-1].number)
    if filling is not None:
        yield as_working(filling)
    for rung in _ahead(draft, leg):
        if tick is None and leg.order(Purpose.AVERAGING, rung.level) is None:
            continue
        post_only = draft.config.resting_post_only and not (tick is not None and _is_passed(leg.leg, rung.price, tick))
        yield Desired(Purpose.AVERAGING, rung.level, rung.qty, rung.price, post_only)


def _is_passed(leg: Leg, price: Decimal, tick: QuoteTick) -> bool:
    if leg is Leg.LONG:
        return price >= (tick.ask_px or tick.last_px)
    return price <= (tick.bid_px or tick.last_px)


def _trigger(draft: GridDraft, leg: LegState) -> Decimal | None:
    terms = terms_in_force(draft, leg)
    last = leg.levels[-1]
    if last.number + 1 >= terms.max_levels:
        return None
    return trigger_px(terms, leg.leg, last.number + 1, last.px)


def _due(draft: GridDraft, leg: LegState, price: Decimal) -> Rung | None:
    trigger = _trigger(draft, leg)
    if trigger is None or not within_bounds(draft.config, price):
        return None
    if (price > trigger) if leg.leg is Leg.LONG else (price < trigger):
        return None
    last = leg.levels[-1]
    return Rung(last.number + 1, price, next_qty(terms_in_force(draft, leg), draft.instrument, last.qty, price))


def _before_trigger(draft: GridDraft, leg: LegState) -> QuietRange:
    trigger = _trigger(draft, leg)
    if trigger is None:
        return ALWAYS_QUIET
    config, price = draft.config, draft.last_px
    if leg.leg is Leg.LONG:
        if price is not None and config.lower_price is not None and price < config.lower_price:
            return QuietRange(ZERO, min(config.lower_price, trigger), NEVER_MS)
        return QuietRange(trigger, HIGHEST, NEVER_MS)
    if price is not None and config.upper_price is not None and price > config.upper_price:
        return QuietRange(max(config.upper_price, trigger), HIGHEST, NEVER_MS)
    return QuietRange(ZERO, trigger, NEVER_MS)
