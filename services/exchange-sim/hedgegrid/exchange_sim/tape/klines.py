"""Trades along the paths of bars, and funding.

A bar becomes a deterministic path: open → nearer extreme → other extreme → close, each point with a quarter of the
volume, spread evenly over the bar. Volumes in base coin, prices in quote coin.
"""

from collections.abc import Iterator
from pathlib import Path

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.market_events import Events, FundingNotice
from hedgegrid.tapes.bars import Bar, corners, read_bars, read_rates
from hedgegrid.venue.requests import FundingDue, MarketTrade

DEFAULT_BAR_MS = 60_000
FUNDING_INTERVAL_MS = 8 * 3_600_000
POINTS = 4


def read_klines(path: Path, symbol: str) -> Events:
    """Trades along the path of each bar; a bar without volume trades nothing."""
    last = None
    for bar, length_ms in _with_length(read_bars(path)):
        for i, price in enumerate(corners(bar)):
            side = Side.SELL if last is not None and price < last else Side.BUY
            last = price
            yield MarketTrade(
                symbol=symbol,
                price=price,
                qty=bar.volume / POINTS,
                taker_side=side,
                ts_ms=bar.start_ms + i * length_ms // POINTS,
            )


def read_funding(path: Path, symbol: str) -> Events:
    """FundingDue at each row's time, announced at the previous one's (the first eight hours ahead)."""
    announced_ms = None
    for due_ms, rate in read_rates(path):
        if announced_ms is None:
            announced_ms = due_ms - FUNDING_INTERVAL_MS
        yield FundingNotice(symbol=symbol, rate=rate, next_ms=due_ms, ts_ms=announced_ms)
        yield FundingDue(symbol=symbol, rate=rate, ts_ms=due_ms)
        announced_ms = due_ms


def _with_length(bars: Iterator[Bar]) -> Iterator[tuple[Bar, int]]:
    """Each bar with its length: the distance to the next one at most the shortest distance seen so far."""
    previous: Bar | None = None
    length_ms: int | None = None
    for bar in bars:
        if previous is not None:
            distance = bar.start_ms - previous.start_ms
            length_ms = distance if length_ms is None else min(length_ms, distance)
            yield previous, length_ms
        previous = bar
    if previous is not None:
        yield previous, length_ms or DEFAULT_BAR_MS
