"""Margin arithmetic of a unified account in cross margin, and the stages of its risk.

Formulas checked against captured `position` and `wallet` rows: with L the leverage and f the taker fee,
position IM = mark value / L + fee to close at the bankruptcy price, position MM = mark value × rate − deduction + the
same fee, order IM = value / L + opening fee + fee to close; bankruptcy value = entry value × (1 ∓ 1/L).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg

_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTier:
    """One row of the venue's risk-limit table (Bybit `GET /v5/market/risk-limit`), lowest first.

    Applies to position values up to `limit_value` USDT. Rates are fractions; `mm_deduction` USDT makes the margin
    continuous where tiers meet.
    """

    limit_value: Decimal
    im_rate: Decimal
    mm_rate: Decimal
    mm_deduction: Decimal
    max_leverage: Decimal


def only_tier(max_leverage: Decimal) -> RiskTier:
    """What holds where no table is known: the lowest tier of every captured symbol, half of 1 / max leverage."""
    return RiskTier(
        limit_value=Decimal("Infinity"),
        im_rate=1 / max_leverage,
        mm_rate=_HALF / max_leverage,
        mm_deduction=ZERO,
        max_leverage=max_leverage,
    )


def tier_of(tiers: Sequence[RiskTier], value: Decimal) -> RiskTier:
    """Tier of a position worth `value`; beyond the last limit the last tier holds."""
    return next((tier for tier in tiers if value <= tier.limit_value), tiers[-1])


def fee_to_close(entry_value: Decimal, leg: Leg, leverage: Decimal, taker_fee: Decimal) -> Decimal:
    """Fee of closing a position at its bankruptcy price."""
    return (entry_value - leg.sign * entry_value / leverage) * taker_fee


def order_initial_margin(value: Decimal, leg: Leg, leverage: Decimal, taker_fee: Decimal) -> Decimal:
    """Margin held for an order that would enlarge `leg` by `value`."""
    return value / leverage + value * taker_fee + fee_to_close(value, leg, leverage, taker_fee)


def position_initial_margin(
    mark_value: Decimal, entry_value: Decimal, leg: Leg, leverage: Decimal, taker_fee: Decimal
) -> Decimal:
    return mark_value / leverage + fee_to_close(entry_value, leg, leverage, taker_fee)


def maintenance_margin(
    tiers: Sequence[RiskTier],
    mark_value: Decimal,
    entry_value: Decimal,
    leg: Leg,
    leverage: Decimal,
    taker_fee: Decimal,
) -> Decimal:
    """The account is liquidated when its margin balance falls to the sum of these."""
    tier = tier_of(tiers, mark_value)
    own = mark_value * tier.mm_rate - tier.mm_deduction
    return own + fee_to_close(entry_value, leg, leverage, taker_fee)


class RiskStage(IntEnum):
    """What the account guard allows, from free to strictest; each stage contains the ones before it."""

    NORMAL = 0
    WARN = 1
    """Nothing changes but the alert."""
    NO_NEW_CYCLES = 2
    NO_AVERAGING = 3
    """Take-profits keep working."""
    REDUCE = 4
    """Every leg is cut to a part of itself at market, round by round."""
    FLATTEN = 5
    """Cancel all, close all at market."""
