"""Where time comes from, so that tests can hold it still. Services read the time nowhere else."""

import time
from typing import Protocol

NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Wall time for stamps that leave the process; monotonic time for durations."""

    def now_ms(self) -> int:
        """Return UTC wall time in ms since 1970."""
        ...

    def now_ns(self) -> int:
        """Return UTC wall time in ns since 1970."""
        ...

    def monotonic_ns(self) -> int:
        """Return ns since an arbitrary point; never goes back."""
        ...


class SystemClock:
    """The machine's clocks."""

    __slots__ = ()

    def now_ms(self) -> int:
        """Return UTC wall time in ms since 1970."""
        return time.time_ns() // NS_PER_MS

    def now_ns(self) -> int:
        """Return UTC wall time in ns since 1970."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Return ns since an arbitrary point; never goes back."""
        return time.monotonic_ns()


class ManualClock:
    """A clock for tests which moves only when told."""

    __slots__ = ("_monotonic_ns", "_wall_ns")

    def __init__(self, start_ms: int = 1_700_000_000_000) -> None:
        self._wall_ns = start_ms * NS_PER_MS
        self._monotonic_ns = 0

    def now_ms(self) -> int:
        """Return UTC wall time in ms since 1970."""
        return self._wall_ns // NS_PER_MS

    def now_ns(self) -> int:
        """Return UTC wall time in ns since 1970."""
        return self._wall_ns

    def monotonic_ns(self) -> int:
        """Return ns since this clock was made."""
        return self._monotonic_ns

    def advance_ms(self, delta_ms: int) -> None:
        """Move both clocks forward by `delta_ms` (>= 0); raise ValueError if negative."""
        if delta_ms < 0:
            raise ValueError(f"a clock does not go back: delta_ms={delta_ms}")
        self._wall_ns += delta_ms * NS_PER_MS
        self._monotonic_ns += delta_ms * NS_PER_MS

    def step_wall_ms(self, delta_ms: int) -> None:
        """Move only the wall clock, either way, as NTP does."""
        self._wall_ns += delta_ms * NS_PER_MS
