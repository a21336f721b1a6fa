"""Which reader a file needs, told from its first line, and which symbols it holds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from hedgegrid.exchange_sim.market_events import Events
from hedgegrid.exchange_sim.tape.binance_raw import read_binance_raw
from hedgegrid.exchange_sim.tape.capture import read_capture
from hedgegrid.exchange_sim.tape.klines import read_funding, read_klines
from hedgegrid.exchange_sim.tape.trade_csv import AGG_HEADER, BYBIT_HEADER, read_agg_trades, read_bybit_trades
from hedgegrid.tapes.bars import FUNDING_HEADER, KLINE_HEADER
from hedgegrid.tapes.file_name import symbol_in_name
from hedgegrid.tapes.lines import TapeError, numbered_lines
from hedgegrid.venue.requests import MarketQuote, MarkPrice

HEAD_EVENTS = 20_000
"""How far a file that names symbols inside its lines is searched for them."""


@dataclass(frozen=True, slots=True)
class Tape:
    """One file. `quoted`, `marked`: the symbols whose best bid and ask, and mark price, it tells;
    `is_funding`: it holds nothing but funding moments.
    """

    path: Path
    kind: str
    symbols: frozenset[str]
    read: Callable[[], Events]
    quoted: frozenset[str] = frozenset()
    marked: frozenset[str] = frozenset()
    is_funding: bool = False


def open_tape(path: Path) -> Tape:
    """Detect the format.

    Raises:
        TapeError: empty, unreadable or unknown format, or a file that needs its symbol in its name lacks one.
    """
    first = next(numbered_lines(path), None)
    if first is None:
        raise TapeError(str(path), None, "the file is empty")
    number, line = first
    if line.startswith(b"{"):
        return _many_symbols(path, "capture", read_capture)
    if re.match(rb"\d{13,} +\{", line):
        return _many_symbols(path, "binance-raw", read_binance_raw)
    if line.startswith(BYBIT_HEADER):
        return _many_symbols(path, "bybit-trades", read_bybit_trades)
    if line.startswith(AGG_HEADER) or re.match(rb"\d+,[^,]+,[^,]+,\d+,\d+,\d+,(true|false)$", line, re.IGNORECASE):
        symbol = symbol_in_name(path)
        return Tape(path, "aggTrades", frozenset({symbol}), lambda: read_agg_trades(path, symbol))
    if line.startswith(KLINE_HEADER) or re.match(rb"\d{13}(,[\d.]+){5}$", line):
        symbol = symbol_in_name(path)
        return Tape(path, "klines", frozenset({symbol}), lambda: read_klines(path, symbol))
    if line.startswith(FUNDING_HEADER):
        symbol = symbol_in_name(path)
        return Tape(path, "funding", frozenset({symbol}), lambda: read_funding(path, symbol), is_funding=True)
    shown = line[:60].decode("utf-8", "replace")
    raise TapeError(str(path), number, f"unknown tape format: {shown!r}")


def _many_symbols(path: Path, kind: str, read: Callable[[Path], Events]) -> Tape:
    symbols, marked, quoted = set(), set(), set()
    for event in islice(read(path), HEAD_EVENTS):
        symbols.add(event.symbol)
        if isinstance(event, MarkPrice):
            marked.add(event.symbol)
        elif isinstance(event, MarketQuote):
            quoted.add(event.symbol)
    if not symbols:
        raise TapeError(str(path), None, f"no market data in this {kind} file")
    return Tape(path, kind, frozenset(symbols), lambda: read(path), quoted=frozenset(quoted), marked=frozenset(marked))
