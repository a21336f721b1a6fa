"""Money arithmetic shared by the ledger and the simulated venue."""

from decimal import ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
MONEY_STEP = Decimal("0.00000001")
"""Bybit prints amounts with eight decimals."""


def to_money_step(amount: Decimal) -> Decimal:
    """Round an amount to eight decimals, half to even."""
    return amount.quantize(MONEY_STEP, rounding=ROUND_HALF_EVEN)


def plain(value: Decimal) -> str:
    """Digits without exponent or trailing zeros, as the venue expects numbers (`1E+2` → `100`)."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
