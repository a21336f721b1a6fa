"""What every strategy's configuration has: the keys that the shared parts of the core obey."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgegrid.domain.order import Leg
from hedgegrid.domain.trading_state import TradingState

HUNDRED = Decimal(100)


class Legs(StrEnum):
    BOTH = "both"
    LONG = "long"
    SHORT = "short"

    @property
    def chosen(self) -> tuple[Leg, ...]:
        return {Legs.BOTH: (Leg.LONG, Leg.SHORT), Legs.LONG: (Leg.LONG,), Legs.SHORT: (Leg.SHORT,)}[self]


class CommonConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a strategy's config. Percentages are percent, not fractions; USDT is the quote coin."""

    leverage: Decimal
    """Factor, 1…200; the venue's bounds per symbol apply."""
    legs: Legs = Legs.BOTH
    """both | long | short: which legs open cycles; a leg left out still finishes what it holds. Default both."""
    trading_state: TradingState = TradingState.ACTIVE
    """State a new bot begins in, and a running one moves to when this value is changed. Default ACTIVE."""
    maker_fee_pct: Decimal = Decimal("0.02")
    """What the account pays on a resting fill, percent of notional, −0.1…1. Default 0.02."""
    taker_fee_pct: Decimal = Decimal("0.055")
    """What the account pays on an immediate fill, percent of notional, 0…1. Default 0.055."""
    max_leg_notional_usdt: Decimal | None = None
    """Most that one leg may cost with every open order filled, USDT, > 0; absent = no cap. An order at market counts
    with the venue's price band (2 % at most symbols) on top, since the market may move before it is filled."""
    max_bot_notional_usdt: Decimal | None = None
    """The same for both legs together, USDT, > 0; absent = no cap."""

    def __post_init__(self) -> None:
        require("leverage", self.leverage, 1, 200)
        require("maker_fee_pct", self.maker_fee_pct, Decimal("-0.1"), 1)
        require("taker_fee_pct", self.taker_fee_pct, 0, 1)
        require_optional("max_leg_notional_usdt", self.max_leg_notional_usdt, None, 10**9)
        require_optional("max_bot_notional_usdt", self.max_bot_notional_usdt, None, 10**9)

    @property
    def maker_fee(self) -> Decimal:
        """Maker fee rate as a fraction."""
        return self.maker_fee_pct / HUNDRED

    @property
    def taker_fee(self) -> Decimal:
        """Taker fee rate as a fraction."""
        return self.taker_fee_pct / HUNDRED


def require(name: str, value: Decimal | int, least: Decimal | int | None, most: Decimal | int) -> None:
    """Refuse a value outside `least`…`most`; `least` None means: above zero.

    Raises:
        ValueError: names the field, the value and the range.
    """
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"{name}: {value} is not a number")
    if (value <= 0) if least is None else (value < least):
        bound = "above 0" if least is None else f"at least {least}"
        raise ValueError(f"{name}: {value} must be {bound} (and at most {most})")
    if value > most:
        raise ValueError(f"{name}: {value} must be at most {most}")


def require_optional(name: str, value: Decimal | int | None, least: Decimal | int | None, most: Decimal | int) -> None:
    """The same for a field that may be left out."""
    if value is not None:
        require(name, value, least, most)
