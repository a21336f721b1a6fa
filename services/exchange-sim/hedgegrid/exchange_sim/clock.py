"""The venue clock: recorded time shifted so that the tape starts now, at 1x, Nx or as fast as it goes.

Order and market stamps are venue time; authentication and rate limits are always wall time (`wall_ms`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass


def wall_ms() -> int:
    """Wall-clock time in integer ms UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast the tape runs: `factor` times real time, `None` for as fast as it goes; or, when set, `ticks_per_s`
    ticker changes a second of all symbols together, whatever the recorded times are.
    """

    factor: float | None = 1.0
    ticks_per_s: float | None = None


class VenueClock:
    """Wall time until the market starts; from then on the tape's time, never back and never past `ceiling_ms`, the
    next step of the market. Between two steps it passes at the tape's speed; without one it stands still.
    """

    def __init__(
        self, speed: Speed, read: Callable[[], float] = time.monotonic, wall: Callable[[], int] = wall_ms
    ) -> None:
        self.ceiling_ms = 0
        self._factor = speed.factor if speed.ticks_per_s is None else None
        self._read = read
        self._wall = wall
        self._at_ms = wall()
        self._started = False
        self._origin_ms = 0
        self._begun_at: float | None = None

    def start(self) -> int:
        """Let the tape's time pass from here on, also after `stop`; returns the venue time."""
        at_ms = self.now_ms()
        if self._begun_at is None:
            self._started = True
            self._origin_ms = at_ms
            self._begun_at = self._read()
        return at_ms

    def stop(self) -> None:
        """Stand still."""
        self.now_ms()
        self._begun_at = None

    def now_ms(self) -> int:
        if not self._started:
            self._at_ms = max(self._at_ms, self._wall())
        elif self._begun_at is not None and self._factor is not None:
            passed_ms = int((self._read() - self._begun_at) * 1000 * self._factor)
            self._at_ms = max(self._at_ms, min(self._origin_ms + passed_ms, self.ceiling_ms))
        return self._at_ms

    def reached(self, at_ms: int) -> None:
        """The market's step at `at_ms` is being played."""
        self._at_ms = max(self._at_ms, at_ms)

    def wait_s(self, at_ms: int) -> float:
        """Seconds until a step at `at_ms` is due; 0 or less when it is, and always without a speed factor."""
        if self._begun_at is None or self._factor is None:
            return 0.0
        return (at_ms - self._origin_ms) / 1000 / self._factor - (self._read() - self._begun_at)
