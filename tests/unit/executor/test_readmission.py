"""A venue that refuses the account: what latches, what opens again, and how rarely it is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit.errors import LATCHED, MAY_PASS, Kind, Outcome
from hedgegrid.executor.readmission import NS_PER_S, ProbePace
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.health import Health


def shut(code: int) -> tuple[VenueDoor, Health]:
    health = Health()
    door = VenueDoor("main", health, ManualClock(), 600)
    door.heard(Outcome(Kind.FATAL, code, "words"))
    return door, health


@pytest.mark.parametrize("code", sorted(LATCHED))
def test_what_only_a_restart_mends_says_so_and_is_not_asked_about(code: int) -> None:
    door, health = shut(code)
    assert not door.may_pass
    assert "repair it and restart" in health.conditions["venue:main"].reason


@pytest.mark.parametrize("code", sorted(MAY_PASS))
def test_what_may_pass_can_be_opened_again(code: int) -> None:
    door, health = shut(code)
    assert door.may_pass
    assert "asked again" in health.conditions["venue:main"].reason
    door.reopen()
    assert (door.fatal, door.may_pass, door.openings, health.ready) == (None, False, 1, True)
    door.reopen()
    assert door.openings == 1


def test_the_first_refusal_is_the_one_that_counts() -> None:
    door, _ = shut(10003)
    door.heard(Outcome(Kind.FATAL, 10005, "words"))
    assert not door.may_pass


def test_pauses_double_up_to_the_longest() -> None:
    pace, now_ns = ProbePace(30, 600), 1_000 * NS_PER_S
    asked: list[int] = []
    while len(asked) < 7:
        if pace.is_due(now_ns):
            asked.append(now_ns // NS_PER_S - 1_000)
            pace.refused(now_ns)
        now_ns += NS_PER_S
    assert asked == [30, 90, 210, 450, 930, 1530, 2130]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), min_size=1, max_size=60))
def test_a_venue_that_lets_us_in_and_refuses_again_is_not_asked_more_often(turns: list[tuple[bool, int]]) -> None:
    """At most one question in the first pause, and at least double the pause each time, until it kept the peace."""
    pace, now_ns, asked = ProbePace(1, 60), 1_000 * NS_PER_S, [1_000 * NS_PER_S]
    for admitted, later_s in turns:
        while not pace.is_due(now_ns):
            now_ns += NS_PER_S // 4
        asked.append(now_ns)
        assert asked[-1] - asked[-2] >= min(2 ** (len(asked) - 2), 60) * NS_PER_S
        if admitted:
            pace.admitted(now_ns)
            now_ns += min(later_s, 59) * NS_PER_S  # refused again before the peace has lasted
        else:
            pace.refused(now_ns)


def test_after_a_long_peace_it_begins_anew() -> None:
    pace = ProbePace(1, 60)
    now_ns = 1_000 * NS_PER_S
    for _ in range(10):
        pace.refused(now_ns)
    pace.admitted(now_ns)
    now_ns += 61 * NS_PER_S
    assert not pace.is_due(now_ns)
    assert pace.is_due(now_ns + NS_PER_S)
