"""Clocks agree on units; the manual one moves only when told."""

import time

import pytest

from hedgegrid.runtime.clock import Clock, ManualClock, SystemClock


def test_system_clock_is_wall_time() -> None:
    clock: Clock = SystemClock()
    assert abs(clock.now_ms() - time.time() * 1000) < 1000
    assert abs(clock.now_ns() // 1_000_000 - clock.now_ms()) < 1000
    assert clock.monotonic_ns() <= clock.monotonic_ns()


def test_manual_clock() -> None:
    clock = ManualClock(start_ms=1000)
    held: Clock = clock
    clock.advance_ms(5)
    assert (held.now_ms(), held.now_ns(), held.monotonic_ns()) == (1005, 1_005_000_000, 5_000_000)
    clock.step_wall_ms(-1000)
    assert (held.now_ms(), held.monotonic_ns()) == (5, 5_000_000)
    with pytest.raises(ValueError, match="go back"):
        clock.advance_ms(-1)
