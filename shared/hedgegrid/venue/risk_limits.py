"""The model of a symbol's risk-limit table, for symbols whose recorded table is not known.

No recorded table of a USDT perpetual exists here. The model keeps what captured `position` rows show of the lowest
tier (`riskLimitValue` 2,000,000 USDT for a symbol of 100×, 200,000 to 250,000 at 66.67 to 75×; MM rate 0.5 / max
leverage to four decimals: 0.4 % at 125×, 0.75 % at 66.67×) and Bybit's formula of the deduction
(announcement-info/margin-parameters: limit of tier n−1 × rise of the rate + deduction of tier n−1). There are ten tiers
of equal width; each asks half of the lowest rate more than the one below.
"""

from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.risk import RiskTier

TIERS = 10
_IDS_PER_SYMBOL = 1000
_LOWEST_LIMITS = ((Decimal(100), Decimal(2_000_000)), (Decimal(50), Decimal(200_000)), (ZERO, Decimal(50_000)))
"""Lowest limit in USDT by the least maximum leverage of a symbol."""
_RATE_STEP = Decimal("0.0001")
_LEVERAGE_STEP = Decimal("0.01")
_HALF = Decimal("0.5")


class RiskLimit(NamedTuple):
    """A row of `GET /v5/market/risk-limit`: Bybit's `id` (unique among all symbols), and the tier."""

    risk_id: int
    symbol: str
    tier: RiskTier
    is_lowest: bool


def modelled_tiers(max_leverage: Decimal) -> tuple[RiskTier, ...]:
    """Table of a symbol that allows `max_leverage` in its lowest tier."""
    width = next(limit for least, limit in _LOWEST_LIMITS if max_leverage >= least)
    tiers: list[RiskTier] = []
    deduction = last_rate = ZERO
    for n in range(TIERS):
        factor = 1 + n * _HALF
        leverage = max((max_leverage / factor).quantize(_LEVERAGE_STEP, rounding=ROUND_DOWN), Decimal(1))
        mm_rate = min(_HALF, _HALF * factor / max_leverage).quantize(_RATE_STEP, rounding=ROUND_HALF_UP)
        deduction += n * width * (mm_rate - last_rate)
        last_rate = mm_rate
        tiers.append(
            RiskTier(
                limit_value=(n + 1) * width,
                im_rate=(1 / leverage).quantize(_RATE_STEP, rounding=ROUND_HALF_UP),
                mm_rate=mm_rate,
                mm_deduction=deduction,
                max_leverage=leverage,
            )
        )
    return tuple(tiers)


def with_tiers(rules: Instrument) -> Instrument:
    """The instrument with its own table, or with the modelled one where it has none."""
    return rules if rules.risk_tiers else replace(rules, risk_tiers=modelled_tiers(rules.max_leverage))


def risk_limits(rules: Instrument, number: int) -> list[RiskLimit]:
    """Rows of a symbol, lowest first; `number` is its place among the venue's symbols, from 0."""
    return [_row(rules, number, n) for n in range(len(rules.tiers))]


def current_limit(rules: Instrument, number: int, value: Decimal) -> RiskLimit:
    """Row that a position worth `value` falls into; beyond the last limit the last row holds."""
    tiers = rules.tiers
    return _row(rules, number, next((n for n, tier in enumerate(tiers) if value <= tier.limit_value), len(tiers) - 1))


def _row(rules: Instrument, number: int, n: int) -> RiskLimit:
    return RiskLimit(number * _IDS_PER_SYMBOL + n + 1, rules.symbol, rules.tiers[n], n == 0)
