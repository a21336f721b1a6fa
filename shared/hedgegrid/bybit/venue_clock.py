"""The venue's time, learnt from every answer and carried on by a clock that nobody sets.

Our wall clock may be stepped by NTP or by hand at any moment; the monotonic one is not. An answer says what time it was
at the venue at some moment between its question and its arrival, so it is known to half a round trip. Pure but for the
clocks it is given.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

DRIFT_PPM = 200
"""How far two quartz clocks are trusted to drift apart, in millionths; real ones keep below 100."""
NS_PER_MS = 1_000_000
HALF_MS = NS_PER_MS // 2


class _Known(NamedTuple):
    base_ns: int
    """Venue time minus monotonic time."""
    error_ns: int
    at_ns: int

    def error_at(self, now_ns: int) -> int:
        return self.error_ns + max(0, now_ns - self.at_ns) * DRIFT_PPM // 1_000_000


def _monotonic_ns() -> int:
    return time.monotonic_ns()


def _wall_ns() -> int:
    return time.time_ns()


class VenueClock:
    """Fed and read from any thread."""

    def __init__(self, monotonic_ns: Callable[[], int] = _monotonic_ns, wall_ns: Callable[[], int] = _wall_ns) -> None:
        self.monotonic_ns = monotonic_ns
        self._wall_ns = wall_ns
        self._known: _Known | None = None
        self.doubted = False
        """An answer contradicted what is known: the time should be asked for."""

    def told(self, venue_ms: int, asked_ns: int, answered_ns: int) -> None:
        """The venue was asked for its time; the two moments are monotonic.

        The better of old and new knowledge is kept. When both cannot be true, one of the clocks was set: the new holds.
        """
        self.doubted = False
        new, old = _sample(venue_ms, asked_ns, answered_ns), self._known
        if old is None or not _agree(old, new) or new.error_ns <= old.error_at(answered_ns):
            self._known = new

    def mentioned(self, venue_ms: int, asked_ns: int, answered_ns: int) -> None:
        """An answer about something else named the time: it may sharpen what is known, and contradicted it is doubt."""
        new, old = _sample(venue_ms, asked_ns, answered_ns), self._known
        if old is None:
            return
        if not _agree(old, new):
            self.doubted = True
        elif new.error_ns <= old.error_at(answered_ns):
            self._known = new

    def now_ms(self) -> int:
        """Venue time; our wall clock's while nothing was heard."""
        known = self._known
        now_ns = self._wall_ns() if known is None else self.monotonic_ns() + known.base_ns
        return now_ns // NS_PER_MS

    @property
    def offset_ms(self) -> int:
        """Venue time minus our wall clock's, now; 0 while nothing was heard."""
        known = self._known
        return 0 if known is None else (self.monotonic_ns() + known.base_ns - self._wall_ns()) // NS_PER_MS

    @property
    def uncertainty_ms(self) -> int | None:
        """How far `now_ms` may be off, either way; None while nothing was heard."""
        known = self._known
        return None if known is None else known.error_at(self.monotonic_ns()) // NS_PER_MS


def _sample(venue_ms: int, asked_ns: int, answered_ns: int) -> _Known:
    middle_ns = (asked_ns + answered_ns) // 2
    return _Known(venue_ms * NS_PER_MS + HALF_MS - middle_ns, (answered_ns - asked_ns) // 2 + HALF_MS, answered_ns)


def _agree(old: _Known, new: _Known) -> bool:
    """Both can be true."""
    return abs(new.base_ns - old.base_ns) <= new.error_ns + old.error_at(new.at_ns)
