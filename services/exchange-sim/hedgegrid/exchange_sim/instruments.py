"""Trading rules of the symbols: a body of `GET /v5/market/instruments-info`, or the table of `hedgegrid.listing`."""

import gzip
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.listing.rules import rules_of
from hedgegrid.listing.table import start_prices, table_rows

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
    prices = start_prices()
    if path is None:
        return {symbol: Listing(row, rules_of(row), prices[symbol]) for symbol, row in table_rows().items()}
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
