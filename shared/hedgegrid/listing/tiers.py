"""Risk tiers from rows of Bybit's `GET /v5/market/risk-limit`."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from hedgegrid.domain.risk import RiskTier

_PERCENT_FROM = Decimal(10)


def tiers_of(rows: Iterable[Mapping[str, Any]]) -> tuple[RiskTier, ...]:
    """Tiers by rising limit.

    Raises:
        KeyError, TypeError, decimal.InvalidOperation: a row lacks a figure, or one is no number.
    """
    return tuple(sorted((tier_of_row(row) for row in rows), key=lambda tier: tier.limit_value))


def tier_of_row(row: Mapping[str, Any]) -> RiskTier:
    """Tier of a REST row. Its rates are fractions, or per cent as in an older example of the documentation: initial
    margin × maximum leverage, which is 1 or 100, tells which.
    """
    im_rate, mm_rate = Decimal(row["initialMargin"]), Decimal(row["maintenanceMargin"])
    max_leverage = Decimal(row["maxLeverage"])
    unit = 100 if im_rate * max_leverage > _PERCENT_FROM else 1
    return RiskTier(
        limit_value=Decimal(row["riskLimitValue"]),
        im_rate=im_rate / unit,
        mm_rate=mm_rate / unit,
        mm_deduction=Decimal(row.get("mmDeduction") or 0),
        max_leverage=max_leverage,
    )
