"""Trading rules of symbols without an exchange key: from a file, a running venue, or the simulator's own table."""

import gzip
import json
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from hedgegrid.domain.instrument import Instrument
from hedgegrid.listing.rules import rules_of
from hedgegrid.listing.table import start_prices, table_rows
from hedgegrid.listing.tiers import tiers_of
from hedgegrid.runtime.errors import ConfigError

TIMEOUT_S = 10
MOST_ROWS = 1000


def load_instruments(source: str) -> dict[str, Instrument]:
    """Instruments by symbol.

    `source` is a JSON file (a body of `GET /v5/market/instruments-info`, plain or gzip), the base URL of a venue, or ""
    for the table of the simulated exchange.

    Raises:
        ConfigError: it cannot be read, or a row lacks a rule.
    """
    if not source:
        return {symbol: rules_of(row) for symbol, row in table_rows().items()}
    if _is_venue(source):
        path = f"/v5/market/instruments-info?category=linear&limit={MOST_ROWS}"
        return _instruments(source, _asked(source, path))
    try:
        raw = Path(source).read_bytes()
        return _instruments(source, gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw)
    except (OSError, EOFError) as error:
        raise ConfigError(f"--instruments {source}: {error}") from error


def with_tiers(source: str, rules: Instrument) -> Instrument:
    """The instrument with the risk-limit table of its venue; as it is where `source` is no venue.

    Raises:
        ConfigError: the venue does not answer, or with something else.
    """
    if not _is_venue(source):
        return rules
    body = _asked(source, f"/v5/market/risk-limit?category=linear&symbol={rules.symbol}")
    try:
        return replace(rules, risk_tiers=tiers_of(json.loads(body)["result"]["list"]))
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise ConfigError(f"--instruments {source}: no risk limits of {rules.symbol} ({error!r})") from error


def last_prices(source: str) -> dict[str, Decimal]:
    """Prices by symbol, USDT: a venue's last trades, else what the simulator's table names as a rough stand-in.

    Raises:
        ConfigError: the venue does not answer.
    """
    if _is_venue(source):
        rows = json.loads(_asked(source, "/v5/market/tickers?category=linear"))["result"]["list"]
        return {row["symbol"]: Decimal(row["lastPrice"]) for row in rows if row.get("lastPrice")}
    return start_prices()


def _is_venue(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _asked(venue: str, path: str) -> bytes:
    try:
        with urlopen(venue.rstrip("/") + path, timeout=TIMEOUT_S) as answer:  # noqa: S310 - http(s) only
            body: bytes = answer.read()
            return body
    except (URLError, OSError, ValueError) as error:
        raise ConfigError(f"--instruments {venue}: that venue does not answer ({error})") from error


def _instruments(source: str, raw: bytes) -> dict[str, Instrument]:
    try:
        body = json.loads(raw)
        rows = body if isinstance(body, list) else body["result"]["list"]
        return {row["symbol"]: rules_of(row) for row in rows}
    except (ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise ConfigError(f"--instruments {source}: no body of instruments-info ({error!r})") from error
