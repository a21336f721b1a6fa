"""Venue time: the wall before the start, the tape's pace after it, never past the next step."""

from hedgegrid.exchange_sim.clock import Speed, VenueClock


class Times:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.wall = 1000


def clock_of(speed: Speed) -> tuple[VenueClock, Times]:
    times = Times()
    return VenueClock(speed, read=lambda: times.seconds, wall=lambda: times.wall), times


def test_before_the_start_it_is_wall_time() -> None:
    clock, times = clock_of(Speed())
    times.wall = 2000
    assert clock.now_ms() == 2000
    times.wall = 1500
    assert clock.now_ms() == 2000


def test_it_passes_at_the_tapes_speed_up_to_the_next_step() -> None:
    clock, times = clock_of(Speed(10.0))
    assert clock.start() == 1000
    clock.ceiling_ms = 1600
    times.seconds = 0.05
    assert clock.now_ms() == 1500
    assert round(clock.wait_s(1600), 6) == 0.01
    times.seconds = 1.0
    assert clock.now_ms() == 1600
    assert clock.wait_s(1600) < 0


def test_at_maximum_speed_it_moves_with_the_steps_only() -> None:
    clock, times = clock_of(Speed(None))
    clock.start()
    clock.ceiling_ms = 99_000
    times.seconds = 5.0
    assert clock.now_ms() == 1000
    clock.reached(99_000)
    assert clock.now_ms() == 99_000
    assert clock.wait_s(10**9) == 0


def test_a_pause_takes_no_venue_time() -> None:
    clock, times = clock_of(Speed())
    clock.start()
    clock.ceiling_ms = 10**6
    times.seconds = 1.0
    clock.stop()
    times.seconds = 9.0
    assert clock.now_ms() == 2000
    assert clock.start() == 2000
    times.seconds = 10.0
    assert clock.now_ms() == 3000
