"""What came out of a backtest, and whether the ledger agrees with the venue."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from hedgegrid.domain.money import ZERO, plain
from hedgegrid.domain.order import ExecType, Leg, Purpose
from hedgegrid.messages.events import RiskStageChanged
from hedgegrid.messages.ledger import CycleClosed, DifferenceFound, FillBooked, FundingBooked, LedgerMessage
from hedgegrid.strategy.backtest.replay import Course
from hedgegrid.strategy.backtest.runner import AccountRun

Row = dict[str, Any]


class LegResult(NamedTuple):
    """Sums of a leg's ledger, USDT; `venue` is the venue's own all-time result of the leg."""

    symbol: str
    leg: str
    cycles: int
    fills: int
    gross: Decimal
    fees: Decimal
    funding: Decimal
    venue: Decimal
    liquidations: int
    closed_by_guard: int
    largest_cost: Decimal
    cost_cap: Decimal | None
    differences: int

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees - self.funding

    @property
    def agrees(self) -> bool:
        return self.net == self.venue and not self.differences

    @property
    def within_cap(self) -> bool:
        return self.cost_cap is None or self.largest_cost <= self.cost_cap


def leg_results(run: AccountRun, account: str) -> list[LegResult]:
    results = []
    for symbol, bot in run.bots.items():
        for leg in Leg:
            venue = run.venue.position(account, symbol, leg.value).cum_realised_pnl
            results.append(_leg_result(symbol, leg, bot.ledger, venue, bot.plan.config.max_leg_notional_usdt))
    return results


def as_json(run: AccountRun, course: Course, legs: list[LegResult], deposit: Decimal, account: str) -> Row:
    """The report's figures; numbers as text, exact."""
    wallet = run.venue.wallet(account)
    return {
        "agrees": all(leg.agrees for leg in legs)
        and wallet.wallet_balance - deposit == sum((g.net for g in legs), ZERO),
        "caps_kept": all(leg.within_cap for leg in legs),
        "liquidated": any(leg.liquidations for leg in legs),
        "deposit_usdt": plain(deposit),
        "balance_usdt": plain(wallet.wallet_balance),
        "equity_usdt": plain(wallet.equity),
        "lowest_equity_usdt": _text(course.lowest_equity),
        "highest_mm_rate": plain(course.highest_mm_rate),
        "nearest_liquidation": _text(course.nearest_liquidation),
        "highest_held_notional_usdt": plain(course.highest_held),
        "highest_worst_notional_usdt": plain(course.highest_worst),
        "bars": course.bars,
        "bars_skipped": course.skipped,
        "moments_judged": course.moments,
        "commands": sum(bot.commands for bot in run.bots.values()),
        "denied": dict(run.desk.denied),
        "stages": [_stage(event) for event in run.desk.stages],
        "legs": [_leg(leg) for leg in legs],
    }


def _leg_result(
    symbol: str, leg: Leg, ledger: Iterable[LedgerMessage], venue: Decimal, cap: Decimal | None
) -> LegResult:
    gross = fees = funding = held = cost = largest = ZERO
    cycles = fills = liquidations = by_guard = differences = 0
    for row in ledger:
        match row:
            case FillBooked() if row.leg is leg:
                fills += 1
                gross, fees = gross + row.gross, fees + row.fee
                liquidations += row.exec_type is ExecType.BUST_TRADE
                by_guard += row.purpose in (Purpose.REDUCE, Purpose.CLOSE)
                if row.purpose in (Purpose.ENTRY, Purpose.AVERAGING):
                    held, cost = held + row.qty, cost + row.qty * row.px
                    largest = max(largest, cost)
                elif held:
                    left = max(held - row.qty, ZERO)
                    held, cost = left, cost * left / held
            case FundingBooked() if row.leg is leg:
                funding += row.amount
            case CycleClosed() if row.leg is leg:
                cycles += 1
            case DifferenceFound() if row.leg is leg:
                differences += 1
            case _:
                pass
    return LegResult(
        symbol, leg.word, cycles, fills, gross, fees, funding, venue, liquidations, by_guard, largest, cap, differences
    )


def _leg(result: LegResult) -> Row:
    row: Row = {"net": plain(result.net), "agrees": result.agrees, "within_cap": result.within_cap}
    for name, value in result._asdict().items():
        row[name] = plain(value) if isinstance(value, Decimal) else value
    return row


def _stage(event: RiskStageChanged) -> Row:
    return {
        "at_ms": event.ts_event,
        "stage": event.stage.name,
        "round": event.round,
        "cause": event.cause,
        "equity": _text(event.equity),
        "mm_rate": _text(event.mm_rate),
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
