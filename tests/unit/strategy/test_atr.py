"""Bars out of ticks and their average true range."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.strategy.core.atr import Bars, average_true_range, end_of_bar_ms, with_tick

D = Decimal
MINUTE_MS = 60_000


def bars_of(*ticks: tuple[int, int]) -> Bars:
    bars = Bars()
    for second, price in ticks:
        bars = with_tick(bars, D(price), second * 1000, bar_min=1, kept=3)
    return bars


def test_the_range_of_a_bar_is_its_high_less_its_low() -> None:
    bars = bars_of((0, 100), (20, 110), (40, 95), (60, 100))
    assert bars.ranges == (D(15),)
    assert end_of_bar_ms(bars, 1) == 2 * MINUTE_MS


def test_a_gap_belongs_to_the_bar_after_it() -> None:
    bars = bars_of((0, 100), (30, 102), (60, 110), (90, 111), (120, 111))
    assert bars.ranges == (D(2), D(9)), "111 less 102"


def test_nothing_is_known_before_there_are_enough_bars() -> None:
    assert average_true_range(bars_of((0, 1), (60, 2)), 2) is None
    assert average_true_range(bars_of((0, 1), (60, 2), (120, 4)), 2) == D("0.5")


def test_only_the_newest_are_kept() -> None:
    bars = bars_of(*((60 * number, 100 + number) for number in range(9)))
    assert len(bars.ranges) == 3


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 10**6)), max_size=50), st.data())
def test_ticks_within_the_bar_change_nothing(ticks: list[tuple[int, int]], data: st.DataObject) -> None:
    bars = bars_of(*sorted(ticks))
    if bars.number < 0:
        return
    inside = data.draw(st.integers(int(bars.low), int(bars.high)))
    assert with_tick(bars, D(inside), bars.number * MINUTE_MS, bar_min=1, kept=3) == bars
