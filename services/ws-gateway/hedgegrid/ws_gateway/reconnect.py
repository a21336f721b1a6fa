"""When a connection may be tried again: never in a storm. Pure, so that a test can hold the clock."""

import random
import threading

from hedgegrid.runtime.clock import Clock

FIRST_DELAY_MS = 500
LONGEST_DELAY_MS = 5_000
"""Bots without a feed plan nothing, so a line that is back must be noticed soon."""
STABLE_MS = 30_000
"""A connection that lasted this long was a good one: the next failure starts from the first delay."""
BURST = 50
EVERY_MS = 2_000
"""So many attempts at once, then one in so long: at most 200 in any 5 minutes. Bybit bans an address at 500."""

NS_PER_MS = 1_000_000


class ConnectBudget:
    """Attempts of all feeds of a process, which the venue counts together. Safe from any thread.

    What is used up comes back bit by bit (a leaky bucket): feeds refused for long go on trying at an even pace.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._paid_off_ms = 0
        """When all attempts so far will have come back."""

    def wait_ms(self) -> int:
        """How long until one more attempt fits in; 0 = now."""
        with self._lock:
            return max(0, self._paid_off_ms - (BURST - 1) * EVERY_MS - _now_ms(self._clock))

    def attempt(self) -> None:
        """An attempt begins."""
        with self._lock:
            self._paid_off_ms = max(self._paid_off_ms, _now_ms(self._clock)) + EVERY_MS


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
