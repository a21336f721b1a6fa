"""What an engaged interlock lets through, where, and what shows of it; and what the watches make of their figures."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from hedgegrid.domain.order import OrderType, Purpose
from hedgegrid.executor.interlocks import Interlock, Interlocks, Strength
from hedgegrid.executor.redis_run import ASK_AGAIN_NS, RedisRun
from hedgegrid.executor.redis_watch import EASE_PCT, memory_strength
from hedgegrid.messages.commands import Command
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.metric_names import Metrics
from tests.unit.executor.entries import SYMBOL, amend, cancel, cancel_all, snapshot, submit

ADDS: list[Command] = [submit(1), amend(1)]
ENDS_RISK: list[Command] = [
    msgspec.structs.replace(submit(2, reduce_only=True), order_type=OrderType.MARKET, price=None)
]
RESTS: list[Command] = [submit(2, reduce_only=True), amend(1, purpose=Purpose.TAKE_PROFIT)]
ALWAYS: list[Command] = [cancel(1), cancel_all(), snapshot()]


class Board:
    def __init__(self) -> None:
        self.health = Health()
        self.metrics = Metrics(CollectorRegistry())
        self.interlocks = Interlocks("main", self.health, self.metrics)

    def passing(self, commands: list[Command]) -> list[bool]:
        return [self.interlocks.denial(command) is None for command in commands]

    def shown(self, interlock: Interlock, symbol: str = "") -> float | None:
        labels = {"account": "main", "symbol": symbol, "interlock": str(interlock)}
        return self.metrics.registry.get_sample_value("hedgegrid_interlock", labels)


def test_nothing_is_held_back_without_one() -> None:
    assert all(Board().passing([*ADDS, *ENDS_RISK, *RESTS, *ALWAYS]))


def test_no_exposure_lets_everything_else_pass() -> None:
    board = Board()
    board.interlocks.engage(Interlock.CLOCK, "the clock is off")
    assert not any(board.passing(ADDS))
    assert all(board.passing([*ENDS_RISK, *RESTS, *ALWAYS]))
    assert board.interlocks.denial(ADDS[0]) == "interlock clock: the clock is off"


def test_cancel_only_lets_cancels_and_closings_at_market_pass() -> None:
    board = Board()
    board.interlocks.engage(Interlock.REDIS_MEMORY, "full", strength=Strength.CANCEL_ONLY)
    assert not any(board.passing([*ADDS, *RESTS]))
    assert all(board.passing([*ENDS_RISK, *ALWAYS]))


def test_one_of_a_symbol_is_nothing_to_the_others() -> None:
    board = Board()
    board.interlocks.engage(Interlock.QUARANTINE, "unknown", "ETHUSDT")
    assert all(board.passing(ADDS))
    board.interlocks.engage(Interlock.QUARANTINE, "unknown", SYMBOL)
    assert not any(board.passing(ADDS))
    board.interlocks.release(Interlock.QUARANTINE, SYMBOL)
    assert all(board.passing(ADDS))


def test_health_and_metric_show_it_while_it_holds() -> None:
    board = Board()
    board.interlocks.engage(Interlock.REDIS_MEMORY, "85 %")
    assert board.shown(Interlock.REDIS_MEMORY) == 1
    assert board.health.conditions["interlock:main:redis-memory"].reason == "85 %"
    board.interlocks.engage(Interlock.REDIS_MEMORY, "95 %", strength=Strength.CANCEL_ONLY)
    assert board.shown(Interlock.REDIS_MEMORY) == 2
    assert not board.health.ready
    board.interlocks.release(Interlock.REDIS_MEMORY)
    assert board.shown(Interlock.REDIS_MEMORY) == 0
    assert board.health.ready


@pytest.mark.parametrize(
    ("used", "present", "then"),
    [
        (79.9, None, None),
        (80, None, Strength.NO_EXPOSURE),
        (89.9, None, Strength.NO_EXPOSURE),
        (90, None, Strength.CANCEL_ONLY),
        (86, Strength.CANCEL_ONLY, Strength.CANCEL_ONLY),
        (84.9, Strength.CANCEL_ONLY, Strength.NO_EXPOSURE),
        (76, Strength.NO_EXPOSURE, Strength.NO_EXPOSURE),
        (74.9, Strength.NO_EXPOSURE, None),
        (0, Strength.CANCEL_ONLY, None),
    ],
)
def test_watermarks_are_left_a_little_below(used: float, present: Strength | None, then: Strength | None) -> None:
    assert memory_strength(used, 80, 90, present) is then


@given(st.floats(0, 100), st.sampled_from([None, *Strength]))
def test_a_watermark_once_reached_is_obeyed_whatever_was_before(used: float, present: Strength | None) -> None:
    fresh, eased = memory_strength(used, 80, 90, None), memory_strength(used, 80, 90, present)
    assert (eased or 0) >= (fresh or 0)
    if used < 80 - EASE_PCT:
        assert eased is None


class Server:
    """A money server that can be another run of itself."""

    def __init__(self) -> None:
        self.board = Board()
        self.clock = ManualClock()
        self.run = RedisRun(self.board.interlocks, self.clock)
        self.run.heard("first")
        self.run.begin([SYMBOL, "ETHUSDT"])

    def restart(self) -> None:
        self.clock.advance_ms(1)
        self.run.heard("second")


def test_the_same_run_again_changes_nothing() -> None:
    server = Server()
    server.run.heard("first")
    assert server.run.snapshots_due() == ()
    assert all(server.board.passing(ADDS))


def test_another_run_holds_every_symbol_until_its_own_snapshot() -> None:
    server = Server()
    server.restart()
    assert not any(server.board.passing(ADDS))
    assert all(server.board.passing([*ENDS_RISK, *RESTS, *ALWAYS]))
    assert server.run.snapshots_due() == (SYMBOL, "ETHUSDT")
    server.run.snapshot_published("ETHUSDT", server.clock.monotonic_ns())
    assert not any(server.board.passing(ADDS))
    server.run.snapshot_published(SYMBOL, server.clock.monotonic_ns())
    assert all(server.board.passing(ADDS))


def test_a_snapshot_begun_before_the_restart_vouches_for_nothing() -> None:
    server = Server()
    began_ns = server.clock.monotonic_ns()
    server.restart()
    server.run.snapshot_published(SYMBOL, began_ns)
    assert not any(server.board.passing(ADDS))


def test_a_snapshot_that_did_not_come_is_asked_for_again() -> None:
    server = Server()
    server.restart()
    assert server.run.snapshots_due()
    assert not server.run.snapshots_due()
    server.clock.advance_ms(ASK_AGAIN_NS // 1_000_000)
    server.run.snapshot_published("ETHUSDT", server.clock.monotonic_ns())
    assert server.run.snapshots_due() == (SYMBOL,)


def test_a_new_term_begins_without_it() -> None:
    """It takes snapshots of everything by itself, before any order that was lined up behind them."""
    server = Server()
    server.restart()
    server.run.begin([SYMBOL])
    assert all(server.board.passing(ADDS))
    assert server.run.snapshots_due() == ()
