"""Figures as people read them on a terminal: grouped digits, no exponent. Input: decimal strings, or None."""

from decimal import ROUND_HALF_EVEN, Decimal

NONE = "-"
_CENT = Decimal("0.01")
_FINE = Decimal("0.0001")


def money(text: str | None) -> str:
    """Two decimals."""
    return NONE if text is None else f"{_rounded(Decimal(text), _CENT):,f}"


def result(text: str | None) -> str:
    """With its sign; below 1 with four decimals, so that a fee of a fraction of a cent is not shown as nothing."""
    if text is None:
        return NONE
    value = Decimal(text)
    shown = _rounded(value, _FINE if abs(value) < 1 else _CENT)
    return f"{shown:+,f}" if shown else "0.00"


def percent(ratio: str | None) -> str:
    """A ratio in percent."""
    return NONE if ratio is None else f"{_rounded(Decimal(ratio) * 100, _CENT):,f} %"


def price(text: str | None, tick: str | None) -> str:
    """Rounded to the price step where that is known."""
    if text is None:
        return NONE
    value = Decimal(text)
    if tick is not None:
        value = _rounded(value, Decimal(tick))
    return f"{value:,f}"


def age(ms: int | None) -> str:
    """Seconds, minutes or hours."""
    if ms is None:
        return NONE
    seconds = max(ms, 0) // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    """To the decimals of the step; never a negative zero."""
    return value.quantize(step.normalize() if step < 1 else Decimal(1), rounding=ROUND_HALF_EVEN) + 0
