"""The executor against the exchange simulator's faults: whatever becomes of a request or its answer, each order is at
the venue exactly once, and its outcome is told."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from hedgegrid.domain.order import Leg
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.events import OrderAcked, OrderDenied, OrderRejected, SnapshotTaken
from tests.integration.executor.floor import Floor, Running, eventually, now_ms

D = Decimal
ACCOUNT = "faulty"
CREATE = {"path": "/v5/order/create"}
AMBIGUOUS_CODES = (10000, 10014, 10016, 10019, 40004, 170007, 170032)
runs = itertools.count(1)


class Venue:
    """A simulator whose market stands; one for all tests of this file, each with order ids of its own."""

    def __init__(self) -> None:
        arguments = ["--synthetic", "flat", "--symbols", "BTCUSDT", "--account", ACCOUNT, "--order-rate", "1000"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hedgegrid.exchange_sim", "--ip-rate", "1000000", *arguments],
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        self.addresses: dict[str, Any] = json.loads(self.process.stdout.readline())

    @property
    def url(self) -> str:
        return str(self.addresses["rest"])

    def tell(self, path: str, body: dict[str, Any]) -> None:
        requests.post(f"{self.addresses['admin']}/admin/{path}", json=body, timeout=10).raise_for_status()

    def behave(self) -> None:
        requests.delete(f"{self.addresses['admin']}/admin/faults", timeout=10).raise_for_status()

    def get(self, what: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.addresses['admin']}/admin/{what}", timeout=10).json()
        rows: list[dict[str, Any]] = answer["list"]
        return rows

    def orders(self, link_id: str) -> list[dict[str, Any]]:
        return [row for row in self.get(f"orders?account={ACCOUNT}") if row["orderLinkId"] == link_id]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    venue = Venue()
    yield venue
    venue.close()


@pytest.fixture
def floor(redis_url: str, venue: Venue) -> Iterator[Floor]:
    venue.behave()
    floor = Floor(redis_url, account=ACCOUNT, first_sequence=1_000 * next(runs))
    yield floor
    floor.client.close()


@pytest.fixture
def executor(floor: Floor, venue: Venue) -> Iterator[Running]:
    running = start(floor, venue)
    yield running
    venue.behave()
    floor.send(floor.cancel_all())
    eventually(floor.settled, "the book is cleared")
    running.stop()


def start(floor: Floor, venue: Venue, **settings: Any) -> Running:
    (account,) = venue.addresses["accounts"]
    given = {"recv_window_ms": 1_000, "rest_read_timeout_ms": 700, "absent_span_ms": 100, "order_rate_per_s": 1_000}
    running = Running(floor, venue.url, "one", (account["api_key"], account["api_secret"]), **(given | settings))
    floor.ready()
    return running


def order(floor: Floor) -> SubmitOrder:
    return floor.submit(price=D("60000.0"))


def is_once(floor: Floor, venue: Venue, sent: SubmitOrder) -> None:
    """Told as an ordinary order and there exactly once."""
    floor.one(OrderAcked, sent.client_order_id)
    assert [row["orderStatus"] for row in venue.orders(sent.client_order_id)] == ["New"]
    assert not floor.events(OrderRejected, sent.client_order_id)
    eventually(floor.settled, "settled")


EXECUTED_OR_NOT = (
    {"kind": "answer_lost"},
    {"kind": "answer_status", "status": 500},
    {"kind": "answer_status", "status": 502},
    {"kind": "answer_status", "status": 503},
    {"kind": "answer_garbage", "form": "html"},
    {"kind": "answer_garbage", "form": "truncated"},
    {"kind": "answer_garbage", "form": "empty"},
    *({"kind": "answer_code", "code": code, "text": "server"} for code in AMBIGUOUS_CODES),
)


def named(fault: dict[str, Any]) -> str:
    return "-".join(str(value) for value in fault.values())


@pytest.mark.parametrize("executed", [True, False], ids=["executed", "not-executed"])
@pytest.mark.parametrize("fault", EXECUTED_OR_NOT, ids=named)
def test_an_order_of_unknown_outcome_is_there_once(
    floor: Floor, venue: Venue, executor: Running, fault: dict[str, Any], executed: bool
) -> None:
    venue.tell("faults", {**fault, "match": CREATE, "executed": executed, "count": 1})
    sent = order(floor)
    floor.send(sent)
    is_once(floor, venue, sent)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "answer_late", "delay_ms": 1_000},
        {"kind": "request_late", "delay_ms": 900},
        {"kind": "request_late", "delay_ms": 1_500},
        {"kind": "answer_code", "code": 10006, "text": "Too many visits!", "reset_ms": 400},
        {"kind": "answer_code", "code": 10006, "text": "Too many visits!"},
        {"kind": "answer_code", "code": 10002, "text": "timestamp"},
        {"kind": "answer_code", "code": 110072, "text": "duplicate", "executed": True},
        {"kind": "answer_code", "code": 110079, "text": "being processed", "executed": True},
    ],
    ids=named,
)
def test_a_late_throttled_or_repeated_order_is_there_once(
    floor: Floor, venue: Venue, executor: Running, fault: dict[str, Any]
) -> None:
    venue.tell("faults", {**fault, "match": CREATE, "count": 1})
    sent = order(floor)
    floor.send(sent)
    is_once(floor, venue, sent)


@pytest.mark.parametrize("lag_ms", [500, 1_500])
def test_lists_that_lag_cost_no_order_and_double_none(
    floor: Floor, venue: Venue, executor: Running, lag_ms: int
) -> None:
    venue.tell("faults", {"kind": "query_stale", "lag_ms": lag_ms, "match": {"path": "/v5/*"}})
    venue.tell("faults", {"kind": "answer_lost", "match": CREATE, "count": 1})
    sent = order(floor)
    floor.send(sent)
    is_once(floor, venue, sent)


@pytest.mark.parametrize("skew_ms", [6_000, -6_000, 1_200, -1_200, 10_000, -10_000, 3_600_000, -3_600_000])
def test_a_clock_that_is_off_is_followed(floor: Floor, venue: Venue, executor: Running, skew_ms: int) -> None:
    """The venue's clock jumps; the order is signed anew by the venue's time, its window is not widened."""
    warm = [order(floor) for _ in range(16)]  # every lane has read the clock by then
    floor.send(*warm)
    floor.expect(OrderAcked, count=16)
    before = refused_for_their_time(venue)
    venue.tell("events", {"kind": "clock_skew", "skew_ms": skew_ms})
    sent = order(floor)
    floor.send(sent)
    is_once(floor, venue, sent)
    assert refused_for_their_time(venue) > before


def refused_for_their_time(venue: Venue) -> int:
    rows = venue.get("requests?retCode=10002&limit=1000")
    return len(rows)


def test_maintenance_is_waited_for(floor: Floor, venue: Venue, executor: Running) -> None:
    venue.tell("events", {"kind": "maintenance", "for_s": 1})
    sent = order(floor)
    floor.send(sent)
    is_once(floor, venue, sent)


def test_a_slow_and_lossy_network_costs_no_order_and_doubles_none(
    floor: Floor, venue: Venue, executor: Running
) -> None:
    """One answer in ten is lost, half are late, some requests are late; twenty orders on two legs."""
    for fault in (
        {"kind": "answer_lost", "probability": 0.1, "match": CREATE},
        {"kind": "answer_late", "probability": 0.5, "delay_ms": 500, "match": {"path": "/v5/order/*"}},
        {"kind": "request_late", "probability": 0.2, "delay_ms": 300, "match": {"path": "/v5/order/*"}},
    ):
        venue.tell("faults", fault)
    sent = [floor.submit(price=D("60000.0") if leg is Leg.LONG else D("70000.0"), leg=leg) for leg in [*Leg] * 10]
    floor.send(*sent)
    for each in sent:
        is_once(floor, venue, each)


def test_no_page_of_many_orders_is_lost_or_doubled(floor: Floor, venue: Venue, executor: Running) -> None:
    """More orders than two pages hold, and one more placed while the pages are read."""
    sent = [order(floor) for _ in range(110)]
    floor.send(*sent)
    floor.expect(OrderAcked, count=110)
    venue.tell("faults", {"kind": "answer_late", "delay_ms": 200, "match": {"path": "/v5/order/realtime"}})
    floor.send(floor.snapshot(1), order(floor))
    shot = floor.expect(SnapshotTaken, count=2)[1]
    shown = [row.client_order_id for row in shot.open_orders]
    assert sorted(shown) == sorted(each.client_order_id for each in sent)


def test_a_dead_rest_opens_nothing_late(floor: Floor, venue: Venue) -> None:
    """The sockets may work; orders cannot be placed, and what waited too long is not placed when REST is back."""
    running = start(floor, venue, command_ttl_ms=800)
    venue.tell("faults", {"kind": "answer_status", "status": 503, "executed": False, "match": {"path": "/v5/*"}})
    sent = order(floor)
    floor.send(sent)
    eventually(lambda: len(venue.get(f"requests?account={ACCOUNT}&limit=5")) == 5, "it was tried")
    eventually(lambda: floor.sent() != [], "its outcome is open")
    pause_until_stale(sent)
    venue.behave()
    assert floor.one(OrderRejected).code == 0
    assert venue.orders(sent.client_order_id) == []
    assert not floor.events(OrderDenied)
    running.stop()


def pause_until_stale(sent: SubmitOrder) -> None:
    eventually(lambda: now_ms() > sent.issued_ms + 1_000, "stale")
