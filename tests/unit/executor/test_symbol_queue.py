"""Who may go, who must wait, in one symbol's line."""

import pytest

from hedgegrid.domain.order import Leg
from hedgegrid.executor.in_flight import InFlight, Stage
from hedgegrid.executor.symbol_queue import runnable
from tests.unit.executor.entries import amend, cancel, cancel_all, entry, snapshot, submit


def places(*queue: InFlight) -> list[int]:
    return [queue.index(found) for found in runnable(queue)]


def test_one_leg_goes_one_by_one_and_the_other_beside_it() -> None:
    assert places(entry(submit(1)), entry(submit(2)), entry(submit(3, Leg.SHORT))) == [0, 2]
    assert places(entry(submit(1), Stage.RUNNING), entry(submit(2))) == []


def test_an_unknown_outcome_holds_back_only_its_own_order() -> None:
    for stage in (Stage.UNKNOWN, Stage.ASKING):
        assert places(entry(submit(1), stage), entry(cancel(1)), entry(submit(2))) == []
        assert places(entry(submit(1), stage), entry(submit(2))) == [1]
        assert places(entry(submit(1), stage), entry(cancel(1))) == []
        assert places(entry(submit(1), stage), entry(amend(1)), entry(cancel(2, Leg.SHORT))) == [2]


def test_cancel_all_waits_for_what_is_ahead_and_holds_back_what_follows() -> None:
    assert places(entry(submit(1)), entry(cancel_all()), entry(submit(2, Leg.SHORT))) == [0]
    assert places(entry(submit(1), Stage.RUNNING), entry(cancel_all())) == []
    assert places(entry(cancel_all()), entry(submit(1)), entry(submit(2, Leg.SHORT))) == [0]
    assert places(entry(cancel_all(), Stage.RUNNING), entry(submit(1)), entry(cancel(2))) == []


def test_cancel_all_does_not_wait_for_unknown_outcomes() -> None:
    assert places(entry(submit(1), Stage.UNKNOWN), entry(cancel_all())) == [1]


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.RUNNING, Stage.UNKNOWN, Stage.ASKING])
def test_a_snapshot_waits_until_all_ahead_is_settled(stage: Stage) -> None:
    assert 1 not in places(entry(submit(1), stage), entry(snapshot()))
    assert places(entry(snapshot())) == [0]


def test_only_what_reduces_overtakes_a_waiting_snapshot() -> None:
    queue = entry(snapshot()), entry(submit(1)), entry(submit(2, Leg.SHORT, reduce_only=True))
    assert places(*queue) == [0, 2]
    queue[2].stage = Stage.RUNNING
    assert places(*queue) == []


def test_nothing_passes_while_the_snapshot_is_taken() -> None:
    queue = entry(snapshot(), Stage.RUNNING), entry(submit(1, reduce_only=True)), entry(cancel(3)), entry(cancel_all())
    assert places(*queue) == []


def test_two_snapshots_are_taken_one_after_the_other() -> None:
    assert places(entry(snapshot()), entry(snapshot())) == [0]
    assert places(entry(snapshot(), Stage.RUNNING), entry(snapshot())) == []
