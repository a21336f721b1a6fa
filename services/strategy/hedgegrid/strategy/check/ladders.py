"""Each leg's whole ladder with the margin it needs, and what it loses at the bound. Pure."""

from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg
from hedgegrid.domain.risk import position_initial_margin, tier_of
from hedgegrid.guard.figures import Figures, measure
from hedgegrid.guard.view import AccountView, HeldLeg, LegKey, Mark, Wallet
from hedgegrid.strategy.core.common_config import HUNDRED
from hedgegrid.strategy.core.ladder import LadderRow
from hedgegrid.strategy.plans import BotPlan


class LevelRisk(NamedTuple):
    """A level with the leg filled to it, the mark at its price. Money in USDT, rates in percent.

    `liquidation_px` counts this leg alone on the whole balance; None = it cannot be liquidated.
    """

    row: LadderRow
    margin: Decimal
    mm_rate_pct: Decimal
    liquidation_px: Decimal | None
    fee_break_even_pct: Decimal


class LegRisk(NamedTuple):
    """The worst case of a leg: filled to the last level, the mark at `bound_px`.

    `bound_px` is the price bound of the config where it lies beyond the last level, else the last level itself.
    """

    leg: Leg
    levels: tuple[LevelRisk, ...]
    bound_px: Decimal
    loss: Decimal
    """Unrealised, entry fees and the taker fee of closing there; > 0 is lost."""

    @property
    def qty(self) -> Decimal:
        return self.levels[-1].row.cum_qty

    @property
    def value(self) -> Decimal:
        return self.levels[-1].row.cum_value


class BotRisk(NamedTuple):
    plan: BotPlan
    rules: Instrument
    price: Decimal
    legs: tuple[LegRisk, ...]


def bot_risk(plan: BotPlan, rules: Instrument, price: Decimal, balance: Decimal) -> BotRisk:
    """Both ladders of a bot that opens at `price` on an account of `balance` USDT."""
    legs = []
    for leg in plan.config.legs.chosen:
        rows = plan.strategy.ladder(plan.config, rules, leg, price)
        if rows:
            legs.append(_leg_risk(plan, rules, leg, rows, balance))
    return BotRisk(plan, rules, price, tuple(legs))


def figures_at(
    balance: Decimal, held: dict[LegKey, HeldLeg], marks: dict[str, Decimal], rules: dict[str, Instrument], fee: Decimal
) -> Figures:
    """An account that holds these legs at these marks. `fee` is the taker fee, a fraction."""
    view = AccountView(
        legs=held,
        orders=(),
        wallet=Wallet(balance, None, None, 0),
        instruments=rules,
        leverages={symbol: held_leg.leverage for (symbol, _), held_leg in held.items()},
        unsure_since_ms=None,
        started_ms=0,
    )
    return measure(view, {symbol: Mark(px, 0) for symbol, px in marks.items()}, fee, 0)


def _leg_risk(plan: BotPlan, rules: Instrument, leg: Leg, rows: tuple[LadderRow, ...], balance: Decimal) -> LegRisk:
    config = plan.config
    levels = tuple(_level(plan, rules, leg, row, balance) for row in rows)
    last = rows[-1]
    bound = getattr(config, "lower_price" if leg is Leg.LONG else "upper_price", None)
    beyond = bound is not None and (bound < last.price if leg is Leg.LONG else bound > last.price)
    bound_px = bound if bound is not None and beyond else last.price
    unrealised = leg.sign * (last.cum_qty * bound_px - last.cum_value)
    fees = (last.cum_value + last.cum_qty * bound_px) * config.taker_fee
    return LegRisk(leg, levels, bound_px, fees - unrealised)


def _level(plan: BotPlan, rules: Instrument, leg: Leg, row: LadderRow, balance: Decimal) -> LevelRisk:
    config = plan.config
    value = row.cum_qty * row.price
    margin = position_initial_margin(value, row.cum_value, leg, config.leverage, config.taker_fee)
    held = {(plan.symbol, leg): HeldLeg(row.cum_qty, row.average_px, config.leverage, ZERO)}
    figures = figures_at(balance, held, {plan.symbol: row.price}, {plan.symbol: rules}, config.taker_fee)
    near, liquidation_px = figures.liquidation_distance, None
    if near is not None:
        exact = row.price * (1 - leg.sign * near)
        liquidation_px = rules.price_up(exact) if leg is Leg.LONG else rules.price_down(exact)
    break_even_pct = leg.sign * (row.break_even_px / row.average_px - 1) * HUNDRED
    return LevelRisk(row, margin, tier_of(rules.tiers, value).mm_rate * HUNDRED, liquidation_px, break_even_pct)
