"""How often the venue is asked: a crowd of questions must not cost the address.

Bybit allows an account 50 queries of a kind a second and an address 600 requests in 5 s; beyond that it answers
nothing for ten minutes, cancels included (docs/v5/rate-limit).
"""

import threading
import time

PER_S = 25
BURST = 60
"""A start of a few symbols and a snapshot go through at once; three accounts together stay below 600 in 5 s."""


class QueryPace:
    """A bucket that refills while it is emptied. Any thread may wait."""

    def __init__(self, per_s: int = PER_S, burst: int = BURST) -> None:
        self._per_s = per_s
        self._burst = burst
        self._lock = threading.Lock()
        self._next_s = 0.0
        """When the next question could be asked if there were no burst."""

    def wait(self) -> None:
        """Return when it is this question's turn."""
        wait_s = self.reserve(time.monotonic())
        if wait_s > 0:
            time.sleep(wait_s)

    def reserve(self, now_s: float) -> float:
        """Take a turn; returns the seconds until it has come."""
        with self._lock:
            self._next_s = max(self._next_s, now_s - self._burst / self._per_s) + 1 / self._per_s
            return max(0.0, self._next_s - now_s)
