"""Accounts for tests of the guard, in a few words."""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg
from hedgegrid.domain.risk import RiskTier
from hedgegrid.guard.config import GuardConfig, Thresholds
from hedgegrid.guard.figures import Figures, measure
from hedgegrid.guard.view import AccountView, HeldLeg, LegKey, Mark, OpeningOrder, Wallet

D = Decimal
NOW_MS = 1_700_000_000_000
SYMBOL = "ABCUSDT"
FEE = D("0.00055")
TIERS = (
    RiskTier(limit_value=D(10_000), im_rate=D("0.01"), mm_rate=D("0.005"), mm_deduction=D(0), max_leverage=D(100)),
    RiskTier(limit_value=D(50_000), im_rate=D("0.02"), mm_rate=D("0.01"), mm_deduction=D(50), max_leverage=D(50)),
    RiskTier(limit_value=D(200_000), im_rate=D("0.04"), mm_rate=D("0.02"), mm_deduction=D(550), max_leverage=D(25)),
)
QUIET = Thresholds()
OFF = GuardConfig(
    mm_rate_pct=QUIET, liquidation_distance_pct=QUIET, daily_loss_pct=QUIET, drawdown_pct=QUIET,
    balance_buffer_pct=D(0), calm_ms=60_000,
)  # fmt: skip
"""Nothing demands anything but blindness."""


def instrument(symbol: str = SYMBOL, tiers: tuple[RiskTier, ...] = TIERS) -> Instrument:
    return Instrument(
        symbol=symbol, tick_size=D("0.01"), qty_step=D("0.01"), min_qty=D("0.01"), max_limit_qty=D(10**6),
        max_market_qty=D(10**6), min_notional=D(5), min_price=D("0.01"), max_price=D(10**6), min_leverage=D(1),
        max_leverage=D(100), leverage_step=D("0.01"), risk_tiers=tiers,
    )  # fmt: skip


def held(qty: str | Decimal, entry: str | Decimal = "100", cum: str = "0", leverage: str = "10") -> HeldLeg:
    return HeldLeg(D(qty), D(entry), D(leverage), D(cum))


def view(
    legs: dict[LegKey, HeldLeg] | None = None,
    balance: str | Decimal = "1000",
    orders: tuple[OpeningOrder, ...] = (),
    **changes: Any,
) -> AccountView:
    fields: dict[str, Any] = {
        "legs": legs or {},
        "orders": orders,
        "wallet": Wallet(D(balance), None, None, NOW_MS),
        "instruments": {SYMBOL: instrument()},
        "leverages": {SYMBOL: D(10)},
        "unsure_since_ms": None,
        "started_ms": NOW_MS,
    }
    return AccountView(**(fields | changes))


def figures(at: AccountView, mark: str | Decimal = "100", now_ms: int = NOW_MS, mark_ms: int | None = None) -> Figures:
    marks = {SYMBOL: Mark(D(mark), now_ms if mark_ms is None else mark_ms)}
    return measure(at, marks, FEE, now_ms)


LONG: LegKey = (SYMBOL, Leg.LONG)
SHORT: LegKey = (SYMBOL, Leg.SHORT)
