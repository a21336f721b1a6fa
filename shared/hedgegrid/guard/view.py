"""What the guard sees of an account at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg

LegKey = tuple[str, Leg]


class HeldLeg(NamedTuple):
    """A leg by the venue's word; `cum_realised` is its all-time net result in USDT. `qty` may be zero."""

    qty: Decimal
    entry_px: Decimal
    leverage: Decimal
    cum_realised: Decimal


class OpeningOrder(NamedTuple):
    """An order that may yet enlarge a leg: resting, or sent with its outcome unknown. `price` None = market."""

    symbol: str
    leg: Leg
    qty: Decimal
    price: Decimal | None


class Mark(NamedTuple):
    """Mark price, and our clock when it was received."""

    px: Decimal
    at_ms: int


class Wallet(NamedTuple):
    """Balance without unrealised results, USDT; the venue's own rates, fractions, and our clock when it said so."""

    balance: Decimal
    im_rate: Decimal | None
    mm_rate: Decimal | None
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """`unsure_since_ms`: since when positions or orders may be other than these; None = they are known."""

    legs: Mapping[LegKey, HeldLeg]
    orders: tuple[OpeningOrder, ...]
    wallet: Wallet | None
    instruments: Mapping[str, Instrument]
    leverages: Mapping[str, Decimal]
    """By symbol: what holds where the venue has not named a leverage yet."""
    unsure_since_ms: int | None
    started_ms: int
    """When this view began; what was never heard of is that old."""
