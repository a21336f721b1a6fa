"""What may not reach the strategy as a tick, and what a real market may do all the same."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.messages.market import QuoteTick
from hedgegrid.ws_gateway.tick_check import JUMP_STANDS_MS, Refusal, TickCheck


def tick(
    last: str = "100", mark: str = "100", bid: str = "99.9", ask: str = "100.1", at_ms: int = 0, lag_ms: int = 0
) -> QuoteTick:
    return QuoteTick(
        symbol="X",
        last_px=Decimal(last),
        mark_px=Decimal(mark),
        bid_px=Decimal(bid),
        ask_px=Decimal(ask),
        funding_rate=None,
        next_funding_ms=None,
        ts_event=at_ms - lag_ms,
        ts_init=at_ms,
        cause_ns=0,
    )


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (tick(bid="100.2"), Refusal.CROSSED),
        (tick(last="1000"), Refusal.ABSURD),
        (tick(last="10"), Refusal.ABSURD),
        (tick(bid="1"), Refusal.ABSURD),
        (tick(ask="900"), Refusal.ABSURD),
        (tick(mark="1000"), Refusal.ABSURD),
        (tick("1000", "1000", "999", "1001"), Refusal.ABSURD),
        (tick("10", "10", "9.9", "10.1"), Refusal.ABSURD),
        (tick(at_ms=60_000, lag_ms=10_001), Refusal.OLD),
    ],
)
def test_refused_after_a_good_one(bad: QuoteTick, why: Refusal) -> None:
    check = TickCheck()
    assert check.refusal(tick()) is None
    assert check.refusal(bad) is why
    assert check.refusal(tick(at_ms=60_000)) is None


def test_a_locked_book_and_a_hard_move_pass() -> None:
    check = TickCheck()
    for price in ("100", "140", "80", "160"):
        assert check.refusal(tick(price, price, price, price)) is None


def test_a_jump_that_stands_is_taken_a_spike_is_not() -> None:
    check = TickCheck()
    assert check.refusal(tick()) is None
    up = ("1000", "1000", "999", "1001")
    assert check.refusal(tick(*up, at_ms=1)) is Refusal.ABSURD
    assert check.refusal(tick(at_ms=2)) is None
    assert check.refusal(tick(*up, at_ms=3)) is Refusal.ABSURD
    assert check.refusal(tick(*up, at_ms=2 + JUMP_STANDS_MS)) is Refusal.ABSURD
    assert check.refusal(tick(*up, at_ms=3 + JUMP_STANDS_MS)) is None
    assert check.refusal(tick(*up, at_ms=4 + JUMP_STANDS_MS)) is None


def test_a_simulated_exchange_may_have_a_time_of_its_own() -> None:
    assert TickCheck(None).refusal(tick(at_ms=10**9, lag_ms=10**8)) is None


PRICES = st.decimals(min_value="0.0001", max_value=100_000, places=4)


@given(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES, st.integers(0, 5_000)), max_size=30))
def test_what_passes_is_never_crossed_nor_far_from_its_mark(rows: list[tuple[Decimal, ...]]) -> None:
    check, now_ms = TickCheck(), 0
    for last, mark, bid, ask, step in rows:
        now_ms += int(step)
        if check.refusal(tick(str(last), str(mark), str(bid), str(ask), now_ms)) is None:
            assert bid <= ask
            assert all(mark / 2 <= price <= mark * 2 for price in (last, bid, ask))
