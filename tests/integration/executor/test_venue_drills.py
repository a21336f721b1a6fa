"""A venue that misbehaves, drilled with real processes: the executor against the simulator's fault API.

What is asserted is the venue's own truth: which requests came, and which orders there are.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bus import keys
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.events import (
    DenyReason,
    OrderAcked,
    OrderDenied,
    OrderEvent,
    OrderRejected,
    SnapshotFailed,
    SnapshotTaken,
)
from hedgegrid.operator.redis_server import RedisServer
from tests.integration.executor.fake_venue import CANCEL, CREATE
from tests.integration.executor.floor import Floor, Ticker, eventually
from tests.integration.executor.processes import Processes
from tests.integration.executor.simulator import Simulator

BAN_S = 2


class Drill:
    """One executor process and one simulator process."""

    def __init__(self, redis_url: str, folder: Path, **settings: Any) -> None:
        self.floor = Floor(redis_url)
        self.venue = Simulator(self.floor.account)
        (account,) = self.venue.addresses["accounts"]
        api_keys = {
            f"{self.floor.account}_api_key": account["api_key"],
            f"{self.floor.account}_api_secret": account["api_secret"],
        }
        eventually(lambda: self.venue.admin("status")["ticks"] > 0, "the market moves")
        self.processes = Processes(self.floor, self.venue.addresses["rest"], folder)
        self.ticker = Ticker(self.floor, str(self.venue.price("1")))
        self.processes.start(ban_pause_s=BAN_S, probe_first_s=0.2, probe_longest_s=1, **api_keys, **settings)
        self.floor.ready()

    def order(self) -> SubmitOrder:
        """One that rests."""
        return self.floor.submit(price=self.venue.price("0.9"))

    def outcome(self, order: SubmitOrder) -> OrderEvent:
        self.floor.send(order)
        return self.floor.expect(OrderEvent, order.client_order_id)[0]

    def posts(self, order: SubmitOrder, path: str = CREATE) -> list[dict[str, Any]]:
        return self.venue.requests(orderLinkId=order.client_order_id, path=path)

    def placed(self, order: SubmitOrder) -> int:
        return sum(row["orderLinkId"] == order.client_order_id for row in self.venue.rows("orders"))

    def why(self, condition: str) -> str:
        """Reason of a health condition, as the process told it last."""
        told: Any = self.floor.client.get(keys.heartbeat("executor", "executor-0"))
        conditions = json.loads(told or b"{}").get("conditions", {})
        return str(conditions.get(f"{condition}:{self.floor.account}", {}).get("reason", ""))

    def close(self) -> None:
        self.processes.stop_all()
        self.ticker.close()
        self.venue.close()
        self.floor.client.close()


@pytest.fixture(scope="module")
def shared_drill(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    drill = Drill(redis_server.url, tmp_path_factory.mktemp("drill"), clock_drift_limit_ms=60_000)
    yield drill
    drill.close()


@pytest.fixture
def drill(shared_drill: Drill) -> Iterator[Drill]:
    """The shared pair, with nothing armed and nothing in flight before and after."""
    yield shared_drill
    shared_drill.venue.mend()
    eventually(shared_drill.floor.settled, "settled")


@pytest.fixture
def own_drill(redis_server: RedisServer, tmp_path: Path) -> Iterator[Drill]:
    drill = Drill(redis_server.url, tmp_path)
    yield drill
    drill.close()


@pytest.mark.parametrize("executed", [True, False], ids=["placed", "not-placed"])
@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("answer_status", {"status": 502}),
        ("answer_status", {"status": 500}),
        ("answer_garbage", {"form": "html"}),
        ("answer_garbage", {"form": "truncated"}),
        ("answer_lost", {}),
        ("answer_code", {"code": 10000, "text": "Server Timeout"}),
        ("answer_code", {"code": 10016, "text": "Server error."}),
        ("answer_code", {"code": 10019, "text": "restarting"}),
        ("answer_code", {"code": 10014, "text": "Invalid duplicate request."}),
        ("answer_code", {"code": 170007, "text": "Timeout waiting for response"}),
        ("answer_code", {"code": 170032, "text": "Network error."}),
    ],
    ids=lambda value: value if isinstance(value, str) else ".".join(map(str, value.values())),
)
def test_a_doubtful_answer_ends_in_one_order(drill: Drill, kind: str, what: dict[str, Any], executed: bool) -> None:
    """A1, A2, A8, A9, A11, A14: ambiguous either way; the venue is asked, and the same id goes again if need be."""
    drill.venue.fault(kind, match={"path": CREATE}, count=1, executed=executed, **what)
    order = drill.order()
    assert isinstance(drill.outcome(order), OrderAcked)
    assert drill.placed(order) == 1
    assert len(drill.posts(order)) == (1 if executed else 2)


@pytest.mark.parametrize("reset_ms", [700, None], ids=["with-a-reset", "without"])
def test_a_throttled_order_waits_and_a_close_does_not_wait_for_it(drill: Drill, reset_ms: int | None) -> None:
    """A5: refused at the gate; the same id goes again, not before the reset."""
    named = {} if reset_ms is None else {"reset_ms": reset_ms}
    drill.venue.fault("answer_code", match={"path": CREATE}, count=1, code=10006, text="Too many visits.", **named)
    order = drill.order()
    assert isinstance(drill.outcome(order), OrderAcked)
    first, second = drill.posts(order)
    assert second["ts"] - first["ts"] >= (reset_ms or 1000) - 50
    assert drill.placed(order) == 1


@pytest.mark.parametrize("skew_ms", [-6000, 6000, 1200])
def test_a_clock_that_differs_is_brought_in_line(drill: Drill, skew_ms: int) -> None:
    """A7, G7: 10002, then the same id with a new timestamp; the receive window stays what it was."""
    drill.venue.event("clock_skew", skew_ms=skew_ms, for_s=60)
    order = drill.order()
    assert isinstance(drill.outcome(order), OrderAcked)
    assert drill.placed(order) == 1
    assert len(drill.posts(order)) <= 2
    drill.venue.event("clock_skew", skew_ms=0)
    again = drill.order()
    assert isinstance(drill.outcome(again), OrderAcked)


def test_a_clock_that_is_far_off_stops_exposure_and_nothing_else(own_drill: Drill) -> None:
    """G7, I23: signatures carry the venue's time and pass; but our own clock tells the age of prices and commands."""
    drill = own_drill
    drill.venue.event("clock_skew", skew_ms=20_000)
    first = drill.order()
    assert isinstance(drill.outcome(first), OrderAcked), "signed anew with the venue's time"
    eventually(lambda: isinstance(drill.outcome(drill.order()), OrderDenied), "held back")
    denied = drill.outcome(drill.order())
    assert isinstance(denied, OrderDenied)
    assert denied.reason is DenyReason.INTERLOCKED
    assert "this machine's clock is" in denied.text
    drill.floor.send(drill.floor.cancel(first))
    drill.floor.expect(OrderAcked, first.client_order_id, count=2)
    drill.venue.event("clock_skew", skew_ms=0)
    eventually(lambda: isinstance(drill.outcome(drill.order()), OrderAcked), "orders pass again")


def test_a_ban_stops_every_call_cancels_included(drill: Drill) -> None:
    """A6: a call during the ban would prolong it; what was asked for meanwhile is done after it."""
    resting = drill.order()
    assert isinstance(drill.outcome(resting), OrderAcked)
    drill.venue.fault("answer_status", match={"path": CREATE}, count=1, status=403)
    order = drill.order()
    drill.floor.send(order)
    eventually(lambda: len(drill.posts(order)) == 1, "refused")
    drill.floor.send(drill.floor.cancel(resting), drill.floor.snapshot(77))
    drill.floor.expect(OrderAcked, order.client_order_id)
    eventually(lambda: len(drill.posts(resting, CANCEL)) == 1, "cancelled")
    banned_ms = drill.posts(order)[0]["ts"]
    later = [row["ts"] for row in drill.venue.requests(account=drill.floor.account) if row["ts"] > banned_ms]
    assert min(later) - banned_ms >= BAN_S * 1000
    assert drill.placed(order) == 1


def test_a_right_taken_away_and_given_back_needs_no_restart(own_drill: Drill) -> None:
    """A18: everything stops; one query now and then; then set-up, snapshots, and on."""
    drill = own_drill
    drill.venue.fault("answer_code", match={"account": drill.floor.account}, code=10010, text="Unmatched IP.")
    order = drill.order()
    drill.floor.send(order)
    assert drill.floor.one(OrderRejected, order.client_order_id).code == 10010
    refused_ms = drill.posts(order)[0]["ts"]
    close = drill.floor.submit(reduce_only=True)
    assert isinstance(drill.outcome(close), OrderDenied)
    drill.floor.send(drill.floor.snapshot(5))
    drill.floor.expect(SnapshotFailed)

    def probes() -> list[dict[str, Any]]:
        rows = drill.venue.requests(account=drill.floor.account)
        return [row for row in rows if row["ts"] > refused_ms]

    eventually(lambda: len(probes()) >= 4, "asked now and then")
    assert {row["path"] for row in probes()} == {"/v5/account/wallet-balance"}
    times = [refused_ms, *(row["ts"] for row in probes())]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[0] >= 150
    assert gaps[2] >= 700, f"the pauses grow: {gaps}"
    snapshots = len(drill.floor.events(SnapshotTaken))
    drill.venue.mend()
    drill.floor.expect(SnapshotTaken, count=snapshots + 1)
    eventually(lambda: isinstance(drill.outcome(drill.order()), OrderAcked), "orders pass again")
    drill.floor.settled()


def test_a_key_that_is_wrong_is_not_tried_again(own_drill: Drill) -> None:
    """A18, H3: only a new key can mend it, and a new key is read at start."""
    drill = own_drill
    expired = {"code": 33004, "text": "Your api key has expired."}
    drill.venue.fault("answer_code", match={"account": drill.floor.account}, **expired)
    order = drill.order()
    drill.floor.send(order)
    assert drill.floor.one(OrderRejected, order.client_order_id).code == 33004
    drill.venue.mend()
    requests = len(drill.venue.requests(account=drill.floor.account))
    for _ in range(3):
        denied = drill.outcome(drill.order())
        assert isinstance(denied, OrderDenied)
        assert denied.reason is DenyReason.HALTED
        assert "33004" in denied.text
    eventually(lambda: "repair it and restart" in drill.why("venue"), "health says what to do")
    assert len(drill.venue.requests(account=drill.floor.account)) == requests
