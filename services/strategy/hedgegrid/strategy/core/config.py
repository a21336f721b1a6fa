"""What a user sets for a dual-sided grid."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgegrid.domain.order import Leg

_HUNDRED = Decimal(100)


class Legs(StrEnum):
    BOTH = "both"
    LONG = "long"
    SHORT = "short"

    @property
    def chosen(self) -> tuple[Leg, ...]:
        return {Legs.BOTH: (Leg.LONG, Leg.SHORT), Legs.LONG: (Leg.LONG,), Legs.SHORT: (Leg.SHORT,)}[self]


class DualGridConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of one bot; the defaults are the shipped, cautious ones."""

    leverage: Decimal
    """Factor, 1…200; the venue's bounds per symbol apply."""
    initial_margin_usdt: Decimal
    """Margin of a leg's first entry, USDT, > 0: its notional is this × leverage."""
    grid_step_pct: Decimal = Decimal(1)
    """Adverse move from the leg's last fill to the next level, percent, > 0 and < 100."""
    size_multiplier: Decimal = Decimal("1.5")
    """Each averaging order in terms of the one before it, 1…10."""
    max_levels: int = 5
    """Entries of a leg, the first included, 1…50."""
    take_profit_pct: Decimal = Decimal(1)
    """Take-profit above (short: below) the average entry, percent net of fees, > 0 and < 100."""
    legs: Legs = Legs.BOTH
    """Which legs open cycles; a leg left out still finishes what it holds."""
    maker_fee_pct: Decimal = Decimal("0.02")
    """What the account pays on a resting fill, percent of notional, −0.1…1; the take-profit earns it back."""

    def __post_init__(self) -> None:
        _require("leverage", self.leverage, 1, 200)
        _require("initial_margin_usdt", self.initial_margin_usdt, None, 10_000_000)
        _require("grid_step_pct", self.grid_step_pct, None, Decimal("99.99"))
        _require("size_multiplier", self.size_multiplier, 1, 10)
        _require("max_levels", self.max_levels, 1, 50)
        _require("take_profit_pct", self.take_profit_pct, None, Decimal("99.99"))
        _require("maker_fee_pct", self.maker_fee_pct, Decimal("-0.1"), 1)

    @property
    def step(self) -> Decimal:
        """Grid step as a fraction."""
        return self.grid_step_pct / _HUNDRED

    @property
    def take_profit(self) -> Decimal:
        """Take-profit distance as a fraction."""
        return self.take_profit_pct / _HUNDRED

    @property
    def maker_fee(self) -> Decimal:
        """Maker fee rate as a fraction."""
        return self.maker_fee_pct / _HUNDRED


def _require(name: str, value: Decimal | int, least: Decimal | int | None, most: Decimal | int) -> None:
    """Refuse a value outside `least`…`most`; `least` None means: above zero."""
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError(f"{name}: {value} is not a number")
    if (value <= 0) if least is None else (value < least):
        bound = "above 0" if least is None else f"at least {least}"
        raise ValueError(f"{name}: {value} must be {bound} (and at most {most})")
    if value > most:
        raise ValueError(f"{name}: {value} must be at most {most}")
