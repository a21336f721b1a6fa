"""How a leg of the dual grid ends: take-profit in parts, trailing, stop-loss."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.config import HUNDRED, DualGridConfig, StopAction
from hedgegrid.strategy.core.dual_entry import GridDraft, save_plan
from hedgegrid.strategy.core.dual_state import LegPlan
from hedgegrid.strategy.core.ladder import take_profit_px
from hedgegrid.strategy.core.orders import Desired, as_working, is_moving
from hedgegrid.strategy.core.quiet_range import ALWAYS_QUIET, HIGHEST, NEVER_MS, QuietRange
from hedgegrid.strategy.core.state import LegState


class Exit(NamedTuple):
    """A take-profit order: `number` 0 is the rest, 1… the parts that leave earlier."""

    number: int
    qty: Decimal
    price: Decimal


def observe_exit(draft: GridDraft, leg: LegState, tick: QuoteTick) -> None:
    """Latch what the price has struck: stop-loss, trailing take-profit."""
    if leg.book.qty == 0 or not draft.effective.may_take_profit:
        return
    plan = draft.state.plan_of(leg)
    stop = stop_px(draft.config, leg)
    if plan.closing is None and stop is not None and _at_or_beyond(leg.leg, stop, tick.last_px):
        _strike(draft, leg, plan, tick.last_px, stop)
    elif plan.closing is None and draft.config.trailing_take_profit_pct and not is_moving(leg):
        _trail(draft, leg, plan, tick.last_px)


def desired_exit(draft: GridDraft, leg: LegState) -> Iterable[Desired]:
    """Take-profits for the whole position. While the leg is about to change, the orders in place stay as they are."""
    if leg.book.qty == 0:
        return
    closing = draft.state.plan_of(leg).closing
    if closing is not None:
        yield Desired(closing, 0, min(leg.book.qty, draft.instrument.max_market_qty), None)
        return
    if is_moving(leg):
        yield from (as_working(order) for order in leg.orders if order.purpose is Purpose.TAKE_PROFIT)
        return
    for exit_ in exits(draft, leg):
        if exit_.number or not draft.config.trailing_take_profit_pct:
            yield Desired(Purpose.TAKE_PROFIT, exit_.number, exit_.qty, exit_.price)


def quiet_exit(draft: GridDraft, leg: LegState) -> QuietRange:
    if leg.book.qty == 0 or not draft.effective.may_take_profit:
        return ALWAYS_QUIET
    plan = draft.state.plan_of(leg)
    if plan.closing is not None:
        return ALWAYS_QUIET
    quiet = ALWAYS_QUIET
    stop = stop_px(draft.config, leg)
    if stop is not None:
        quiet = quiet.and_also(_not_beyond(leg.leg.sign, stop))
    if draft.config.trailing_take_profit_pct and not is_moving(leg):
        quiet = quiet.and_also(_quiet_trailing(draft, leg, plan))
    return quiet


def exits(draft: GridDraft, leg: LegState) -> list[Exit]:
    """The position in parts, each at its price; parts smaller than the venue takes stay with the rest.

    What has left so far counts to the nearest parts, so that a part is never sold twice.
    """
    config, instrument = draft.config, draft.instrument
    rest, gone = leg.book.qty, leg.cycle.exit_qty
    parts: list[Exit] = []
    for number, part in enumerate(config.take_profit_parts, start=1):
        target = instrument.qty_down(leg.cycle.entry_qty * part.fraction)
        qty = max(target - gone, ZERO)
        gone = max(gone - target, ZERO)
        price = _exit_px(draft, leg, part.pct / HUNDRED)
        smallest = instrument.smallest_qty(price)
        if qty >= smallest and rest - qty >= smallest:
            parts.append(Exit(number, qty, price))
            rest -= qty
    return [*parts, Exit(0, rest, _exit_px(draft, leg, config.take_profit))]


def stop_px(config: DualGridConfig, leg: LegState) -> Decimal | None:
    """Price at which the stop-loss acts, the nearer of both kinds; None without one."""
    sign, entry = leg.leg.sign, leg.book.entry_px
    prices = []
    if config.stop_loss_pct is not None:
        prices.append(entry * (1 - sign * config.stop_loss_pct / HUNDRED))
    if config.stop_loss_usdt is not None:
        prices.append(entry - sign * (config.stop_loss_usdt - leg.cycle.paid) / leg.book.qty)
    if not prices:
        return None
    return max(max(prices) if leg.leg is Leg.LONG else min(prices), ZERO)


def _exit_px(draft: GridDraft, leg: LegState, profit: Decimal) -> Decimal:
    fee_per_unit = leg.cycle.entry_fees / leg.cycle.entry_qty
    return take_profit_px(draft.instrument, leg.leg, leg.book.entry_px, fee_per_unit, profit, draft.config.maker_fee)


def _strike(draft: GridDraft, leg: LegState, plan: LegPlan, price: Decimal, stop: Decimal) -> None:
    why = f"stop-loss of the {leg.leg.word} leg: price {price} at or beyond {stop:.8g}"
    match draft.config.stop_loss_action:
        case StopAction.CLOSE_LEG:
            save_plan(draft, leg.leg, msgspec.structs.replace(plan, closing=Purpose.STOP, entry_qty=ZERO))
        case StopAction.CLOSE_BOT:
            draft.restrict(TradingState.FLATTEN, why)
        case StopAction.HALT:
            draft.restrict(TradingState.HALTED, why)


def _trail(draft: GridDraft, leg: LegState, plan: LegPlan, price: Decimal) -> None:
    best = _best(leg, plan)
    reached = _at_or_beyond_profit(leg.leg, _exit_px(draft, leg, draft.config.take_profit), price)
    if best is None:
        if reached:
            save_plan(draft, leg.leg, msgspec.structs.replace(plan, trail_px=price, trail_levels=len(leg.levels)))
    elif leg.leg.sign * (price - best) > 0:
        save_plan(draft, leg.leg, msgspec.structs.replace(plan, trail_px=price))
    elif _at_or_beyond(leg.leg, _trail_stop(draft.config, leg, best), price):
        save_plan(draft, leg.leg, msgspec.structs.replace(plan, closing=Purpose.TAKE_PROFIT))


def _best(leg: LegState, plan: LegPlan) -> Decimal | None:
    return plan.trail_px if plan.trail_levels == len(leg.levels) else None


def _trail_stop(config: DualGridConfig, leg: LegState, best: Decimal) -> Decimal:
    return best * (1 - leg.leg.sign * config.trailing_take_profit_pct / HUNDRED)


def _quiet_trailing(draft: GridDraft, leg: LegState, plan: LegPlan) -> QuietRange:
    best = _best(leg, plan)
    if best is None:
        return _not_beyond(-leg.leg.sign, _exit_px(draft, leg, draft.config.take_profit))
    stop = _trail_stop(draft.config, leg, best)
    return QuietRange(min(stop, best), max(stop, best), NEVER_MS)


def _at_or_beyond(leg: Leg, bound: Decimal, price: Decimal) -> bool:
    """Whether the price has moved against the leg as far as `bound`."""
    return leg.sign * (price - bound) <= 0


def _at_or_beyond_profit(leg: Leg, bound: Decimal, price: Decimal) -> bool:
    return leg.sign * (price - bound) >= 0


def _not_beyond(sign: int, bound: Decimal) -> QuietRange:
    """Prices above `bound` for sign 1, below it for −1."""
    return QuietRange(bound, HIGHEST, NEVER_MS) if sign > 0 else QuietRange(ZERO, bound, NEVER_MS)
