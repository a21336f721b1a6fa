"""What a user sets for a grid between two prices."""

from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

from hedgegrid.strategy.core.common_config import HUNDRED, CommonConfig, require

MOST_CELLS = 50


class Spacing(StrEnum):
    ARITHMETIC = "arithmetic"
    """Lines the same amount apart."""
    GEOMETRIC = "geometric"
    """Lines the same percentage apart."""


class RangeGridConfig(CommonConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of one bot. Fields of the base apply too; `legs` both is a neutral grid: long below the price it begins at,
    short above."""

    lower_price: Decimal
    """Lowest line, quote coin, > 0."""
    upper_price: Decimal
    """Highest line, quote coin, > `lower_price`."""
    cells: int
    """Spaces between the lines, 2…50; each is bought at one line and sold at the other."""
    cell_margin_usdt: Decimal
    """Margin of one cell, USDT, > 0: its notional is this × leverage."""
    spacing: Spacing = Spacing.GEOMETRIC
    """arithmetic | geometric. Default geometric."""
    trailing: bool = False
    """The range follows a price that leaves it with profit, cell by cell, while nothing is held; not with legs both.
    Default false."""

    def __post_init__(self) -> None:
        CommonConfig.__post_init__(self)
        require("lower_price", self.lower_price, None, 10**9)
        require("upper_price", self.upper_price, None, 10**9)
        require("cells", self.cells, 2, MOST_CELLS)
        require("cell_margin_usdt", self.cell_margin_usdt, None, 10_000_000)
        if self.lower_price >= self.upper_price:
            raise ValueError(f"lower_price: {self.lower_price} must be below upper_price {self.upper_price}")
        if self.trailing and len(self.legs.chosen) > 1:
            raise ValueError("trailing: a neutral grid has no side to follow; set legs to long or short")
        self._require_profit()

    def line(self, number: int) -> Decimal:
        """Price of a line, not rounded; 0 is the lowest, `cells` the highest, others lie beyond the range."""
        return _line(self.spacing, self.lower_price, self.upper_price, self.cells, number)

    def _require_profit(self) -> None:
        """A cell must earn more than its two resting fills cost."""
        lowest, highest = self.line(self.cells - 1), self.line(self.cells)
        width_pct = (highest - lowest) / highest * HUNDRED
        if width_pct <= 2 * self.maker_fee_pct:
            raise ValueError(
                f"cells: {self.cells} make cells of {width_pct:.4f} %, not more than the fees of a round trip "
                f"({2 * self.maker_fee_pct} %); take fewer cells or a wider range"
            )


@lru_cache(maxsize=4096)
def _line(spacing: Spacing, lower: Decimal, upper: Decimal, cells: int, number: int) -> Decimal:
    if spacing is Spacing.ARITHMETIC:
        return lower + (upper - lower) * number / cells
    return lower * (upper / lower) ** (Decimal(number) / cells)
