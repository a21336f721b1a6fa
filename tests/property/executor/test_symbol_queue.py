"""Any line of commands, any order of running and ending: no overlap, no overtaking, nobody stuck."""

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.domain.order import Leg
from hedgegrid.executor.in_flight import InFlight, Stage
from hedgegrid.executor.symbol_queue import runnable
from tests.unit.executor.entries import amend, cancel, cancel_all, entry, snapshot, submit

legs = st.sampled_from(Leg)
numbers = st.integers(1, 3)
commands = st.one_of(
    st.builds(submit, numbers, legs, st.booleans()),
    st.builds(amend, numbers, legs),
    st.builds(cancel, numbers, legs),
    st.builds(cancel_all),
    st.builds(snapshot),
)


@given(st.lists(commands, max_size=12), st.data())
def test_every_history_ends_and_keeps_the_rules(given_commands: list[object], data: st.DataObject) -> None:
    queue: list[InFlight] = [entry(command) for command in given_commands]  # type: ignore[arg-type]
    line = list(queue)
    for _ in range(20 * len(line) + 1):
        if not queue:
            break
        moves: list[tuple[str, InFlight]] = [("start", e) for e in runnable(queue)]
        busy = [e for e in queue if e.stage in (Stage.RUNNING, Stage.UNKNOWN)]
        moves += [("end", e) for e in busy]
        moves += [("lose", e) for e in busy if e.stage is Stage.RUNNING and e.target.leg is not None]
        assert moves, "stuck"
        move, chosen = data.draw(st.sampled_from(moves))
        if move == "start":
            _check_start(chosen, queue, line)
            chosen.stage = Stage.RUNNING
        elif move == "lose":
            chosen.stage = Stage.UNKNOWN
        else:
            queue.remove(chosen)


def _check_start(chosen: InFlight, queue: list[InFlight], line: list[InFlight]) -> None:
    others = [e for e in queue if e is not chosen]
    active = [e for e in others if e.stage in (Stage.RUNNING, Stage.UNKNOWN)]
    running = [e for e in others if e.stage is Stage.RUNNING]
    ahead = [e for e in others if line.index(e) < line.index(chosen)]
    assert not any(e.is_snapshot for e in running)
    if chosen.is_snapshot:
        assert not active
        assert not ahead
        return
    assert not any(e.target.order_id == chosen.target.order_id for e in active)
    assert not any(e.target.leg in (None, chosen.target.leg) for e in running if not e.is_snapshot)
    if chosen.target.leg is None:
        assert not [e for e in ahead if e.stage is Stage.QUEUED and not e.is_snapshot]
    same_leg = [e for e in ahead if e.target.leg is chosen.target.leg and e.stage is Stage.QUEUED]
    assert all(e.is_snapshot and chosen.urgent for e in same_leg)
