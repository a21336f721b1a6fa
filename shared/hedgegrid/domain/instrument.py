"""Trading rules of one symbol and the only place where prices and quantities are rounded."""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal

from hedgegrid.domain.risk import RiskTier, only_tier


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """Filters of a linear perpetual (Bybit `GET /v5/market/instruments-info`).

    Prices are in the quote coin, quantities in the base coin, `min_notional` in the quote coin,
    leverages are factors, `funding_interval_min` minutes.
    """

    symbol: str
    tick_size: Decimal
    qty_step: Decimal
    min_qty: Decimal
    max_limit_qty: Decimal
    max_market_qty: Decimal
    min_notional: Decimal
    min_price: Decimal
    max_price: Decimal
    min_leverage: Decimal
    max_leverage: Decimal
    leverage_step: Decimal
    funding_interval_min: int = 480
    price_limit_ratio_x: Decimal = Decimal("0.01")
    price_limit_ratio_y: Decimal = Decimal("0.02")
    risk_tiers: tuple[RiskTier, ...] = ()
    """Lowest first; empty where the venue's table was not asked for."""

    @property
    def tiers(self) -> tuple[RiskTier, ...]:
        """The risk-limit table, or the one tier that the largest leverage implies."""
        return self.risk_tiers or (only_tier(self.max_leverage),)

    def price_down(self, price: Decimal) -> Decimal:
        """Nearest valid price not above `price`."""
        return _to_step(price, self.tick_size, ROUND_FLOOR)

    def price_up(self, price: Decimal) -> Decimal:
        """Nearest valid price not below `price`."""
        return _to_step(price, self.tick_size, ROUND_CEILING)

    def qty_down(self, qty: Decimal) -> Decimal:
        """Largest valid lot not above `qty`; may be zero."""
        return _to_step(qty, self.qty_step, ROUND_DOWN)

    def smallest_qty(self, price: Decimal) -> Decimal:
        """Smallest lot that passes both the minimum quantity and the minimum notional at `price`."""
        by_notional = _to_step(self.min_notional / price, self.qty_step, ROUND_CEILING)
        return max(self.min_qty, by_notional)

    def is_on_tick(self, price: Decimal) -> bool:
        return price % self.tick_size == 0

    def is_on_step(self, qty: Decimal) -> bool:
        return qty % self.qty_step == 0


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    steps = (value / step).to_integral_value(rounding=rounding)
    return (steps * step).quantize(step)
