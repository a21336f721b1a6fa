"""What the venue does on request: races, partial fills, liquidation, deleveraging, funding, filters, delisting."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.exchange_sim.simulators import Simulator, code_of, launch
from tests.contract.exchange_sim.test_pybit import BTC, hedged, limit, market
from tests.contract.exchange_sim.wire import DEADLINE_S, Message, order, private, public, send, trade

LONG: dict[str, Any] = {"account": "main", "symbol": "BTCUSDT", "position_idx": 1}


@pytest.fixture
def sim() -> Iterator[Simulator]:
    simulator = launch("--synthetic", "flat", "--order-rate", "1000", "--ack-delay-ms", "0")
    hedged(simulator)
    yield simulator
    simulator.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), DEADLINE_S))


async def do(act: Callable[..., Any], **arguments: Any) -> Any:
    return await asyncio.to_thread(lambda: act(**arguments))


def test_a_cancel_that_loses_is_acknowledged_and_the_order_told_filled_twice(sim: Simulator) -> None:
    async def test() -> None:
        session = sim.http()
        sim.tell("faults", kind="race_fill", match={"path": "/v5/order/cancel", "orderLinkId": "race"})
        async with private(sim, "order") as line:
            await do(session.place_order, **limit("Buy", "60000", 1, orderLinkId="race"))
            body = await do(session.cancel_order, **BTC, orderLinkId="race")
            assert body["retCode"] == 0
            rows = await line.rows("order", 3)
            assert [row["orderStatus"] for row in rows] == ["New", "Filled", "Filled"]
            assert (rows[2]["cancelType"], rows[2]["rejectReason"]) == ("CancelByUser", "EC_OrigClOrdIDDoesNotExist")
            assert [row["cumExecQty"] for row in rows] == ["0", "0.01", "0.01"]
        executions = sim.admin("executions", account="main")["list"]
        assert [(row["isMaker"], row["execQty"]) for row in executions] == [(True, "0.01")]

    run(test)


def test_an_amend_that_loses_finds_a_filled_order(sim: Simulator) -> None:
    sim.tell("faults", kind="race_fill", match={"path": "/v5/order/amend"}, count=1)
    session = sim.http()
    session.place_order(**limit("Buy", "60000", 1, orderLinkId="late"))
    session.amend_order(**BTC, orderLinkId="late", qty="0.02")
    (row,) = session.get_open_orders(**BTC, orderLinkId="late")["result"]["list"]
    assert (row["orderStatus"], row["qty"]) == ("Filled", "0.01")


def test_races_reach_the_trade_socket(sim: Simulator) -> None:
    async def test() -> None:
        sim.tell("faults", kind="race_fill", match={"channel": "trade", "path": "*/cancel"})
        async with trade(sim) as line:
            await send(line, "order.create", order("race", price="60000"))
            answer = await send(
                line, "order.cancel", {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "race"}
            )
            assert answer["retCode"] == 0
        assert sim.admin("orders", account="main")["list"][0]["orderStatus"] == "Filled"

    run(test)


def test_a_storm_of_partial_fills(sim: Simulator) -> None:
    sim.tell("events", kind="partial_fills", parts=5)
    session = sim.http()
    session.place_order(**market("Buy", 1))
    rows = session.get_executions(category="linear")["result"]["list"]
    assert len(rows) == 5
    assert sum(Decimal(row["execQty"]) for row in rows) == Decimal("0.01")
    sim.tell("events", kind="partial_fills", parts=1)
    session.place_order(**market("Buy", 1))
    assert len(session.get_executions(category="linear")["result"]["list"]) == 6


def test_a_forced_liquidation_is_seen_on_every_topic(sim: Simulator) -> None:
    async def test() -> None:
        session = sim.http()
        await do(session.place_order, **market("Buy", 1))
        await do(session.place_order, **limit("Buy", "60000", 1, orderLinkId="resting"))
        async with private(sim, "order", "execution", "position", "wallet") as line:
            await do(sim.tell, path="events", kind="liquidation", **LONG)
            seen: dict[str, list[Message]] = {"order": [], "execution": [], "position": [], "wallet": []}
            while not (seen["execution"] and seen["wallet"]):
                message = await line.next()
                seen[message["topic"]] += message["data"]
        cancelled = next(row for row in seen["order"] if row["orderLinkId"] == "resting")
        assert cancelled["cancelType"] in ("CancelByPrepareLiq", "CancelAllBeforeLiq")
        (bust,) = seen["execution"]
        assert (bust["execType"], bust["createType"]) == ("BustTrade", "CreateByTakeOver_PassThrough")
        assert seen["position"][-1]["size"] == "0"
        log = (await do(session.get_transaction_log))["result"]["list"]
        assert log[0]["type"] == "LIQUIDATION"

    run(test)


def test_deleveraging(sim: Simulator) -> None:
    session = sim.http()
    session.place_order(**market("Buy", 1))
    sim.tell("events", kind="auto_deleverage", **LONG, qty="0.004")
    (row,) = session.get_executions(category="linear", execType="AdlTrade")["result"]["list"]
    assert (row["execQty"], row["createType"]) == ("0.004", "CreateByAdl_PassThrough")
    sizes = [p["size"] for p in session.get_positions(**BTC)["result"]["list"] if p["positionIdx"] == 1]
    assert sizes == ["0.006"]


def test_funding_out_of_turn(sim: Simulator) -> None:
    session = sim.http()
    session.place_order(**market("Buy", 1))
    sim.tell("events", kind="funding", symbol="BTCUSDT", rate="0.001")
    (row,) = session.get_executions(category="linear", execType="Funding")["result"]["list"]
    paid = Decimal(row["execFee"])
    assert paid == Decimal("0.01") * Decimal(row["execPrice"]) * Decimal("0.001")
    log = session.get_transaction_log(type="SETTLEMENT")["result"]["list"]
    assert [Decimal(entry["funding"]) for entry in log] == [-paid]
    rates = session.get_funding_rate_history(**BTC)["result"]["list"]
    assert [entry["fundingRate"] for entry in rates] == ["0.001"]


def test_a_new_tick_size(sim: Simulator) -> None:
    session = sim.http()
    sim.tell("events", kind="filter_change", symbol="BTCUSDT", tick_size="5", min_notional="100")
    (row,) = session.get_instruments_info(**BTC)["result"]["list"]
    assert (row["priceFilter"]["tickSize"], row["lotSizeFilter"]["minNotionalValue"]) == ("5", "100")
    assert code_of(session.place_order, **limit("Buy", "60001", 1)) == 110003
    assert code_of(session.place_order, **limit("Buy", "60000", 1, qty="0.001")) == 110094
    assert code_of(session.place_order, **limit("Buy", "60000", 1)) == 0
    sim.tell("events", kind="filter_change", symbol="BTCUSDT", tick_size="0.5")
    assert code_of(session.place_order, **limit("Buy", "60000.5", 1)) == 0
    book = session.get_orderbook(**BTC, limit=2)["result"]
    assert all(Decimal(price) % Decimal("0.5") == 0 for price, _ in book["b"] + book["a"])


def test_reduce_only_then_delisted_then_closed(sim: Simulator) -> None:
    session = sim.http()
    session.place_order(**market("Buy", 1))
    sim.tell("events", kind="reduce_only_symbol", symbol="BTCUSDT")
    assert code_of(session.place_order, **market("Buy", 1)) == 110023
    sim.tell("events", kind="delisting", symbol="BTCUSDT")
    assert code_of(session.place_order, **market("Buy", 1)) == 30228
    assert code_of(session.place_order, **market("Sell", 1, qty="0.004", reduceOnly=True)) == 0
    assert session.get_instruments_info(**BTC)["result"]["list"][0]["status"] == "Delivering"
    sim.tell("events", kind="settlement", symbol="BTCUSDT")
    assert code_of(session.place_order, **market("Sell", 1, reduceOnly=True)) != 0
    assert session.get_instruments_info(**BTC)["result"]["list"][0]["status"] == "Closed"
    assert all(p["size"] == "0" for p in session.get_positions(**BTC)["result"]["list"])
    assert session.get_transaction_log(type="DELIVERY")["result"]["list"][0]["qty"] == "0.006"


def test_the_price_jumps_through_everything_at_once(sim: Simulator) -> None:
    session = sim.http()
    for step in range(5):
        session.place_order(**limit("Buy", f"{60000 - 1000 * step}", 1))
    sim.tell("events", kind="price_jump", symbol="BTCUSDT", factor="0.8")
    ticker = session.get_tickers(**BTC)["result"]["list"][0]
    assert Decimal(ticker["markPrice"]) == 52000
    fills = session.get_executions(category="linear")["result"]["list"]
    assert [fill["execPrice"] for fill in fills] == [f"{56000 + 1000 * step}" for step in range(5)]
    assert Decimal(session.get_orderbook(**BTC, limit=1)["result"]["a"][0][0]) < 52100


def test_a_book_begins_anew(sim: Simulator) -> None:
    async def test() -> None:
        async with public(sim, "orderbook.50.BTCUSDT") as line:
            before = await line.next()
            while before["data"]["u"] < 3:
                before = await line.next()
            await do(sim.tell, path="events", kind="book_reset", symbol="BTCUSDT")
            after = await line.next()
            while after["type"] == "delta":
                after = await line.next()
            assert (after["data"]["u"], len(after["data"]["b"])) == (1, 50)
            assert (await line.next())["data"]["u"] == 2

    run(test)
