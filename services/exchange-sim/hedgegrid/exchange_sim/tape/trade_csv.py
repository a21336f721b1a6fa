"""Trade archives as CSV: Binance aggTrades and Bybit's own public trading files."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.market_events import Events
from hedgegrid.tapes.lines import TapeError, decoded, numbered_lines, positive
from hedgegrid.venue.requests import MarketTrade

BYBIT_HEADER = b"timestamp,symbol,side,size,price"
"""tickDirection, trdMatchID, grossValue, homeNotional and foreignNotional follow and are not needed."""
AGG_HEADER = b"agg_trade_id,price,quantity"
"""first_trade_id, last_trade_id, transact_time and is_buyer_maker follow; older files have no header."""


def read_bybit_trades(path: Path) -> Events:
    """Bybit archive rows; `timestamp` is seconds with decimals."""
    lines = ((n, line) for n, line in numbered_lines(path) if not (n == 1 and line.startswith(BYBIT_HEADER)))
    return _ascending(path, decoded(path, lines, _bybit_trade))


def read_agg_trades(path: Path, symbol: str) -> Events:
    """Binance aggTrades rows of one symbol; a buyer who was the maker means the taker sold."""
    lines = ((n, line) for n, line in numbered_lines(path) if not (n == 1 and line.startswith(b"agg_trade_id")))
    return _ascending(path, decoded(path, lines, lambda line: _agg_trade(line, symbol)))


def _bybit_trade(line: bytes) -> MarketTrade:
    stamp, symbol, side, size, price = _fields(line, 5)
    seconds = positive(stamp)
    return MarketTrade(
        symbol=symbol,
        price=positive(price),
        qty=positive(size),
        taker_side=Side(side),
        ts_ms=int(seconds * Decimal(1000)),
    )


def _agg_trade(line: bytes, symbol: str) -> MarketTrade:
    _, price, qty, _, _, time_ms, buyer_is_maker = _fields(line, 7)
    flag = buyer_is_maker.lower()
    if flag not in ("true", "false"):
        raise ValueError(f"is_buyer_maker is {buyer_is_maker!r}")
    return MarketTrade(
        symbol=symbol,
        price=positive(price),
        qty=positive(qty),
        taker_side=Side.SELL if flag == "true" else Side.BUY,
        ts_ms=int(time_ms),
    )


def _fields(line: bytes, number: int) -> list[str]:
    """The first `number` fields of a row."""
    fields = line.decode().split(",")
    if len(fields) < number:
        raise ValueError(f"expected {number} fields, found {len(fields)}")
    return fields[:number]


def _ascending(path: Path, rows: Iterator[tuple[int, MarketTrade]]) -> Events:
    last_ms = 0
    for number, trade in rows:
        if trade.ts_ms < last_ms:
            raise TapeError(str(path), number, f"time goes back: {trade.ts_ms} after {last_ms} (sort the file by time)")
        last_ms = trade.ts_ms
        yield trade
