"""Faults are drawn by seed and order of traffic alone; events fall due in order of time."""

from typing import Any

import pytest

from hedgegrid.exchange_sim.faults.events import SocketClose
from hedgegrid.exchange_sim.faults.kinds import AnswerLate, AnswerLost, MessageDrop, RequestFault
from hedgegrid.exchange_sim.faults.plan import FaultPlan, fits
from hedgegrid.exchange_sim.faults.requests import plan_of, subject_of
from hedgegrid.exchange_sim.faults.schedule import Schedule

CREATE = {"path": "/v5/order/create", "orderLinkId": ["a-1", "b-2"]}


@pytest.mark.parametrize(
    ("match", "fit"),
    [
        ({}, True),
        ({"path": "/v5/order/*"}, True),
        ({"path": "/v5/order"}, False),
        ({"orderLinkId": "b-*"}, True),
        ({"orderLinkId": "c-*"}, False),
        ({"path": "*", "symbol": "BTCUSDT"}, False),
        ({"symbol": ""}, True),
    ],
)
def test_every_pattern_must_fit_and_a_list_fits_by_any_item(match: dict[str, str], fit: bool) -> None:
    assert fits(match, CREATE) is fit


def hits(seed: int, others: int, *, tries: int = 200) -> list[bool]:
    plan = FaultPlan(seed)
    plan.add(MessageDrop(probability=0.3))
    for _ in range(others):
        plan.add(MessageDrop(match={"topic": "nothing"}, probability=0.5))
    return [bool(plan.drawn(MessageDrop, {"topic": "order"}, 0.0)) for _ in range(tries)]


def test_the_same_seed_draws_the_same_and_other_faults_do_not_disturb() -> None:
    assert hits(7, 0) == hits(7, 3)
    assert hits(7, 0) != hits(8, 0)
    assert 30 < sum(hits(7, 0)) < 90


def test_skip_count_and_window_bound_a_fault() -> None:
    plan = FaultPlan()
    plan.add(AnswerLost(skip=2, count=3, from_s=1, until_s=2))
    tried = [0.5, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 2.0]
    assert [bool(plan.drawn(RequestFault, {}, at_s)) for at_s in tried] == [False] * 3 + [True] * 3 + [False] * 2


def test_a_removed_fault_is_gone_and_an_unknown_one_was_never_there() -> None:
    plan = FaultPlan()
    armed = plan.add(AnswerLost())
    assert plan.has(RequestFault)
    assert not plan.has(MessageDrop)
    assert (plan.remove(armed.id), plan.remove(armed.id)) == (True, False)
    assert not plan.has(RequestFault)


def test_faults_on_one_request_add_up() -> None:
    plan = plan_of([AnswerLate(delay_ms=300), AnswerLost(executed=False), AnswerLate(delay_ms=200)])
    assert (plan.executed, plan.is_lost, plan.answer_delay_s) == (False, True, 0.5)
    assert plan_of([]).executed


def test_a_batch_is_matched_by_the_fields_of_all_its_legs() -> None:
    legs: list[Any] = [{"symbol": "A", "orderLinkId": "x"}, {"symbol": "B"}, "no leg"]
    subject = subject_of("main", "rest", "POST", "/v5/order/create-batch", {"category": "linear", "request": legs})
    assert (subject["symbol"], subject["orderLinkId"]) == (["A", "B"], ["x"])


def test_events_fall_due_in_order_and_repeat() -> None:
    schedule = Schedule()
    late = schedule.add(SocketClose(at_s=20))
    every = schedule.add(SocketClose(at_s=5, every_s=10, count=2))
    assert schedule.next_s == 5
    assert [(planned.id, planned.done) for planned in schedule.due(4.9)] == []
    assert [planned.id for planned in schedule.due(5)] == [every.id]
    assert schedule.next_s == 15
    assert [planned.id for planned in schedule.due(30)] == [every.id, late.id]
    assert (schedule.next_s, schedule.due(1e9)) == (float("inf"), [])
