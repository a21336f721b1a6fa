"""Candles: larger intervals of minutes, gaps, and the rolling day."""

from decimal import Decimal

import pytest

from hedgegrid.exchange_sim.market.candles import Candle, Candles, DayWindow, bar_end, bar_start

MINUTE = 60_000
D = Decimal


def filled() -> Candles:
    candles = Candles()
    for at, price in ((0, 10), (30_000, 12), (3 * MINUTE, 9), (6 * MINUTE, 11)):
        candles.add(D(price), D(1), at)
    return candles


def test_minutes_without_trades_repeat_the_close() -> None:
    rows = [f"{bar.start_ms // MINUTE}: {bar.open} {bar.close} {bar.volume}" for bar in filled().latest("1", 10)]
    assert rows == ["6: 11 11 1", "5: 9 9 0", "4: 9 9 0", "3: 9 9 1", "2: 12 12 0", "1: 12 12 0", "0: 10 12 2"]


def test_larger_bars_are_made_of_minutes() -> None:
    newest, oldest = filled().latest("5", 10)
    assert oldest == Candle(0, D(10), D(12), D(9), D(9), D(3), D(31))
    assert newest == Candle(5 * MINUTE, D(9), D(11), D(9), D(11), D(1), D(11))


def test_limit_start_and_end() -> None:
    assert [bar.start_ms // MINUTE for bar in filled().latest("1", 2)] == [6, 5]
    assert [bar.start_ms // MINUTE for bar in filled().latest("1", 10, 2 * MINUTE, 4 * MINUTE)] == [4, 3, 2]


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [
        ("1", 1_786_310_760_000, 1_786_310_819_999),
        ("240", 1_786_305_600_000, 1_786_319_999_999),
        ("D", 1_786_233_600_000, 1_786_319_999_999),
        ("W", 1_785_715_200_000, 1_786_319_999_999),
        ("M", 1_785_542_400_000, 1_788_220_799_999),
    ],
)
def test_bar_bounds(interval: str, start: int, end: int) -> None:
    assert bar_start(1_786_310_818_440, interval) == start
    assert bar_end(start, interval) == end


def test_the_day_forgets_what_is_older() -> None:
    hour = 60 * MINUTE
    window = DayWindow()
    for at, price in ((0, 100), (hour, 50), (25 * hour, 60), (26 * hour, 70)):
        window.add(D(price), D(2), at)
    assert window.day() == Candle(25 * hour, D(60), D(70), D(60), D(70), D(4), D(260))
    assert window.hour_ago() == 70
