"""Recorded bars and funding rates, and the path that a price takes through a bar.

CSV, plain or gzip: `start_ms,open,high,low,close,volume` or `time_ms,funding_rate`; the file name holds the symbol.
"""

import gzip
import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple, TypeVar

from hedgegrid.domain.instrument import Instrument

KLINE_HEADER = "start_ms,open,high,low,close,volume"
FUNDING_HEADER = "time_ms,funding_rate"
LONGEST_STEP = Decimal("0.005")
"""A move between two points of a bar is cut into steps of at most this fraction: a market does not jump 20 %."""
_SYMBOL = re.compile(r"(?:^|[^A-Z0-9])([A-Z0-9]{1,20}USDT)(?![A-Z0-9])")


class TapeFault(Exception):
    """A file that is no tape; names the file, the line and what is wrong."""


class Bar(NamedTuple):
    """Prices in quote coin, volume in base coin."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Rate(NamedTuple):
    """Funding due at `at_ms`; a fraction of the position's value, positive: longs pay."""

    at_ms: int
    rate: Decimal


RowT = TypeVar("RowT", Bar, Rate)


class Point(NamedTuple):
    """The last price at a moment, and what was traded there."""

    at_ms: int
    price: Decimal
    volume: Decimal


class Tape(NamedTuple):
    """One file: bars or funding rates of a symbol, in rising time."""

    symbol: str
    bars: tuple[Bar, ...] = ()
    rates: tuple[Rate, ...] = ()


def read_tape(path: Path) -> Tape:
    """Read a file whole.

    Raises:
        TapeFault: see there.
    """
    named = _SYMBOL.search(path.name)
    if named is None:
        raise TapeFault(f"{path}: its name holds no symbol such as BTCUSDT")
    try:
        raw = path.read_bytes()
        lines = (gzip.decompress(raw) if raw.startswith(b"\x1f\x8b") else raw).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TapeFault(f"{path}: {error}") from error
    header, rows = (lines[0] if lines else ""), lines[1:]
    if header == KLINE_HEADER:
        return Tape(named[1], bars=tuple(_rows(path, rows, _bar)))
    if header == FUNDING_HEADER:
        return Tape(named[1], rates=tuple(_rows(path, rows, _rate)))
    raise TapeFault(f"{path}: begins with {header[:60]!r}, not with {KLINE_HEADER!r} or {FUNDING_HEADER!r}")


def path_of(bar: Bar, length_ms: int, rules: Instrument) -> Iterator[Point]:
    """Open → nearer extreme → other extreme → close, a quarter of the bar each, large moves in small steps; on tick."""
    near_high = bar.high - bar.open <= bar.open - bar.low
    corners = (bar.open, bar.high, bar.low, bar.close) if near_high else (bar.open, bar.low, bar.high, bar.close)
    quarter_ms = length_ms // len(corners)
    last = corners[0]
    for number, corner in enumerate(corners):
        steps = max(1, int(abs(corner / last - 1) / LONGEST_STEP) + (corner != last))
        at_ms = bar.start_ms + number * quarter_ms
        for step in range(1, steps + 1):
            price = last + (corner - last) * step / steps
            yield Point(at_ms + (step - 1) * quarter_ms // steps, on_tick(price, rules), bar.volume / 4 / steps)
        last = corner


def on_tick(price: Decimal, rules: Instrument) -> Decimal:
    """The valid price closest to `price`."""
    return max(rules.price_down(price + rules.tick_size / 2), rules.tick_size)


def _rows(path: Path, rows: list[str], parse: Callable[[str], RowT]) -> Iterator[RowT]:
    last_ms = -1
    for number, row in enumerate(rows, start=2):
        try:
            parsed = parse(row)
        except (ValueError, InvalidOperation) as error:
            raise TapeFault(f"{path} line {number}: {error}") from error
        if parsed[0] <= last_ms:
            raise TapeFault(f"{path} line {number}: time goes back: {parsed[0]} after {last_ms}")
        last_ms = parsed[0]
        yield parsed


def _bar(row: str) -> Bar:
    start, *numbers = row.split(",")
    open_, high, low, close, volume = map(Decimal, numbers)
    if not 0 < low <= min(open_, close) <= max(open_, close) <= high or volume < 0:
        raise ValueError("open and close must lie between low and high, all above zero")
    return Bar(int(start), open_, high, low, close, volume)


def _rate(row: str) -> Rate:
    at_ms, rate = row.split(",")
    return Rate(int(at_ms), Decimal(rate))
