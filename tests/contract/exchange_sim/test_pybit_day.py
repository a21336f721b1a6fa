"""pybit through the rest of a trading day: public streams, stops, the ledger, orders over the trade socket."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from tests.contract.exchange_sim.simulators import Inbox, Message, Simulator, code_of, eventually, launch, listen
from tests.contract.exchange_sim.test_pybit import BTC, hedged, limit, market

Connect = Callable[[Simulator, str], WebSocket]
Trading = Callable[[Simulator], WebSocketTrading]


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    simulator = launch("--synthetic", "chop", "--speed", "10", "--order-rate", "1000")
    hedged(simulator)
    yield simulator
    simulator.close()


def last_price(session: HTTP) -> Decimal:
    return Decimal(session.get_tickers(**BTC)["result"]["list"][0]["lastPrice"])


def test_public_streams(sim: Simulator, sockets: Connect, inbox: Inbox) -> None:
    socket = sockets(sim, "linear")
    socket.ticker_stream("BTCUSDT", inbox.put)
    socket.orderbook_stream(50, "BTCUSDT", inbox.put)
    socket.trade_stream("BTCUSDT", inbox.put)
    socket.kline_stream(1, "BTCUSDT", inbox.put)

    def seen() -> set[str]:
        return {message["topic"] for message in list(inbox.messages)}

    wanted = {"tickers.BTCUSDT", "orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "kline.1.BTCUSDT"}
    eventually(lambda: seen() == wanted)
    eventually(lambda: sum(m["topic"] == "orderbook.50.BTCUSDT" for m in list(inbox.messages)) > 20)
    books = [m["data"] for m in inbox.messages if m["topic"] == "orderbook.50.BTCUSDT"]
    assert all(len(book["b"]) == len(book["a"]) == 50 for book in books)
    assert [book["u"] for book in books] == sorted({book["u"] for book in books})


def test_stops_of_a_position_fire_and_leave_with_it(sim: Simulator, sockets: Connect, inbox: Inbox) -> None:
    listen(sim, sockets(sim, "private"), inbox)
    session = sim.http()
    session.place_order(**market("Buy", 1, orderLinkId="day-open"))
    full = {**BTC, "positionIdx": 1, "tpslMode": "Full"}
    low = f"{last_price(session) * Decimal('0.5'):.0f}"
    session.set_trading_stop(**full, stopLoss=low)
    assert code_of(session.set_trading_stop, **full, stopLoss=low) == 34040
    sim.tell("pause")  # a market on its way up could be beyond the price by the time it arrives
    session.set_trading_stop(**full, takeProfit=f"{last_price(session) * Decimal('1.0005'):.1f}")
    sim.tell("start")
    waiting = inbox.first("order", stopOrderType="StopLoss", orderStatus="Untriggered")
    assert (waiting["triggerPrice"], waiting["triggerDirection"], waiting["reduceOnly"]) == (low, 2, True)
    taken = inbox.first("order", stopOrderType="TakeProfit", orderStatus="Filled")
    assert taken["createType"] == "CreateByTakeProfit"
    assert inbox.first("order", orderId=waiting["orderId"], orderStatus="Deactivated")["orderId"]
    assert inbox.first("position", positionIdx=1, size="0", stopLoss="0")["takeProfit"] == "0"
    history = session.get_order_history(category="linear", orderFilter="StopOrder")["result"]["list"]
    assert {row["stopOrderType"] for row in history} >= {"TakeProfit", "StopLoss"}


def test_a_conditional_order_waits_and_is_cancelled_alone(sim: Simulator) -> None:
    session = sim.http()
    waits = {"triggerPrice": "30000", "triggerDirection": 2, "orderLinkId": "day-cond"}
    session.place_order(**limit("Buy", "29000", 1, **waits))
    session.place_order(**limit("Buy", "40000", 1, orderLinkId="day-plain"))
    (stop,) = session.get_open_orders(**BTC, orderFilter="StopOrder")["result"]["list"]
    assert (stop["orderLinkId"], stop["orderStatus"], stop["triggerBy"]) == ("day-cond", "Untriggered", "LastPrice")
    session.amend_order(**BTC, orderLinkId="day-cond", triggerPrice="31000")
    assert session.get_open_orders(**BTC, orderLinkId="day-cond")["result"]["list"][0]["triggerPrice"] == "31000"
    cancelled = session.cancel_all_orders(**BTC, orderFilter="StopOrder")["result"]["list"]
    assert [row["orderLinkId"] for row in cancelled] == ["day-cond"]
    (plain,) = session.get_open_orders(**BTC)["result"]["list"]
    assert plain["orderLinkId"] == "day-plain"
    session.cancel_all_orders(**BTC)


def test_the_ledger_adds_up_to_the_wallet(sim: Simulator) -> None:
    session = sim.http()
    session.place_order(**market("Buy", 1))
    sim.tell("events", kind="funding", symbol="BTCUSDT", rate="0.0002")
    session.place_order(**market("Sell", 1, reduceOnly=True))
    rows: list[Message] = []
    cursor = ""
    while True:
        page = session.get_transaction_log(accountType="UNIFIED", limit=2, cursor=cursor)["result"]
        rows += page["list"]
        cursor = page["nextPageCursor"]
        if not cursor:
            break
    assert rows == sim.admin("transactions", account="main")["list"]
    wallet = session.get_wallet_balance(accountType="UNIFIED", coin="USDT")["result"]["list"][0]["coin"][0]
    assert 10_000 + sum(Decimal(row["change"]) for row in rows) == Decimal(wallet["walletBalance"])
    assert rows[0]["cashBalance"] == wallet["walletBalance"]
    for row in rows:
        funding = Decimal(row["funding"] or 0)
        assert Decimal(row["change"]) == Decimal(row["cashFlow"]) + funding - Decimal(row["fee"])
    kinds = {row["type"] for row in rows}
    assert kinds == {"TRADE", "SETTLEMENT"}
    assert session.get_transaction_log(category="spot")["result"]["list"] == []


def test_risk_limits_rise_and_reach_the_position_row(sim: Simulator) -> None:
    session = sim.http()
    tiers = session.get_risk_limit(**BTC)["result"]["list"]
    assert [row["isLowestRisk"] for row in tiers[:2]] == [1, 0]
    for name in ("riskLimitValue", "maintenanceMargin"):
        values = [Decimal(row[name]) for row in tiers]
        assert values == sorted(values)
    row = session.get_positions(**BTC)["result"]["list"][0]
    assert (row["riskId"], row["riskLimitValue"]) == (tiers[0]["id"], tiers[0]["riskLimitValue"])


def test_orders_over_the_trade_socket(sim: Simulator, trading: Trading) -> None:
    socket = trading(sim)
    answers: list[Message] = []
    errors: list[Message] = []

    def told(number: int) -> list[Message]:
        return eventually(lambda: answers if len(answers) == number else None)  # type: ignore[no-any-return]

    terms = limit("Buy", "50000", 1, orderLinkId="ws-1")
    eventually(lambda: socket.is_connected())
    socket.place_order(answers.append, errors.append, **terms)
    placed = told(1)[0]
    assert (placed["op"], placed["data"]["orderLinkId"]) == ("order.create", "ws-1")
    assert placed["header"]["X-Bapi-Limit"] == "1000"
    socket.amend_order(answers.append, errors.append, **BTC, orderLinkId="ws-1", price="50001")
    told(2)
    socket.place_order(answers.append, errors.append, **terms)
    assert eventually(lambda: errors)[0]["retCode"] == 110072
    legs = [
        {key: value for key, value in terms.items() if key != "category"} | {"orderLinkId": f"ws-{i}"} for i in (2, 1)
    ]
    socket.place_batch_order(answers.append, errors.append, category="linear", request=legs)
    batch = told(3)[2]
    assert [row["code"] for row in batch["retExtInfo"]["list"]] == [0, 110072]
    socket.cancel_order(answers.append, errors.append, **BTC, orderLinkId="ws-1")
    told(4)
    assert [row["orderLinkId"] for row in sim.http().get_open_orders(**BTC)["result"]["list"]] == ["ws-2"]
    calls = [entry["path"] for entry in sim.admin("requests", account="main")["list"] if entry["method"] == "WS"]
    assert calls[::-1] == ["order.create", "order.amend", "order.create", "order.create-batch", "order.cancel"]
