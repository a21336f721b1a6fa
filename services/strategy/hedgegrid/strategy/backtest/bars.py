"""A tape of one symbol for the backtest, and the path that a price takes through a bar."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.tapes.bars import FUNDING_HEADER, KLINE_HEADER, Bar, Rate, corners, read_bars, read_rates
from hedgegrid.tapes.file_name import symbol_in_name
from hedgegrid.tapes.lines import TapeError, numbered_lines

LONGEST_STEP = Decimal("0.005")
"""A move between two points of a bar is cut into steps of at most this fraction: a market does not jump 20 %."""


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
        TapeError: it is no tape of bars or funding rates.
    """
    symbol = symbol_in_name(path)
    _, header = next(numbered_lines(path), (0, b""))
    if header == KLINE_HEADER:
        return Tape(symbol, bars=tuple(read_bars(path)))
    if header == FUNDING_HEADER:
        return Tape(symbol, rates=tuple(read_rates(path)))
    known = " or ".join(known.decode() for known in (KLINE_HEADER, FUNDING_HEADER))
    raise TapeError(str(path), None, f"begins with {header[:60].decode(errors='replace')!r}, not with {known}")


def path_of(bar: Bar, length_ms: int, rules: Instrument) -> Iterator[Point]:
    """Open → nearer extreme → other extreme → close, a quarter of the bar each, large moves in small steps; on tick."""
    way = corners(bar)
    quarter_ms = length_ms // len(way)
    last = way[0]
    for number, corner in enumerate(way):
        steps = max(1, int(abs(corner / last - 1) / LONGEST_STEP) + (corner != last))
        at_ms = bar.start_ms + number * quarter_ms
        for step in range(1, steps + 1):
            price = last + (corner - last) * step / steps
            yield Point(at_ms + (step - 1) * quarter_ms // steps, on_tick(price, rules), bar.volume / 4 / steps)
        last = corner


def on_tick(price: Decimal, rules: Instrument) -> Decimal:
    """The valid price closest to `price`."""
    return max(rules.price_down(price + rules.tick_size / 2), rules.tick_size)
