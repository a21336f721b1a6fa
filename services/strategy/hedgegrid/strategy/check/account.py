"""The account with every ladder of one direction full, and the rules that its config breaks. Pure."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO, plain
from hedgegrid.domain.order import Leg
from hedgegrid.domain.risk import RiskStage, tier_of
from hedgegrid.guard.causes import Demand, Losses, demands, strictest
from hedgegrid.guard.config import HUNDRED, GuardConfig
from hedgegrid.guard.figures import Figures
from hedgegrid.guard.view import HeldLeg, LegKey
from hedgegrid.strategy.check.ladders import BotRisk, LegRisk, figures_at

_CENT = Decimal("0.01")


class Scenario(NamedTuple):
    """All markets move one way until every ladder against the move is full; the other legs are flat."""

    name: str
    loss: Decimal
    margin: Decimal
    """Initial margin of the full ladders, USDT."""
    figures: Figures
    demand: Demand
    """What the guard would say there."""


class Check(NamedTuple):
    """`violations` make the config unfit; `notes` are worth knowing."""

    bots: tuple[BotRisk, ...]
    scenarios: tuple[Scenario, ...]
    violations: tuple[str, ...]
    notes: tuple[str, ...]


def check_account(bots: Iterable[BotRisk], guard: GuardConfig, balance: Decimal) -> Check:
    """Judge the bots of one account of `balance` USDT together."""
    bots = tuple(bots)
    scenarios = tuple(
        _scenario(name, bots, leg, guard, balance)
        for name, leg in (("all markets fall", Leg.LONG), ("all markets rise", Leg.SHORT))
        if any(risk.leg is leg for bot in bots for risk in bot.legs)
    )
    violations: list[str] = []
    notes: list[str] = []
    for bot in bots:
        violations += _rules_broken(bot)
        notes += _notes(bot)
    for scenario in scenarios:
        violations += _not_carried(scenario, guard, balance)
        demand = scenario.demand
        if demand.stage is not RiskStage.NORMAL:
            notes.append(f"{scenario.name}: the guard would be at {demand.stage.name}: {demand.cause}")
    return Check(bots, scenarios, tuple(violations), tuple(notes))


def _scenario(name: str, bots: tuple[BotRisk, ...], leg: Leg, guard: GuardConfig, balance: Decimal) -> Scenario:
    held: dict[LegKey, HeldLeg] = {}
    marks: dict[str, Decimal] = {}
    rules: dict[str, Instrument] = {}
    loss = margin = fees = ZERO
    for bot in bots:
        for risk in (risk for risk in bot.legs if risk.leg is leg):
            last, config = risk.levels[-1].row, bot.plan.config
            held[(bot.plan.symbol, leg)] = HeldLeg(last.cum_qty, last.average_px, config.leverage, ZERO)
            marks[bot.plan.symbol], rules[bot.plan.symbol] = risk.bound_px, bot.rules
            loss, margin = loss + risk.loss, margin + risk.levels[-1].margin
            fees += last.cum_value * config.taker_fee
    figures = figures_at(balance - fees, held, marks, rules, guard.taker_fee)
    return Scenario(name, loss, margin, figures, strictest(demands(guard, figures, Losses(loss, loss))))


def _rules_broken(bot: BotRisk) -> list[str]:
    rules, config, symbol = bot.rules, bot.plan.config, bot.plan.symbol
    found = []
    if not rules.min_leverage <= config.leverage <= rules.max_leverage:
        bounds = f"{plain(rules.min_leverage)}…{plain(rules.max_leverage)}"
        found.append(f"{symbol}: leverage {plain(config.leverage)} is outside the venue's {bounds}")
    elif config.leverage % rules.leverage_step:
        found.append(f"{symbol}: leverage {plain(config.leverage)} is not on step {plain(rules.leverage_step)}")
    for risk in bot.legs:
        most = tier_of(rules.tiers, risk.value).max_leverage
        if config.leverage > most:
            found.append(
                f"{symbol} {risk.leg.word}: a full ladder of {_usdt(risk.value)} USDT falls into a risk tier"
                f" of at most {plain(most)}x, leverage is {plain(config.leverage)}"
            )
        found += [
            f"{symbol} {risk.leg.word} level {level.row.level}: no room between entry and take-profit at this tick size"
            for level in risk.levels
            if (level.row.take_profit_px - level.row.break_even_px) * risk.leg.sign <= 0
        ]
    return found


def _notes(bot: BotRisk) -> list[str]:
    found = []
    if not bot.rules.risk_tiers:
        found.append(
            f"{bot.plan.symbol}: its risk tiers are not known, so its lowest one is counted with for any size; name the"
            " venue, --instruments https://api.bybit.com, to have them"
        )
    if not bot.legs:
        found.append(f"{bot.plan.symbol}: strategy {type(bot.plan.strategy).__name__} names no ladder to check")
    wanted = getattr(bot.plan.config, "max_levels", None)
    for risk in bot.legs:
        name = f"{bot.plan.symbol} {risk.leg.word}"
        if wanted is not None and len(risk.levels) < wanted:
            found.append(f"{name}: caps and price bounds leave {len(risk.levels)} of {wanted} levels")
        found += _sizes(name, risk, bot.rules)
    return found


def _sizes(name: str, risk: LegRisk, rules: Instrument) -> list[str]:
    found = []
    for level in risk.levels:
        if level.row.qty == rules.smallest_qty(level.row.price):
            found.append(f"{name} level {level.row.level}: the venue's smallest order, {plain(level.row.qty)}")
        if level.row.qty == rules.max_market_qty:
            found.append(f"{name} level {level.row.level}: cut to the venue's largest order, {plain(level.row.qty)}")
    return found


def _not_carried(scenario: Scenario, guard: GuardConfig, balance: Decimal) -> list[str]:
    """Full ladders must fit into the account with its buffer, and must not end in liquidation."""
    figures, found = scenario.figures, []
    equity, mm_rate = figures.equity or ZERO, figures.mm_rate or ZERO
    if mm_rate >= 1:
        found.append(
            f"{scenario.name}: the account of {_usdt(balance)} USDT is liquidated before all ladders are full"
            f" (equity {_usdt(equity)}, maintenance margin rate {rate_words(figures)})"
        )
        return found
    buffer = equity * guard.balance_buffer_pct / HUNDRED
    if figures.free is not None and figures.free < buffer:
        found.append(
            f"{scenario.name}: full ladders need {_usdt(scenario.margin)} USDT of initial margin and lose"
            f" {_usdt(scenario.loss)}; of equity {_usdt(equity)} USDT {_usdt(figures.free)} stay free, less than the"
            f" balance buffer of {_usdt(buffer)} ({plain(guard.balance_buffer_pct)} %)"
        )
    cap = guard.max_open_notional_usdt
    if cap is not None and figures.held_notional > cap:
        found.append(
            f"{scenario.name}: full ladders are worth {_usdt(figures.held_notional)} USDT,"
            f" more than max_open_notional_usdt {plain(cap)}"
        )
    return found


def rate_words(figures: Figures) -> str:
    """The maintenance margin rate in percent; with nothing left to set it against there is none."""
    if figures.equity is not None and figures.equity <= 0:
        return "beyond measure: liquidated"
    return f"{_usdt((figures.mm_rate or ZERO) * HUNDRED)} %"


def _usdt(value: Decimal) -> str:
    return plain(value.quantize(_CENT))
