"""Tapes of bars: what is read, what is refused by name, and the path through a bar."""

import gzip
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.strategy.backtest.bars import LONGEST_STEP, path_of, read_tape
from hedgegrid.tapes.bars import Bar
from hedgegrid.tapes.lines import TapeError
from tests.unit.guard.accounts import instrument

D = Decimal
RULES = instrument()
BARS = "start_ms,open,high,low,close,volume\n0,10,12,9,11,5\n60000,11,11,11,11,0\n"


def test_bars_and_rates_are_read_plain_and_packed(tmp_path: Path) -> None:
    plain, packed = tmp_path / "x_ABCUSDT_1m.csv", tmp_path / "x_ABCUSDT_1m.csv.gz"
    plain.write_text(BARS)
    packed.write_bytes(gzip.compress(BARS.encode()))
    assert read_tape(plain) == read_tape(packed)
    assert read_tape(plain).bars[0] == Bar(0, D(10), D(12), D(9), D(11), D(5))
    rates = tmp_path / "ABCUSDT_funding.csv"
    rates.write_text("time_ms,funding_rate\n1,0.0001\n2,-1e-05\n")
    assert [rate.rate for rate in read_tape(rates).rates] == [D("0.0001"), D("-0.00001")]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("btc.csv", BARS, "the file name must hold one symbol"),
        ("ABCUSDT.csv", "a,b\n1,2\n", "begins with 'a,b'"),
        ("ABCUSDT.csv", BARS + "50000,11,11,11,11,0\n", "line 4: time goes back: 50000 after 60000"),
        ("ABCUSDT.csv", BARS + "120000,11,10,11,11,0\n", "line 4: open and close must lie between low and high"),
        ("ABCUSDT.csv", BARS + "120000,11\n", "line 4: "),
        ("ABCUSDT.csv", BARS + "120000,x,11,11,11,0\n", "line 4: "),
        ("ABCUSDT.csv", BARS + "120000,11,Infinity,11,11,0\n", "line 4: 'Infinity' is not above 0"),
    ],
)
def test_a_faulty_tape_is_refused_by_line(tmp_path: Path, name: str, text: str, problem: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(TapeError) as caught:
        read_tape(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert problem in str(caught.value)


def test_a_broken_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ABCUSDT.csv.gz"
    path.write_bytes(gzip.compress(BARS.encode())[:20] + b"broken")
    with pytest.raises(TapeError, match="compressed data is broken or cut off"):
        read_tape(path)


@given(st.lists(st.decimals("50", "150", places=2), min_size=4, max_size=4), st.sampled_from([60_000, 300_000]))
def test_a_path_stays_in_its_bar_and_moves_in_small_steps(prices: list[Decimal], length_ms: int) -> None:
    low, *middle, high = sorted(prices)
    for opened, closed in (tuple(middle), tuple(reversed(middle))):
        bar = Bar(7, opened, high, low, closed, D(40))
        points = list(path_of(bar, length_ms, RULES))
        shown = [point.price for point in points]
        assert (shown[0], shown[-1], min(shown), max(shown)) == (opened, closed, low, high)
        assert sum((point.volume for point in points), D(0)).quantize(D("1E-9")) == 40
        times = [point.at_ms for point in points]
        assert times == sorted(times)
        assert 7 <= times[0] <= times[-1] < 7 + length_ms
        for one, other in pairwise(shown):
            assert abs(other - one) <= LONGEST_STEP * 150 + RULES.tick_size
