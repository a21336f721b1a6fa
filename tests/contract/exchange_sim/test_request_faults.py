"""What a client sees of each request fault, and what the exchange did meanwhile."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError

from tests.contract.exchange_sim.simulators import Simulator, launch
from tests.contract.exchange_sim.test_pybit import BTC, hedged, limit

CREATE = {"path": "/v5/order/create"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    simulator = launch("--synthetic", "flat", "--order-rate", "1000")
    hedged(simulator)
    yield simulator
    simulator.close()


@pytest.fixture
def sim(shared: Simulator) -> Iterator[Simulator]:
    yield shared
    shared.behave()


def client(sim: Simulator, **options: Any) -> Any:
    """pybit that neither retries nor hides anything."""
    return sim.http(max_retries=1, retry_codes={-999}, **options)


def place(sim: Simulator, link_id: str, **options: Any) -> Any:
    return client(sim, **options).place_order(**limit("Buy", "50000", 1, orderLinkId=link_id))


def exists(sim: Simulator, link_id: str) -> bool:
    orders = sim.admin("orders", account="main")["list"]
    return any(order["orderLinkId"] == link_id for order in orders)


def journal(sim: Simulator, link_id: str) -> list[int]:
    return [entry["retCode"] for entry in sim.admin("requests", orderLinkId=link_id)["list"]]


@pytest.mark.parametrize("executed", [True, False])
def test_a_lost_answer(sim: Simulator, executed: bool) -> None:
    link_id = f"lost-{executed}"
    sim.tell("faults", kind="answer_lost", match=CREATE, count=1, executed=executed)
    with pytest.raises(requests.exceptions.ConnectionError):
        place(sim, link_id)
    assert exists(sim, link_id) is executed
    assert journal(sim, link_id) == [0 if executed else -1]
    if executed:
        with pytest.raises(InvalidRequestError) as refusal:
            place(sim, link_id)
        assert refusal.value.status_code == 110072
    else:
        place(sim, link_id)


@pytest.mark.parametrize("executed", [True, False])
@pytest.mark.parametrize("code", [10000, 10002, 10016])
def test_an_error_code_in_place_of_the_answer(sim: Simulator, code: int, executed: bool) -> None:
    link_id = f"code-{code}-{executed}"
    sim.tell("faults", kind="answer_code", code=code, match=CREATE, count=1, executed=executed)
    with pytest.raises(InvalidRequestError) as refusal:
        place(sim, link_id)
    assert refusal.value.status_code == code
    assert exists(sim, link_id) is executed


@pytest.mark.parametrize("reset_ms", [1500, None])
def test_too_many_visits_tells_when_it_ends_or_not(sim: Simulator, reset_ms: int | None) -> None:
    sim.tell("faults", kind="answer_code", code=10006, match=CREATE, count=1, reset_ms=reset_ms)
    with pytest.raises(InvalidRequestError) as refusal:
        place(sim, f"visits-{reset_ms}")
    assert refusal.value.status_code == 10006
    told = refusal.value.resp_headers.get("X-Bapi-Limit-Reset-Timestamp")
    if reset_ms is None:
        assert told is None
    else:
        assert int(told) > time.time() * 1000


@pytest.mark.parametrize("status", [403, 429, 500, 502, 503])
def test_an_http_status_without_an_envelope(sim: Simulator, status: int) -> None:
    sim.tell("faults", kind="answer_status", status=status, match=CREATE, count=1)
    with pytest.raises(FailedRequestError) as failure:
        place(sim, f"status-{status}")
    assert failure.value.status_code == status
    assert not exists(sim, f"status-{status}")
    assert journal(sim, f"status-{status}") == [-status]


@pytest.mark.parametrize("form", ["html", "truncated", "empty"])
def test_garbage_for_an_answer(sim: Simulator, form: str) -> None:
    sim.tell("faults", kind="answer_garbage", form=form, match=CREATE, count=1)
    with pytest.raises(FailedRequestError):
        place(sim, f"garbage-{form}")
    assert exists(sim, f"garbage-{form}")


def test_a_late_answer_to_a_request_that_took_effect(sim: Simulator) -> None:
    sim.tell("faults", kind="answer_late", delay_ms=3000, match=CREATE, count=1)
    with pytest.raises(requests.exceptions.ReadTimeout):
        place(sim, "late-answer", timeout=0.3)
    assert exists(sim, "late-answer")


def test_a_request_held_beyond_its_window_is_refused(sim: Simulator) -> None:
    sim.tell("faults", kind="request_late", delay_ms=700, match=CREATE, count=1)
    with pytest.raises(InvalidRequestError) as refusal:
        place(sim, "held", recv_window=500)
    assert refusal.value.status_code == 10002
    assert not exists(sim, "held")


def test_faults_pick_their_requests_and_tell_how_often_they_hit(sim: Simulator) -> None:
    body = sim.tell("faults", kind="answer_code", code=10016, match=CREATE | {"orderLinkId": "pick-*"}, skip=1, count=1)
    place(sim, "other-1")
    place(sim, "pick-1")
    with pytest.raises(InvalidRequestError):
        place(sim, "pick-2")
    place(sim, "pick-3")
    (row,) = sim.admin("faults")["list"]
    assert (row["id"], row["kind"], row["hits"]) == (body["id"], "answer_code", 1)


def test_the_same_seed_loses_the_same_answers(sim: Simulator) -> None:
    def lost(run: str) -> list[bool]:
        fault = {"kind": "answer_code", "code": 10016, "match": CREATE, "probability": 0.5}
        sim.tell("scenario", seed=11, fault=[fault])
        refused = []
        for number in range(12):
            try:
                place(sim, f"seed-{run}-{number}")
                refused.append(False)
            except InvalidRequestError:
                refused.append(True)
        return refused

    first = lost("a")
    assert lost("b") == first
    assert 0 < sum(first) < 12


def test_the_servers_clock_can_be_wrong(sim: Simulator) -> None:
    sim.tell("events", kind="clock_skew", skew_ms=8000)
    with pytest.raises(InvalidRequestError) as refusal:
        place(sim, "skewed")
    assert refusal.value.status_code == 10002
    told = int(client(sim).get_server_time()["result"]["timeSecond"]) * 1000
    assert told > time.time() * 1000 + 6000


def test_maintenance_refuses_requests_for_a_while(sim: Simulator) -> None:
    sim.tell("events", kind="maintenance", for_s=60)
    with pytest.raises(InvalidRequestError) as refusal:
        client(sim).get_positions(**BTC)
    assert refusal.value.status_code == 10016
    sim.behave()
    client(sim).get_positions(**BTC)


def test_bad_faults_are_refused_in_one_line(sim: Simulator) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"kind": "answer_code"}, "code"),
        ({"kind": "nothing"}, "nothing"),
        ({"kind": "answer_lost", "probability": 2}, "probability"),
        ({"kind": "answer_lost", "match": {"colour": "red"}}, "colour"),
    ]
    for body, word in bad:
        reply = requests.post(f"{sim.info['admin']}/admin/faults", json=body, timeout=5)
        assert reply.status_code == 400
        assert word in reply.text
        assert reply.text.count("\n") == 1


def test_queries_may_lag_behind(sim: Simulator) -> None:
    session = client(sim)
    sim.tell("faults", kind="query_stale", lag_ms=600_000, match={"method": "GET"})
    place(sim, "unheard-of")
    assert session.get_open_orders(**BTC, orderLinkId="unheard-of")["result"]["list"] == []
    session.cancel_order(**BTC, orderLinkId="unheard-of")
    assert session.get_order_history(**BTC, orderLinkId="unheard-of")["result"]["list"] == []
    assert exists(sim, "unheard-of")
    sim.behave()
    (row,) = session.get_order_history(**BTC, orderLinkId="unheard-of")["result"]["list"]
    assert row["orderStatus"] == "Cancelled"
