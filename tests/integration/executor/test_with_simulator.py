"""The executor against the exchange simulator: a venue that knows its own rules and its own results."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, OrderType, TimeInForce
from hedgegrid.messages.events import (
    AmendRejected,
    CancelRejected,
    DenyReason,
    OrderAcked,
    OrderDenied,
    OrderFilled,
    OrderRejected,
    SnapshotTaken,
)
from tests.integration.executor.floor import Floor, Running, eventually
from tests.integration.executor.simulator import Simulator

D = Decimal


@pytest.fixture
def floor(redis_url: str) -> Iterator[Floor]:
    floor = Floor(redis_url)
    yield floor
    floor.client.close()


@pytest.fixture
def simulator(floor: Floor) -> Iterator[Simulator]:
    simulator = Simulator(floor.account)
    eventually(lambda: simulator.admin("status")["ticks"] > 0, "the market moves")
    yield simulator
    simulator.close()


@pytest.fixture
def executor(floor: Floor, simulator: Simulator) -> Iterator[Running]:
    (account,) = simulator.addresses["accounts"]
    credentials = (account["api_key"], account["api_secret"])
    url = simulator.addresses["rest"]
    running = Running(floor, url, "one", credentials, recv_window_ms=2500, rest_read_timeout_ms=5000)
    floor.ready()
    yield running
    running.stop()


def test_hedge_mode_and_leverage_are_set(simulator: Simulator, floor: Floor, executor: Running) -> None:
    rows = simulator.rows("positions")
    assert {(row["positionIdx"], row["leverage"]) for row in rows} == {(1, "10"), (2, "10")}


def test_an_order_rests_is_amended_and_cancelled(simulator: Simulator, floor: Floor, executor: Running) -> None:
    order = floor.submit(price=simulator.price("0.9"))
    price = simulator.price("0.91")
    floor.send(order, floor.amend(order, "0.02", str(price)))
    floor.expect(OrderAcked, count=2)
    (row,) = simulator.rows("orders")
    assert (row["orderLinkId"], row["orderStatus"]) == (order.client_order_id, "New")
    assert (D(row["qty"]), D(row["price"])) == (D("0.02"), price)
    floor.send(floor.cancel(order))
    floor.expect(OrderAcked, count=3)
    assert simulator.rows("orders")[0]["orderStatus"] == "Cancelled"
    floor.send(floor.amend(order, "0.03", str(price)), floor.cancel(order))
    assert floor.one(AmendRejected).code == 110001
    assert floor.one(CancelRejected).code == 110001


def test_refusals_of_the_venue(simulator: Simulator, floor: Floor, executor: Running) -> None:
    small, poor, flat = (
        floor.submit(qty=D("0.001"), price=D("100.0")),
        floor.submit(qty=D(50), price=simulator.price("0.99"), leg=Leg.SHORT),
        floor.submit(reduce_only=True, price=simulator.price("1.01")),
    )
    floor.send(small, poor, flat)
    codes = {event.client_order_id: event.code for event in floor.expect(OrderRejected, count=2)}
    assert codes == {small.client_order_id: 110094, flat.client_order_id: 110017}
    denied = floor.one(OrderDenied)  # the guard knows before the venue that there is not enough
    assert (denied.client_order_id, denied.reason) == (poor.client_order_id, DenyReason.RISK_LIMIT)
    assert "less than the balance buffer" in denied.text


def test_results_read_over_rest_are_the_venues_own(simulator: Simulator, floor: Floor, executor: Running) -> None:
    """Open both legs in several steps, close them in several parts: every figure to the last digit."""
    for turn in range(3):
        for leg in Leg:
            market = {"order_type": OrderType.MARKET, "price": None, "time_in_force": TimeInForce.IOC, "leg": leg}
            floor.send(floor.submit(qty=D("0.037"), **market))
            floor.send(floor.submit(qty=D("0.011"), reduce_only=True, **market))
        wanted = 4 * (turn + 1)
        eventually(lambda wanted=wanted: len(simulator.rows("orders")) == wanted, "ordered")  # type: ignore[misc]
    eventually(lambda: len(simulator.rows("executions")) >= 12, "executed")
    eventually(floor.settled, "settled")
    floor.send(floor.snapshot(1))
    shot = floor.expect(SnapshotTaken, count=2)[1]
    fills = {fill.trade_id: fill for fill in shot.executions if isinstance(fill, OrderFilled)}
    rows = {row["execId"]: row for row in simulator.rows("executions")}
    assert fills.keys() == rows.keys()
    for trade_id, fill in fills.items():
        row = rows[trade_id]
        assert (fill.gross, fill.fee) == (D(row["execPnl"]), D(row["execFee"])), trade_id
        assert fill.leg == row["positionIdx"]
    for position in shot.positions:
        own = [fill for fill in fills.values() if fill.leg is position.leg]
        assert sum((fill.gross - fill.fee for fill in own), ZERO) == position.cum_realised
        assert position.qty == D("0.078")


def test_a_burst_stays_within_the_venues_limit(simulator: Simulator, floor: Floor, executor: Running) -> None:
    price = simulator.price("0.9")
    orders = [floor.submit(price=price, leg=leg) for _ in range(8) for leg in Leg]
    floor.send(*orders)
    floor.expect(OrderAcked, count=16)
    refused = [row for row in simulator.admin("requests")["list"] if row["retCode"] == 10006]
    assert refused == []
    assert len(simulator.rows("orders")) == 16
