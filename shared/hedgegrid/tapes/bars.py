"""Bars and funding rates as CSV: `start_ms,open,high,low,close,volume` and `time_ms,funding_rate`, in rising time."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

from hedgegrid.tapes.lines import Lines, TapeError, decoded, not_negative, numbered_lines, positive

KLINE_HEADER = b"start_ms,open,high,low,close,volume"
FUNDING_HEADER = b"time_ms,funding_rate"


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


def read_bars(path: Path) -> Iterator[Bar]:
    """With or without the header.

    Raises:
        TapeError: the file or a line cannot be read; time does not rise.
    """
    return _rows(path, KLINE_HEADER, _bar)


def read_rates(path: Path) -> Iterator[Rate]:
    """As `read_bars`."""
    return _rows(path, FUNDING_HEADER, _rate)


def corners(bar: Bar) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """The path of a bar as it is played: open, nearer extreme, other extreme, close."""
    if bar.high - bar.open <= bar.open - bar.low:
        return bar.open, bar.high, bar.low, bar.close
    return bar.open, bar.low, bar.high, bar.close


def _rows(path: Path, header: bytes, parse: Callable[[bytes], RowT]) -> Iterator[RowT]:
    last_ms: int | None = None
    for number, row in decoded(path, _without(header, numbered_lines(path)), parse):
        if last_ms is not None and row[0] <= last_ms:
            raise TapeError(str(path), number, f"time goes back: {row[0]} after {last_ms}")
        last_ms = row[0]
        yield row


def _without(header: bytes, lines: Lines) -> Lines:
    for number, line in lines:
        if number > 1 or not line.startswith(header.split(b",")[0]):
            yield number, line


def _bar(line: bytes) -> Bar:
    fields = line.decode().split(",")
    if len(fields) != 6:
        raise ValueError("expected start_ms,open,high,low,close,volume")
    start, *prices, volume = fields
    open_, high, low, close = map(positive, prices)
    if not low <= min(open_, close) <= max(open_, close) <= high:
        raise ValueError("open and close must lie between low and high")
    return Bar(int(start), open_, high, low, close, not_negative(volume))


def _rate(line: bytes) -> Rate:
    at_ms, comma, text = line.decode().partition(",")
    if not comma:
        raise ValueError("expected time_ms,funding_rate")
    rate = Decimal(text)
    if not rate.is_finite():
        raise ValueError(f"{text!r} is not a rate")
    return Rate(int(at_ms), rate)
