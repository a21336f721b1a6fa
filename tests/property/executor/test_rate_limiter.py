"""Whatever the demand, no rolling second of the venue sees more than the rate, and urgent takers are never starved."""

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit.requests import Operation
from hedgegrid.executor.rate_limiter import WINDOW_NS, OrderBudgets, TokenBucket

SECOND_NS = 1_000_000_000
demands = st.lists(st.tuples(st.integers(0, 300_000_000), st.booleans()), max_size=200)


@given(st.integers(1, 30), demands)
def test_no_second_sees_more_than_the_rate(rate: int, demand: list[tuple[int, bool]]) -> None:
    bucket = TokenBucket(rate)
    now, taken, normal = 0, [], []
    for pause_ns, urgent in demand:
        now += pause_ns
        if bucket.take(now, urgent) == 0:
            taken.append(now)
            if not urgent:
                normal.append(now)
    for start in taken:
        assert sum(start <= at < start + SECOND_NS for at in taken) <= rate
    for start in normal:
        assert sum(start <= at < start + SECOND_NS for at in normal) <= rate - bucket.reserve


@given(st.integers(1, 30), demands)
def test_the_wait_it_names_is_enough_and_not_too_long(rate: int, demand: list[tuple[int, bool]]) -> None:
    bucket = TokenBucket(rate)
    now = 0
    for pause_ns, urgent in demand:
        now += pause_ns
        wait = bucket.take(now, urgent)
        assert 0 <= wait <= WINDOW_NS
        if wait:
            assert bucket.take(now + wait - 1, urgent) > 0
            now += wait
            assert bucket.take(now, urgent) == 0


@given(st.integers(2, 30))
def test_entries_alone_leave_the_reserve_to_the_urgent(rate: int) -> None:
    bucket = TokenBucket(rate)
    while bucket.take(0, urgent=False) == 0:
        pass
    passed = 0
    while bucket.take(0, urgent=True) == 0:
        passed += 1
    assert passed == bucket.reserve


def test_the_venues_lower_limit_is_obeyed_and_its_higher_one_not_needed() -> None:
    bucket = TokenBucket(10)
    bucket.observe(5, 5, 0)
    assert sum(bucket.take(0, urgent=True) == 0 for _ in range(10)) == 5
    bucket.observe(50, 50, 0)
    assert bucket.rate == 10


def test_what_others_used_is_not_used_again() -> None:
    bucket = TokenBucket(10)
    assert bucket.take(0, urgent=True) == 0
    bucket.observe(10, 3, 0)  # seven used, one of them ours
    assert sum(bucket.take(0, urgent=True) == 0 for _ in range(10)) == 3


def test_a_refusal_closes_only_its_own_kind() -> None:
    budgets = OrderBudgets(10)
    budgets.throttled(Operation.SUBMIT, 0, 700)
    assert budgets.take(Operation.SUBMIT, 0, urgent=True) == 700_000_000
    assert budgets.take(Operation.CANCEL, 0, urgent=True) == 0
    assert budgets.take(Operation.SUBMIT, 700_000_000, urgent=True) == 0


def test_headers_that_are_no_numbers_change_nothing() -> None:
    budgets = OrderBudgets(10)
    budgets.observe(Operation.AMEND, {"X-Bapi-Limit": "ten", "X-Bapi-Limit-Status": ""}, 0)
    budgets.observe(Operation.AMEND, {}, 0)
    assert sum(budgets.take(Operation.AMEND, 0, urgent=True) == 0 for _ in range(20)) == 10
