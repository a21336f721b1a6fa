"""When a connection may be tried again: never in a storm. Pure, so that a test can hold the clock."""

import random
import threading
from collections import deque

from hedgegrid.runtime.clock import Clock

FIRST_DELAY_MS = 500
LONGEST_DELAY_MS = 30_000
STABLE_MS = 30_000
"""A connection that lasted this long was a good one: the next failure starts from the first delay."""
WINDOW_MS = 300_000
CONNECTS_PER_WINDOW = 60
"""Bybit bans at 500 new connections in 5 minutes per IP."""

NS_PER_MS = 1_000_000


class ConnectBudget:
    """Attempts of all feeds of a process, which the venue counts together. Safe from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._attempts: deque[int] = deque()

    def wait_ms(self) -> int:
        """How long until one more attempt fits in; 0 = now."""
        now = _now_ms(self._clock)
        with self._lock:
            while self._attempts and now - self._attempts[0] >= WINDOW_MS:
                self._attempts.popleft()
            if len(self._attempts) < CONNECTS_PER_WINDOW:
                return 0
            return self._attempts[0] + WINDOW_MS - now

    def attempt(self) -> None:
        """An attempt begins."""
        with self._lock:
            self._attempts.append(_now_ms(self._clock))


class ReconnectPolicy:
    """Capped exponential back-off with jitter, under a budget of attempts."""

    def __init__(self, clock: Clock, dice: random.Random, budget: ConnectBudget) -> None:
        self._clock = clock
        self._dice = dice
        self._budget = budget
        self._failures = 0
        self._not_before_ms = 0
        self._connected_ms: int | None = None

    def wait_ms(self) -> int:
        """How long to wait before the next attempt; 0 = go."""
        return max(0, self._not_before_ms - _now_ms(self._clock), self._budget.wait_ms())

    def attempt(self) -> None:
        """An attempt begins."""
        self._budget.attempt()

    def connected(self) -> None:
        """The attempt succeeded: the feed is live."""
        self._connected_ms = _now_ms(self._clock)

    def failed(self) -> None:
        """The attempt failed, or the live connection ended."""
        now = _now_ms(self._clock)
        if self._connected_ms is not None and now - self._connected_ms >= STABLE_MS:
            self._failures = 0
        self._connected_ms = None
        delay = min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** min(self._failures, 16))
        # Half fixed, half chance: many gateways cut off together must not come back together.
        self._not_before_ms = now + int(delay * self._dice.uniform(0.5, 1.0))
        self._failures += 1


def _now_ms(clock: Clock) -> int:
    return clock.monotonic_ns() // NS_PER_MS
