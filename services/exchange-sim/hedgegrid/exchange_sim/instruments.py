"""Trading rules of the symbols: a body of `GET /v5/market/instruments-info`, or the table inside the package."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.exchange_sim.errors import StartError

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol: the REST row as clients see it and the rules as the venue uses them."""

    row: Row
    rules: Instrument
    start_price: Decimal | None
    """Where a synthetic market begins, in the quote coin; None when nothing names one."""

    @property
    def synthetic_price(self) -> Decimal:
        """The named start price, else one at which a tick is a basis point and the smallest lot costs little."""
        return self.start_price or min(self.rules.tick_size * 10_000, self.rules.max_price / 2)


def load_listings(path: Path | None) -> dict[str, Listing]:
    """Listings by symbol, from a JSON body (`result.list`) or, without a path, the built-in table.

    Raises:
        StartError: unreadable, or a row lacks a rule.
    """
    if path is None:
        return {row["symbol"]: _built_in(row) for row in _built_in_table()}
    prices = {row["symbol"]: Decimal(row["start_price"]) for row in _built_in_table()}
    try:
        raw = path.read_bytes()
        body = msgspec.json.decode(gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw)
        rows = body["result"]["list"]
        return {row["symbol"]: Listing(row, rules_of(row), prices.get(row["symbol"])) for row in rows}
    except (OSError, EOFError) as error:
        raise StartError(f"--instruments {path}: {error}") from error
    except (msgspec.MsgspecError, KeyError, TypeError, InvalidOperation) as error:
        raise StartError(f"--instruments {path}: not a body of instruments-info ({error!r})") from error


def listing_of(row: Row) -> Listing:
    """Listing of a REST row, without a named start price."""
    return Listing(row, rules_of(row), None)


def rules_of(row: Mapping[str, Any]) -> Instrument:
    """Rules of a REST row (`leverageFilter`, `priceFilter`, `lotSizeFilter`, `riskParameters`)."""
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


def _built_in_table() -> list[dict[str, Any]]:
    text = resources.files("hedgegrid.exchange_sim").joinpath("data/instruments.json").read_bytes()
    table: list[dict[str, Any]] = msgspec.json.decode(text)
    return table


def _built_in(entry: Mapping[str, Any]) -> Listing:
    """A table entry in the shape of the documentation's linear example, with what all its symbols share."""
    symbol: str = entry["symbol"]
    row: Row = {
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
    return Listing(row, rules_of(row), Decimal(entry["start_price"]))
