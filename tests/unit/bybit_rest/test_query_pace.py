"""Questions to the venue, however many at once."""

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit.query_pace import BURST, PER_S, QueryPace

IP_LIMIT, IP_WINDOW_S = 600, 5.0


def test_a_start_goes_through_at_once_and_a_crowd_does_not() -> None:
    pace = QueryPace()
    waits = [pace.reserve(1000.0) for _ in range(BURST + PER_S)]
    assert waits[: BURST - 1] == [0.0] * (BURST - 1)
    assert abs(waits[-1] - 1.0) < 1e-6


@given(st.lists(st.floats(0, 2), max_size=400))
def test_three_accounts_stay_below_the_limit_of_the_address(gaps: list[float]) -> None:
    """Whatever the pauses between questions: in no window do three such paces pass what the venue allows."""
    pace, now_s, asked = QueryPace(), 1000.0, []
    for gap in gaps:
        now_s += gap
        asked.append(now_s + pace.reserve(now_s))
    assert asked == sorted(asked)
    for first in asked:
        assert 3 * sum(first <= at < first + IP_WINDOW_S for at in asked) <= IP_LIMIT
