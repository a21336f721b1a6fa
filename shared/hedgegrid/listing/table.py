"""The table inside the package: rules of some symbols, and prices to begin with where nothing else names one."""

from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from typing import Any

import msgspec


def table_rows() -> dict[str, dict[str, Any]]:
    """REST rows by symbol, in the shape of the documentation's linear example, with what all its symbols share."""
    return {entry["symbol"]: _row(entry) for entry in _entries()}


def start_prices() -> dict[str, Decimal]:
    """Rough prices by symbol, in the quote coin."""
    return {entry["symbol"]: Decimal(entry["start_price"]) for entry in _entries()}


def _entries() -> list[dict[str, Any]]:
    text = resources.files("hedgegrid.listing").joinpath("instruments.json").read_bytes()
    entries: list[dict[str, Any]] = msgspec.json.decode(text)
    return entries


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    symbol: str = entry["symbol"]
    return {
        "symbol": symbol,
        "symbolId": entry["id"],
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": symbol.removesuffix("USDT"),
        "quoteCoin": "USDT",
        "launchTime": entry["launch_ms"],
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": entry["price_scale"],
        "leverageFilter": {"minLeverage": "1", "maxLeverage": entry["max_leverage"], "leverageStep": "0.01"},
        "priceFilter": {
            "minPrice": entry["tick_size"],
            "maxPrice": entry["max_price"],
            "tickSize": entry["tick_size"],
        },
        "lotSizeFilter": {
            "maxOrderQty": entry["max_limit_qty"],
            "minOrderQty": entry["qty_step"],
            "qtyStep": entry["qty_step"],
            "postOnlyMaxOrderQty": entry["max_limit_qty"],
            "maxMktOrderQty": entry["max_market_qty"],
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": "USDT",
        "copyTrading": "both",
        "upperFundingRate": entry["funding_rate_cap"],
        "lowerFundingRate": f"-{entry['funding_rate_cap']}",
        "isPreListing": False,
        "preListingInfo": None,
        "riskParameters": {"priceLimitRatioX": entry["ratio_x"], "priceLimitRatioY": entry["ratio_y"]},
        "displayName": "",
        "symbolType": "",
        "forbidUplWithdrawal": False,
    }
