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
    """Never goes back and never runs past `ceiling_ms`, the time of the market's next step.

    Before the start it stands still at `origin_ms`.
    """

    def __init__(self, origin_ms: int, speed: Speed, read: Callable[[], float] = time.monotonic) -> None:
        self.origin_ms = origin_ms
        self.ceiling_ms = origin_ms
        self._speed = speed
        self._read = read
        self._begun_at: float | None = None
        self._at_ms = origin_ms

    def start(self) -> None:
        """Let time pass from here on; also after `stop`."""
        self._begun_at = self._read()
        self.origin_ms = self._at_ms

    def stop(self) -> None:
        """Stand still."""
        self.now_ms()
        self._begun_at = None

    def now_ms(self) -> int:
        """Venue time; between two steps it passes at the tape's speed (it stands still at maximum speed)."""
        if self._begun_at is not None and self._speed.factor is not None and self._speed.ticks_per_s is None:
            passed_ms = int((self._read() - self._begun_at) * 1000 * self._speed.factor)
            self._at_ms = max(self._at_ms, min(self.origin_ms + passed_ms, self.ceiling_ms))
        return self._at_ms

    def reached(self, at_ms: int) -> None:
        """The market's step at `at_ms` is being played."""
        self._at_ms = max(self._at_ms, at_ms)

    def wait_s(self, at_ms: int) -> float:
        """Seconds until a step at `at_ms` is due; 0 or less when it is, and always at maximum speed."""
        if self._begun_at is None or self._speed.factor is None or self._speed.ticks_per_s is not None:
            return 0.0
        return (at_ms - self.origin_ms) / 1000 / self._speed.factor - (self._read() - self._begun_at)
