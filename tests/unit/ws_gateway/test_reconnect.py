"""Back-off and budget, with the clock held."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.runtime.clock import ManualClock
from hedgegrid.ws_gateway.reconnect import BURST, EVERY_MS, STABLE_MS, ConnectBudget, ReconnectPolicy

WINDOW_MS = 300_000
"""The venue's."""
MOST = BURST + WINDOW_MS // EVERY_MS


def policy() -> tuple[ReconnectPolicy, ManualClock]:
    clock = ManualClock()
    return ReconnectPolicy(clock, random.Random(7), ConnectBudget(clock)), clock


def test_first_attempt_is_free_and_later_ones_wait_longer_and_longer() -> None:
    feed, clock = policy()
    assert feed.wait_ms() == 0
    waits = []
    for _ in range(9):
        feed.attempt()
        feed.failed()
        waits.append(feed.wait_ms())
        clock.advance_ms(waits[-1])
        assert feed.wait_ms() == 0
    for number, wait in enumerate(waits):
        longest = min(5_000, 500 * 2**number)
        assert longest / 2 <= wait <= longest


def test_a_stable_connection_starts_the_back_off_anew_a_short_one_does_not() -> None:
    feed, clock = policy()
    for _ in range(6):
        feed.attempt()
        feed.failed()
        clock.advance_ms(feed.wait_ms())
    feed.attempt()
    feed.connected()
    clock.advance_ms(STABLE_MS - 1)
    feed.failed()
    assert feed.wait_ms() >= 2_500
    clock.advance_ms(feed.wait_ms())
    feed.attempt()
    feed.connected()
    clock.advance_ms(STABLE_MS)
    feed.failed()
    assert feed.wait_ms() <= 500


@given(st.lists(st.integers(0, 120_000), max_size=300))
def test_never_more_than_the_budget_in_any_window(lifetimes_ms: list[int]) -> None:
    feed, clock = policy()
    attempts: list[int] = []
    for lifetime in lifetimes_ms:
        clock.advance_ms(feed.wait_ms())
        now = clock.monotonic_ns() // 1_000_000
        attempts.append(now)
        assert sum(now - at < WINDOW_MS for at in attempts) <= MOST
        feed.attempt()
        feed.connected()
        clock.advance_ms(lifetime)
        feed.failed()


def test_feeds_refused_for_an_hour_share_one_budget_and_all_come_back() -> None:
    """Each feed alone would stay within it; twelve of them would not."""
    clock = ManualClock()
    budget = ConnectBudget(clock)
    feeds = [ReconnectPolicy(clock, random.Random(seed), budget) for seed in range(12)]
    attempts: list[int] = []
    for now_s in range(3_600):
        for feed in feeds:
            if feed.wait_ms() == 0:
                feed.attempt()
                feed.failed()
                attempts.append(now_s)
        clock.advance_ms(1_000)
    most = max(sum(start <= at < start + WINDOW_MS // 1_000 for at in attempts) for start in attempts)
    assert MOST // 2 < most <= MOST < 500 // 2, "a second gateway behind the same address has room"
    pauses_s = [later - at for at, later in itertools.pairwise(attempts)]
    assert max(pauses_s) <= 5, "they go on trying"
    connected: set[int] = set()
    for _ in range(len(feeds) * EVERY_MS // 1_000 + 10):
        for number, feed in enumerate(feeds):
            if number not in connected and feed.wait_ms() == 0:
                feed.attempt()
                feed.connected()
                connected.add(number)
        clock.advance_ms(1_000)
    assert len(connected) == len(feeds)
