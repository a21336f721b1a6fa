"""The venue's time: what an answer proves, what our wall clock cannot spoil, and when it is not known well enough."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit.venue_clock import DRIFT_PPM, NS_PER_MS, VenueClock
from hedgegrid.executor.clock_watch import clock_fault

VENUE_MS = 1_700_000_000_000


class World:
    """A venue `ahead_ms` of our wall clock; both wall clocks can be set, the monotonic one only passes."""

    def __init__(self, ahead_ms: int = 0) -> None:
        self.monotonic_ns = 5_000_000_000
        self.wall_ns = VENUE_MS * NS_PER_MS
        self.venue_ns = self.wall_ns + ahead_ms * NS_PER_MS
        self.clock = VenueClock(lambda: self.monotonic_ns, lambda: self.wall_ns)

    def pass_ms(self, ms: float, venue_ppm: float = 0) -> None:
        ns = int(ms * NS_PER_MS)
        self.monotonic_ns += ns
        self.wall_ns += ns
        self.venue_ns += ns + int(ns * venue_ppm / 1_000_000)

    def call(self, there_ms: float = 5, back_ms: float = 5, lie_ms: int = 0, asks: bool = True) -> None:
        asked_ns = self.monotonic_ns
        self.pass_ms(there_ms)
        told_ms = self.venue_ns // NS_PER_MS + lie_ms
        self.pass_ms(back_ms)
        take = self.clock.told if asks else self.clock.mentioned
        take(told_ms, asked_ns, self.monotonic_ns)

    @property
    def error_ms(self) -> float:
        return abs(self.clock.now_ms() - self.venue_ns / NS_PER_MS)


def test_before_the_first_answer_it_is_the_wall_clock() -> None:
    world = World(ahead_ms=700)
    assert (world.clock.now_ms(), world.clock.offset_ms, world.clock.uncertainty_ms) == (VENUE_MS, 0, None)


@pytest.mark.parametrize("step_ms", [10_000, -10_000, 3_600_000, -3_600_000])
def test_a_step_of_our_clock_changes_no_signature_and_shows(step_ms: int) -> None:
    """G7: NTP, a person, a leap second."""
    world = World()
    world.call()
    world.wall_ns += step_ms * NS_PER_MS
    assert world.error_ms <= 6
    assert abs(world.clock.offset_ms + step_ms) <= 6


@given(
    st.lists(
        st.tuples(st.floats(0, 3000), st.floats(0, 3000), st.floats(0, 600_000), st.booleans()), min_size=1, max_size=30
    )
)
def test_the_truth_is_never_further_away_than_it_says(calls: list[tuple[float, float, float, bool]]) -> None:
    world = World(ahead_ms=-1234)
    world.call(100, 100)
    drift = random.Random(7).uniform(-DRIFT_PPM / 2, DRIFT_PPM / 2)
    for there_ms, back_ms, later_ms, asks in calls:
        world.call(there_ms, back_ms, asks=asks)
        world.pass_ms(later_ms, drift)
        uncertainty_ms = world.clock.uncertainty_ms
        assert uncertainty_ms is not None
        assert world.error_ms <= uncertainty_ms + 2


def test_a_slow_answer_does_not_spoil_what_a_fast_one_told() -> None:
    world = World()
    world.call(1, 1)
    world.call(4000, 0)
    assert world.error_ms <= 3


def test_when_the_venues_clock_is_set_the_new_time_holds_at_once() -> None:
    world = World()
    world.call(1, 1)
    world.venue_ns += 6_000 * NS_PER_MS
    world.call(20, 20)
    assert world.error_ms <= 22


def test_an_answer_about_something_else_sharpens_and_is_not_believed_against_the_clock() -> None:
    world = World()
    world.call(400, 0, asks=False)
    assert world.clock.uncertainty_ms is None, "the first word is one that was asked for"
    world.call(400, 0)
    world.call(1, 1, asks=False)
    assert world.error_ms <= 3
    world.call(1, 1, lie_ms=-60_000, asks=False)
    assert world.error_ms <= 3
    assert world.clock.doubted
    world.call(1, 1)
    assert not world.clock.doubted


def test_knowledge_ages() -> None:
    world = World()
    world.call()
    fresh = world.clock.uncertainty_ms
    world.pass_ms(3_600_000)
    aged = world.clock.uncertainty_ms
    assert fresh is not None
    assert aged is not None
    assert aged == pytest.approx(fresh + 720, abs=1)


@pytest.mark.parametrize(
    ("uncertainty_ms", "offset_ms", "says"),
    [
        (None, 0, None),
        (500, 5000, None),
        (500, -5000, None),
        (501, 0, "known to 501 ms only"),
        (5, 5001, "clock is 5001 ms from the venue's"),
        (5, -5001, "clock is -5001 ms from the venue's"),
    ],
)
def test_which_clocks_stop_exposure(uncertainty_ms: int | None, offset_ms: int, says: str | None) -> None:
    fault = clock_fault(uncertainty_ms, offset_ms, 500, 5000)
    assert (fault is None) if says is None else (fault is not None and says in fault)
