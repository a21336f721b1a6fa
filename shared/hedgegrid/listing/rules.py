"""Trading rules from a row of Bybit's `GET /v5/market/instruments-info`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hedgegrid.domain.instrument import Instrument


def rules_of(row: Mapping[str, Any]) -> Instrument:
    """Rules of a REST row (`leverageFilter`, `priceFilter`, `lotSizeFilter`, `riskParameters`).

    Raises:
        KeyError, TypeError, decimal.InvalidOperation: the row lacks a rule, or one is no number.
    """
    price, lot, leverage = row["priceFilter"], row["lotSizeFilter"], row["leverageFilter"]
    risk = row.get("riskParameters", {})
    return Instrument(
        symbol=row["symbol"],
        tick_size=Decimal(price["tickSize"]),
        qty_step=Decimal(lot["qtyStep"]),
        min_qty=Decimal(lot["minOrderQty"]),
        max_limit_qty=Decimal(lot["maxOrderQty"]),
        max_market_qty=Decimal(lot["maxMktOrderQty"]),
        min_notional=Decimal(lot["minNotionalValue"]),
        min_price=Decimal(price["minPrice"]),
        max_price=Decimal(price["maxPrice"]),
        min_leverage=Decimal(leverage["minLeverage"]),
        max_leverage=Decimal(leverage["maxLeverage"]),
        leverage_step=Decimal(leverage["leverageStep"]),
        funding_interval_min=int(row["fundingInterval"]),
        price_limit_ratio_x=Decimal(risk.get("priceLimitRatioX", "0.01")),
        price_limit_ratio_y=Decimal(risk.get("priceLimitRatioY", "0.02")),
    )
