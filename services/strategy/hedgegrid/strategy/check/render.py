"""A check as a table for people and as JSON."""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.money import plain
from hedgegrid.strategy.check.account import Check, Scenario, rate_words
from hedgegrid.strategy.check.ladders import BotRisk, LegRisk, LevelRisk

HEADER = (
    "level", "distance %", "price", "qty", "cum qty", "average", "take-profit", "break-even %", "margin", "mm rate %",
    "liquidation",
)  # fmt: skip
_CENT = Decimal("0.01")


def as_text(account: str, check: Check, balance: Decimal) -> str:
    """Everything, as lines of at most some 120 characters."""
    lines = [f"account {account}, {plain(balance)} USDT"]
    for bot in check.bots:
        for leg in bot.legs:
            lines += ["", *_leg_lines(bot, leg)]
    for scenario in check.scenarios:
        lines += ["", _scenario_line(scenario)]
    lines += ["", *(f"note: {note}" for note in check.notes)]
    lines += [f"VIOLATION: {text}" for text in check.violations] or ["no rule is violated"]
    return "\n".join(lines) + "\n"


def as_json(account: str, check: Check, balance: Decimal) -> dict[str, Any]:
    """The same; numbers as text, exact."""
    return {
        "account": account,
        "balance_usdt": plain(balance),
        "bots": [
            {
                "symbol": bot.plan.symbol,
                "price": plain(bot.price),
                "legs": [_leg_json(leg) for leg in bot.legs],
            }
            for bot in check.bots
        ],
        "scenarios": [_scenario_json(scenario) for scenario in check.scenarios],
        "violations": list(check.violations),
        "notes": list(check.notes),
    }


def _leg_lines(bot: BotRisk, leg: LegRisk) -> list[str]:
    rows = [HEADER, *(_cells(bot, level) for level in leg.levels)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    table = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    title = f"{bot.plan.symbol} {leg.leg.word} from {plain(bot.price)}, leverage {plain(bot.plan.config.leverage)}"
    return [title, *table, f"worst case at {plain(leg.bound_px)}: loses {_cents(leg.loss)} USDT, fees included"]


def _cells(bot: BotRisk, level: LevelRisk) -> tuple[str, ...]:
    row, tick = level.row, bot.rules.tick_size
    return (
        str(row.level),
        _cents(row.distance_pct),
        plain(row.price),
        plain(row.qty),
        plain(row.cum_qty),
        plain(row.average_px.quantize(tick)),
        plain(row.take_profit_px),
        plain(level.fee_break_even_pct.quantize(Decimal("0.001"))),
        _cents(level.margin),
        plain(level.mm_rate_pct),
        "none" if level.liquidation_px is None else plain(level.liquidation_px),
    )


def _scenario_line(scenario: Scenario) -> str:
    figures = scenario.figures
    equity = figures.equity or Decimal(0)
    return (
        f"{scenario.name}, all ladders against it full: {_cents(figures.held_notional)} USDT held, loss"
        f" {_cents(scenario.loss)}, equity {_cents(equity)}, margin {_cents(scenario.margin)},"
        f" maintenance rate {rate_words(figures)}, guard {scenario.demand.stage.name}"
    )


def _leg_json(leg: LegRisk) -> dict[str, Any]:
    return {
        "leg": leg.leg.word,
        "bound_px": plain(leg.bound_px),
        "worst_loss_usdt": plain(leg.loss),
        "levels": [
            {
                **{
                    name: plain(value) if isinstance(value, Decimal) else value
                    for name, value in level.row._asdict().items()
                },
                "margin_usdt": plain(level.margin),
                "mm_rate_pct": plain(level.mm_rate_pct),
                "liquidation_px": None if level.liquidation_px is None else plain(level.liquidation_px),
                "fee_break_even_pct": plain(level.fee_break_even_pct),
            }
            for level in leg.levels
        ],
    }


def _scenario_json(scenario: Scenario) -> dict[str, Any]:
    figures = scenario.figures
    return {
        "name": scenario.name,
        "loss_usdt": plain(scenario.loss),
        "margin_usdt": plain(scenario.margin),
        "held_notional_usdt": plain(figures.held_notional),
        "equity_usdt": None if figures.equity is None else plain(figures.equity),
        "mm_rate": None if figures.mm_rate is None else plain(figures.mm_rate),
        "guard_stage": scenario.demand.stage.name,
        "guard_cause": scenario.demand.cause,
    }


def _cents(value: Decimal) -> str:
    return plain(value.quantize(_CENT))
