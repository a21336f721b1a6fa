"""Bots are shared fairly whatever their number and the workers'."""

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.strategy.sharing import fair_share


@given(bots=st.integers(0, 500), workers=st.sets(st.text(min_size=1, max_size=5), min_size=1, max_size=20))
def test_shares_cover_all_bots_and_differ_by_at_most_one(bots: int, workers: set[str]) -> None:
    members = sorted(workers)
    shares = [fair_share(bots, members, worker) for worker in members]
    assert sum(shares) == bots
    assert max(shares) - min(shares) <= 1


def test_a_worker_that_is_not_a_member_holds_nothing() -> None:
    assert fair_share(5, ["a"], "b") == 0
