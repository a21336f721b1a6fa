"""Trading rules of symbols without an exchange key: from a file, a running venue, or the simulator's own table."""

import gzip
import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from hedgegrid.domain.instrument import Instrument
from hedgegrid.runtime.errors import ConfigError

TIMEOUT_S = 10
MOST_ROWS = 1000
Row = Mapping[str, Any]


def load_instruments(source: str) -> dict[str, Instrument]:
    """Instruments by symbol.

    `source` is a JSON file (a body of `GET /v5/market/instruments-info`, plain or gzip), the base URL of a venue, or ""
    for the table of the simulated exchange.

    Raises:
        ConfigError: it cannot be read, or a row lacks a rule.
    """
    if not source:
        return _instruments(str(_own_table()), _own_table().read_bytes(), _from_table)
    if source.startswith(("http://", "https://")):
        path = f"/v5/market/instruments-info?category=linear&limit={MOST_ROWS}"
        return _instruments(source, _asked(source, path), _from_venue)
    try:
        raw = Path(source).read_bytes()
        return _instruments(source, gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw, _from_venue)
    except (OSError, EOFError) as error:
        raise ConfigError(f"--instruments {source}: {error}") from error


def last_prices(source: str) -> dict[str, Decimal]:
    """Prices by symbol, USDT: a venue's last trades, else what the simulator's table names as a rough stand-in.

    Raises:
        ConfigError: the venue does not answer.
    """
    if source.startswith(("http://", "https://")):
        rows = json.loads(_asked(source, "/v5/market/tickers?category=linear"))["result"]["list"]
        return {row["symbol"]: Decimal(row["lastPrice"]) for row in rows if row.get("lastPrice")}
    return {row["symbol"]: Decimal(row["start_price"]) for row in json.loads(_own_table().read_bytes())}


def _asked(venue: str, path: str) -> bytes:
    try:
        with urlopen(venue.rstrip("/") + path, timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s) only
            body: bytes = answer.read()
            return body
    except (URLError, OSError, ValueError) as error:
        raise ConfigError(f"--instruments {venue}: that venue does not answer ({error})") from error


def _instruments(source: str, raw: bytes, read: Callable[[Row], Instrument]) -> dict[str, Instrument]:
    try:
        body = json.loads(raw)
        rows = body if isinstance(body, list) else body["result"]["list"]
        return {row["symbol"]: read(row) for row in rows}
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise ConfigError(f"--instruments {source}: no body of instruments-info ({error!r})") from error


def _own_table() -> Path:
    spec = find_spec("hedgegrid.exchange_sim")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("--instruments: the simulator and its table are not installed here; name a file or a venue")
    return Path(spec.submodule_search_locations[0]) / "data" / "instruments.json"


def _from_table(row: Row) -> Instrument:
    return Instrument(
        symbol=row["symbol"],
        tick_size=Decimal(row["tick_size"]),
        qty_step=Decimal(row["qty_step"]),
        min_qty=Decimal(row["qty_step"]),
        max_limit_qty=Decimal(row["max_limit_qty"]),
        max_market_qty=Decimal(row["max_market_qty"]),
        min_notional=Decimal(5),
        min_price=Decimal(row["tick_size"]),
        max_price=Decimal(row["max_price"]),
        min_leverage=Decimal(1),
        max_leverage=Decimal(row["max_leverage"]),
        leverage_step=Decimal("0.01"),
        price_limit_ratio_x=Decimal(row["ratio_x"]),
        price_limit_ratio_y=Decimal(row["ratio_y"]),
    )


def _from_venue(row: Row) -> Instrument:
    price, lot, leverage = row["priceFilter"], row["lotSizeFilter"], row["leverageFilter"]
    risk = row.get("riskParameters") or {}
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
        funding_interval_min=int(row.get("fundingInterval", 480)),
        price_limit_ratio_x=Decimal(risk.get("priceLimitRatioX") or "0.01"),
        price_limit_ratio_y=Decimal(risk.get("priceLimitRatioY") or "0.02"),
    )
