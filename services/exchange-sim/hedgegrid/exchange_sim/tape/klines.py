"""Kline and funding CSVs: `start_ms,open,high,low,close,volume` and `time_ms,funding_rate`.

A bar becomes a deterministic path: open → nearer extreme → other extreme → close, each point with a quarter of the
volume, spread evenly over the bar. Volumes in base coin, prices in quote coin.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.errors import TapeError
from hedgegrid.exchange_sim.market_events import Events, FundingNotice
from hedgegrid.exchange_sim.tape.lines import Lines, decoded, not_negative, numbered_lines, positive
from hedgegrid.venue.requests import FundingDue, MarketTrade

KLINE_HEADER = b"start_ms,open,high,low,close,volume"
FUNDING_HEADER = b"time_ms,funding_rate"
DEFAULT_BAR_MS = 60_000
FUNDING_INTERVAL_MS = 8 * 3_600_000
POINTS = 4


class Bar(NamedTuple):
    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def read_klines(path: Path, symbol: str) -> Events:
    """Trades along the path of each bar; a bar without volume trades nothing."""
    last = None
    for bar, length_ms in _with_length(path, _bars(path)):
        for i, price in enumerate(path_of(bar)):
            side = Side.SELL if last is not None and price < last else Side.BUY
            last = price
            yield MarketTrade(
                symbol=symbol,
                price=price,
                qty=bar.volume / POINTS,
                taker_side=side,
                ts_ms=bar.start_ms + i * length_ms // POINTS,
            )


def path_of(bar: Bar) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """The four prices of a bar in the order they are played."""
    if bar.high - bar.open <= bar.open - bar.low:
        return bar.open, bar.high, bar.low, bar.close
    return bar.open, bar.low, bar.high, bar.close


def read_funding(path: Path, symbol: str) -> Events:
    """FundingDue at each row's time, announced at the previous one's (the first eight hours ahead)."""
    announced_ms = None
    rows = decoded(path, _skip_header(numbered_lines(path), FUNDING_HEADER), _funding_row)
    for number, (due_ms, rate) in rows:
        if announced_ms is not None and due_ms <= announced_ms:
            raise TapeError(str(path), number, f"time goes back: {due_ms} after {announced_ms}")
        if announced_ms is None:
            announced_ms = due_ms - FUNDING_INTERVAL_MS
        yield FundingNotice(symbol=symbol, rate=rate, next_ms=due_ms, ts_ms=announced_ms)
        yield FundingDue(symbol=symbol, rate=rate, ts_ms=due_ms)
        announced_ms = due_ms


def _bars(path: Path) -> Iterator[tuple[int, Bar]]:
    return decoded(path, _skip_header(numbered_lines(path), KLINE_HEADER), _bar)


def _with_length(path: Path, bars: Iterator[tuple[int, Bar]]) -> Iterator[tuple[Bar, int]]:
    """Each bar with its length: the distance to the next one at most the shortest distance seen so far."""
    previous: Bar | None = None
    length_ms: int | None = None
    for number, bar in bars:
        if previous is not None:
            distance = bar.start_ms - previous.start_ms
            if distance <= 0:
                raise TapeError(str(path), number, f"time goes back: {bar.start_ms} after {previous.start_ms}")
            length_ms = distance if length_ms is None else min(length_ms, distance)
            yield previous, length_ms
        previous = bar
    if previous is not None:
        yield previous, length_ms or DEFAULT_BAR_MS


def _bar(line: bytes) -> Bar:
    fields = line.decode().split(",")
    if len(fields) != 6:
        raise ValueError("expected start_ms,open,high,low,close,volume")
    start, *prices, volume = fields
    open_, high, low, close = map(positive, prices)
    if not low <= min(open_, close) <= max(open_, close) <= high:
        raise ValueError("open and close must lie between low and high")
    return Bar(int(start), open_, high, low, close, not_negative(volume))


def _funding_row(line: bytes) -> tuple[int, Decimal]:
    due_ms, comma, rate_text = line.decode().partition(",")
    if not comma:
        raise ValueError("expected time_ms,funding_rate")
    rate = Decimal(rate_text)
    if not rate.is_finite():
        raise ValueError(f"{rate_text!r} is not a rate")
    return int(due_ms), rate


def _skip_header(lines: Lines, header: bytes) -> Lines:
    for number, line in lines:
        if number > 1 or not line.startswith(header.split(b",")[0]):
            yield number, line
