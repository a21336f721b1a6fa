"""One-minute candles of what was played, larger intervals made of them, and the last 24 hours."""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from hedgegrid.domain.money import ZERO

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
KEPT_MINUTES = 3 * 24 * 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Candle(msgspec.Struct):
    """Prices in quote coin, `volume` base coin, `turnover` quote coin."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    turnover: Decimal = ZERO

    def add(self, price: Decimal, qty: Decimal) -> None:
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += qty
        self.turnover += price * qty

    def absorb(self, later: "Candle") -> None:
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.turnover += later.turnover


class Candles:
    """Minutes without a trade repeat the last close, as on the venue."""

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque(maxlen=KEPT_MINUTES)

    def add(self, price: Decimal, qty: Decimal, at_ms: int) -> None:
        minutes = self._minutes
        start_ms = at_ms - at_ms % MINUTE_MS
        if minutes:
            last = minutes[-1]
            first_gap = max(last.start_ms + MINUTE_MS, start_ms - KEPT_MINUTES * MINUTE_MS)
            for gap_ms in range(first_gap, start_ms, MINUTE_MS):
                minutes.append(Candle(gap_ms, last.close, last.close, last.close, last.close))
        if not minutes or minutes[-1].start_ms < start_ms:
            minutes.append(Candle(start_ms, price, price, price, price))
        minutes[-1].add(price, qty)

    def latest(self, interval: str, limit: int, start_ms: int = 0, end_ms: int | None = None) -> list[Candle]:
        """Up to `limit` candles that begin in [start, end], newest first."""
        merged: list[Candle] = []
        group: list[Candle] = []
        bound = None
        for minute in reversed(self._minutes):
            begins = bar_start(minute.start_ms, interval)
            if begins != bound:
                _close_group(merged, group, bound)
                if len(merged) >= limit or begins < start_ms:
                    return merged
                bound = begins
            if end_ms is None or begins <= end_ms:
                group.append(minute)
        _close_group(merged, group, bound)
        return merged


def _close_group(merged: list[Candle], newest_first: list[Candle], begins: int | None) -> None:
    if not newest_first or begins is None:
        return
    candle = _merged(reversed(newest_first))
    if candle is not None:
        candle.start_ms = begins
        merged.append(candle)
    newest_first.clear()


def bar_start(at_ms: int, interval: str) -> int:
    """Start of the bar that holds a moment; intervals are minutes, D, W (Monday) and M, all UTC."""
    if interval.isdigit():
        return at_ms - at_ms % (int(interval) * MINUTE_MS)
    if interval == "D":
        return at_ms - at_ms % DAY_MS
    day = datetime.fromtimestamp(at_ms // 1000, UTC).replace(hour=0, minute=0, second=0)
    first = day - timedelta(days=day.weekday()) if interval == "W" else day.replace(day=1)
    return int((first - _EPOCH).total_seconds()) * 1000


def bar_end(start_ms: int, interval: str) -> int:
    """Last ms of the bar that begins at `start_ms`."""
    if interval.isdigit():
        return start_ms + int(interval) * MINUTE_MS - 1
    days = {"D": 1, "W": 7, "M": 31}[interval]
    return bar_start(start_ms + days * DAY_MS, interval) - 1


class DayWindow:
    """Rolling 24 h in hourly buckets: previous prices, extremes and volume of a ticker."""

    def __init__(self) -> None:
        self._hours: deque[Candle] = deque()
        self._whole: Candle | None = None
        """All hours as one candle; kept with every trade, since every tick asks for it."""

    def add(self, price: Decimal, qty: Decimal, at_ms: int) -> None:
        start_ms = at_ms - at_ms % HOUR_MS
        hours = self._hours
        if not hours or hours[-1].start_ms < start_ms:
            while hours and hours[0].start_ms <= start_ms - DAY_MS:
                hours.popleft()
            hours.append(Candle(start_ms, price, price, price, price))
            self._whole = _merged(hours)
        hours[-1].add(price, qty)
        if self._whole is not None:
            self._whole.add(price, qty)

    def day(self) -> Candle | None:
        """The whole window as one candle, not to be changed; None before the first trade."""
        return self._whole

    def hour_ago(self) -> Decimal | None:
        """Price at the start of the current hour."""
        return self._hours[-1].open if self._hours else None


def _merged(candles: Iterable[Candle]) -> Candle | None:
    whole = None
    for candle in candles:
        if whole is None:
            whole = msgspec.structs.replace(candle)
        else:
            whole.absorb(candle)
    return whole
