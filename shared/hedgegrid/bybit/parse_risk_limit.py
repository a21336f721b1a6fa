"""The venue's risk-limit table → risk tiers."""

from collections.abc import Iterable
from decimal import Decimal

from hedgegrid.bybit.parse_fields import ParseError, decimal, decimal_or_none
from hedgegrid.bybit.parse_rows import RiskLimitRow
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.risk import RiskTier

_PERCENT_FROM = Decimal(10)
"""Initial margin × maximum leverage is about 1 where rates are fractions and about 100 where they are percent."""


def risk_tiers(rows: Iterable[RiskLimitRow]) -> tuple[RiskTier, ...]:
    """Tiers by rising limit. A missing deduction is the one that makes the margin continuous where tiers meet.

    Raises:
        ParseError: no row, a field is missing or no number, or limits and rates do not rise together.
    """
    ordered = sorted(rows, key=lambda row: decimal("riskLimitValue", row.risk_limit_value))
    if not ordered:
        raise ParseError("list", (), "no tier, but at least one is needed")
    tiers: list[RiskTier] = []
    for row in ordered:
        tiers.append(_tier(row, tiers[-1] if tiers else None))
    return tuple(tiers)


def _tier(row: RiskLimitRow, before: RiskTier | None) -> RiskTier:
    limit = decimal("riskLimitValue", row.risk_limit_value)
    leverage = _positive("maxLeverage", decimal("maxLeverage", row.max_leverage))
    initial = _positive("initialMargin", decimal("initialMargin", row.initial_margin))
    maintenance = _positive("maintenanceMargin", decimal("maintenanceMargin", row.maintenance_margin))
    unit = 100 if initial * leverage > _PERCENT_FROM else 1
    mm_rate = maintenance / unit
    if before is not None and (limit <= before.limit_value or mm_rate < before.mm_rate):
        raise ParseError("riskLimitValue", row.risk_limit_value, "limits and margin rates must rise from tier to tier")
    deduction = decimal_or_none("mmDeduction", row.mm_deduction)
    if deduction is None:
        deduction = ZERO
        if before is not None:
            deduction = before.mm_deduction + before.limit_value * (mm_rate - before.mm_rate)
    return RiskTier(
        limit_value=limit, im_rate=initial / unit, mm_rate=mm_rate, mm_deduction=deduction, max_leverage=leverage
    )


def _positive(field: str, value: Decimal) -> Decimal:
    if value <= 0:
        raise ParseError(field, value, "must be above zero")
    return value
