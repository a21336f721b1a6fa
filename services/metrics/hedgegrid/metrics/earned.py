"""Net results by UTC day, kept for a week, so that "today" and "7 days" need no database."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

DAYS_KEPT = 8
WEEK = 7


class DailyNet(msgspec.Struct):
    """Sums by symbol and ISO day, USDT, costs inside."""

    since_ms: int = 0
    """When these sums began; 0 = with the first row ever booked, so that they are complete."""
    by_day: dict[str, dict[str, Decimal]] = {}
    """Day → symbol → net."""

    def add(self, symbol: str, ts_ms: int, amount: Decimal) -> None:
        """Book a result; of days long gone nothing is kept."""
        day = _day(ts_ms).isoformat()
        symbols = self.by_day.setdefault(day, {})
        symbols[symbol] = symbols.get(symbol, Decimal(0)) + amount
        while len(self.by_day) > DAYS_KEPT:
            del self.by_day[min(self.by_day)]

    def of(self, now_ms: int, days: int, symbol: str | None = None) -> Decimal:
        """Sum of today and the days before it, `days` in all; of one symbol or of all."""
        first = (_day(now_ms) - timedelta(days=days - 1)).isoformat()
        return sum(
            (
                amount
                for day, symbols in self.by_day.copy().items()
                if day >= first
                for name, amount in symbols.copy().items()
                if symbol in (None, name)
            ),
            Decimal(0),
        )


def day_start_ms(now_ms: int, days: int) -> int:
    """Begin of the first of `days` UTC days that end with today."""
    first = _day(now_ms) - timedelta(days=days - 1)
    return int(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp() * 1000)


def _day(ts_ms: int) -> date:
    return datetime.fromtimestamp(ts_ms / 1000, UTC).date()
