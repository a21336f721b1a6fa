"""pybit, unmodified but for the URL, trades against the simulator."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import requests
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import WebSocket

from tests.contract.exchange_sim.simulators import Inbox, Simulator, code_of, eventually, launch, listen

BTC: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT"}
Start = Callable[..., Simulator]
Connect = Callable[[Simulator, str], WebSocket]


def hedged(simulator: Simulator) -> Any:
    session = simulator.http()
    session.switch_position_mode(category="linear", coin="USDT", mode=3)
    return session


def limit(side: str, price: str, idx: int, **more: Any) -> dict[str, Any]:
    return {**BTC, "side": side, "orderType": "Limit", "qty": "0.01", "price": price, "positionIdx": idx, **more}


def market(side: str, idx: int, **more: Any) -> dict[str, Any]:
    return {**BTC, "side": side, "orderType": "Market", "qty": "0.01", "positionIdx": idx, **more}


def test_an_order_is_placed_amended_and_cancelled(simulator: Start, sockets: Connect, inbox: Inbox) -> None:
    sim = simulator("--synthetic", "flat")
    listen(sim, sockets(sim, "private"), inbox)
    session = hedged(sim)
    placed = session.place_order(**limit("Buy", "60000", 1, orderLinkId="a-1"))["result"]
    assert placed["orderLinkId"] == "a-1"
    new = inbox.first("order", orderLinkId="a-1", orderStatus="New")
    assert (new["orderId"], new["price"], new["leavesQty"]) == (placed["orderId"], "60000", "0.01")
    session.amend_order(**BTC, orderLinkId="a-1", price="60100.5", qty="0.02")
    inbox.first("order", orderLinkId="a-1", price="60100.5", qty="0.02")
    session.cancel_order(**BTC, orderId=placed["orderId"])
    done = inbox.first("order", orderLinkId="a-1", orderStatus="Cancelled")
    assert (done["cancelType"], done["leavesQty"], done["cumExecQty"]) == ("CancelByUser", "0", "0")
    assert session.get_open_orders(**BTC)["result"]["list"] == []
    assert session.get_open_orders(**BTC, orderLinkId="a-1")["result"]["list"][0]["orderStatus"] == "Cancelled"


def test_both_legs_fill_and_close_with_one_books(simulator: Start, sockets: Connect, inbox: Inbox) -> None:
    sim = simulator("--synthetic", "flat")
    listen(sim, sockets(sim, "private"), inbox)
    session = hedged(sim)
    for side, idx in (("Buy", 1), ("Sell", 2)):
        session.place_order(**market(side, idx, orderLinkId=f"open-{idx}"))
    for side, idx in (("Sell", 1), ("Buy", 2)):
        session.place_order(**market(side, idx, reduceOnly=True, orderLinkId=f"close-{idx}"))
    closes = [inbox.first("order", orderLinkId=f"close-{idx}", orderStatus="Filled") for idx in (1, 2)]
    for close, idx in zip(closes, (1, 2), strict=True):
        flat = inbox.first("position", positionIdx=idx, side="", size="0")
        assert (flat["entryPrice"], Decimal(flat["cumRealisedPnl"])) == ("0", Decimal(close["closedPnl"]))
    eventually(lambda: len(inbox.rows("execution")) == 4)
    fills = inbox.rows("execution")
    assert len({fill["execId"] for fill in fills}) == len(fills) == 4
    assert {fill["feeRate"] for fill in fills} == {"0.00055"}
    net = sum((Decimal(fill["execPnl"]) - Decimal(fill["execFee"]) for fill in fills), Decimal(0))
    wallet = session.get_wallet_balance(accountType="UNIFIED")["result"]["list"][0]["coin"][0]
    assert Decimal(wallet["walletBalance"]) == 10000 + net
    pnl_rows = session.get_closed_pnl(category="linear")["result"]["list"]
    assert sum((Decimal(row["closedPnl"]) for row in pnl_rows), Decimal(0)) == net
    assert {row["side"] for row in pnl_rows} == {"Buy", "Sell"}


def test_the_market_fills_a_resting_order(simulator: Start, sockets: Connect, inbox: Inbox) -> None:
    sim = simulator("--speed", "200", "--seed", "3", "--no-autostart")
    listen(sim, sockets(sim, "private"), inbox)
    session = hedged(sim)
    last = Decimal(session.get_tickers(**BTC)["result"]["list"][0]["lastPrice"])
    session.place_order(**limit("Buy", f"{last * Decimal('0.9995'):.0f}", 1, orderLinkId="grid-1"))
    requests.post(f"{sim.info['admin']}/admin/start", timeout=5)
    filled = inbox.first("order", orderLinkId="grid-1", orderStatus="Filled")
    assert filled["cumExecQty"] == "0.01"

    def fills() -> list[dict[str, Any]]:
        return [row for row in inbox.rows("execution") if row["orderLinkId"] == "grid-1"]

    eventually(lambda: sum((Decimal(row["execQty"]) for row in fills()), Decimal(0)) == Decimal("0.01"))
    assert all(row["isMaker"] and row["feeRate"] == "0.0002" for row in fills())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"positionIdx": 0}, 10001),
        ({"side": "Long"}, 10001),
        ({"qty": "0"}, 10001),
        ({"price": "60000.05"}, 110003),
        ({"qty": "0.001", "price": "1000"}, 110094),
        ({"qty": "100"}, 110007),
        ({"symbol": "NOPEUSDT"}, 10001),
        ({"category": "spot"}, 10001),
        ({"reduceOnly": True, "side": "Sell"}, 110017),
        ({"orderLinkId": "x" * 37}, 10001),
        ({"triggerPrice": "70000", "triggerDirection": 2}, 110093),
    ],
)
def test_refusals_carry_bybits_codes(flat: Simulator, change: dict[str, Any], code: int) -> None:
    session = flat.http()
    with pytest.raises(InvalidRequestError) as refusal:
        session.place_order(**(limit("Buy", "60000", 1) | change))
    assert refusal.value.status_code == code


def test_repeats_are_told_apart(flat: Simulator) -> None:
    session = flat.http()

    session.set_leverage(**BTC, buyLeverage="7", sellLeverage="7")
    assert code_of(session.set_leverage, **BTC, buyLeverage="7", sellLeverage="7") == 110043
    assert code_of(session.switch_position_mode, category="linear", coin="USDT", mode=3) == 110025
    assert code_of(session.place_order, **limit("Buy", "60000", 1, orderLinkId="same")) == 0
    assert code_of(session.place_order, **limit("Buy", "60000", 1, orderLinkId="same")) == 110072
    assert code_of(session.switch_position_mode, **BTC, mode=0) == 110028
    assert code_of(session.cancel_order, **BTC, orderLinkId="same") == 0
    assert code_of(session.cancel_order, **BTC, orderLinkId="same") == 110001
    assert code_of(session.amend_order, **BTC, orderLinkId="same", qty="0.02") == 110001
    assert code_of(session.place_order, **limit("Buy", "60000", 1, orderLinkId="same")) == 110072


def test_a_bad_key_a_bad_secret_and_a_wrong_clock(flat: Simulator) -> None:
    for field, code in (("api_key", 10003), ("api_secret", 10004)):
        session = flat.http()
        setattr(session, field, "wrong")
        with pytest.raises(InvalidRequestError) as refusal:
            session.get_positions(**BTC)
        assert refusal.value.status_code == code


def test_a_cancel_all_of_the_account_takes_500(simulator: Start) -> None:
    session = hedged(simulator("--synthetic", "flat", "--order-rate", "100000", "--account", "main:1000000"))
    for symbol, price in (("BTCUSDT", "50000"), ("ETHUSDT", "1000")):
        legs = [
            {"symbol": symbol, "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": price, "positionIdx": 1}
        ]
        for _ in range(13):
            session.place_batch_order(category="linear", request=legs * 20)
    first = session.cancel_all_orders(category="linear", settleCoin="USDT")["result"]["list"]
    assert len({row["orderId"] for row in first}) == 500
    rest = session.cancel_all_orders(category="linear", settleCoin="USDT")["result"]["list"]
    assert len({row["orderId"] for row in first + rest}) == 520


def test_batches_answer_leg_by_leg(flat: Simulator) -> None:
    session = flat.http()
    good = {key: value for key, value in limit("Buy", "50000", 1).items() if key != "category"}
    legs = [good | {"orderLinkId": "b-1"}, good | {"orderLinkId": "b-2", "qty": "0"}, good | {"orderLinkId": "b-1"}]
    body = session.place_batch_order(category="linear", request=legs)
    assert [row["code"] for row in body["retExtInfo"]["list"]] == [0, 10001, 110072]
    rows = body["result"]["list"]
    assert [(row["orderLinkId"], bool(row["orderId"]), bool(row["createAt"])) for row in rows] == [
        ("b-1", True, True),
        ("b-2", False, False),
        ("b-1", False, False),
    ]
    amended = session.amend_batch_order(
        category="linear", request=[{"symbol": "BTCUSDT", "orderLinkId": "b-1", "price": "51000"}]
    )
    assert amended["retExtInfo"]["list"] == [{"code": 0, "msg": "OK"}]
    targets = [{"symbol": "BTCUSDT", "orderLinkId": name} for name in ("b-1", "b-1")]
    cancelled = session.cancel_batch_order(category="linear", request=targets)
    assert [row["code"] for row in cancelled["retExtInfo"]["list"]] == [0, 110001]


def test_cancel_all_and_paging_newest_first(flat: Simulator) -> None:
    session = flat.http()
    session.cancel_all_orders(category="linear", settleCoin="USDT")
    names = [f"p-{i}" for i in range(5)]
    for i, name in enumerate(names):
        session.place_order(**limit("Buy", str(50000 + i), 1, orderLinkId=name))
    seen: list[str] = []
    cursor = ""
    while True:
        result = session.get_open_orders(**BTC, limit=2, cursor=cursor)["result"]
        seen += [row["orderLinkId"] for row in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert seen == names[::-1]
    result = session.cancel_all_orders(category="linear", symbol="BTCUSDT")["result"]
    assert (sorted(row["orderLinkId"] for row in result["list"]), result["success"]) == (names, "1")
    assert session.cancel_all_orders(category="linear", symbol="BTCUSDT")["result"]["list"] == []
    closed = session.get_order_history(category="linear", limit=5)["result"]["list"]
    assert [row["orderLinkId"] for row in closed] == names[::-1]
    recent = session.get_open_orders(**BTC, openOnly=1, limit=5)["result"]["list"]
    assert [row["orderLinkId"] for row in recent] == names[::-1]


def test_public_streams_flow_through_pybit(simulator: Start, sockets: Connect) -> None:
    sim = simulator("--speed", "20")
    socket, inbox = sockets(sim, "linear"), Inbox()
    socket.ticker_stream("BTCUSDT", inbox.put)
    socket.orderbook_stream(50, "BTCUSDT", inbox.put)
    socket.orderbook_stream(1, "BTCUSDT", inbox.put)
    socket.trade_stream("BTCUSDT", inbox.put)
    socket.kline_stream(1, "BTCUSDT", inbox.put)
    wanted = {"tickers", "orderbook.50", "orderbook.1", "publicTrade", "kline.1"}
    eventually(lambda: {m["topic"].rpartition(".")[0] for m in list(inbox.messages)} >= wanted)
    count = len(inbox.messages)
    eventually(lambda: len(inbox.messages) > count + 50)


def test_market_endpoints(flat: Simulator) -> None:
    session = flat.http()
    assert session.get_instruments_info(category="spot")["result"]["list"] == []
    first = session.get_instruments_info(category="linear", limit=4)["result"]
    rest = session.get_instruments_info(category="linear", cursor=first["nextPageCursor"])["result"]
    symbols = [row["symbol"] for row in first["list"] + rest["list"]]
    assert len(symbols) == len(set(symbols)) >= 8
    book = session.get_orderbook(**BTC, limit=5)["result"]
    assert (len(book["b"]), len(book["a"])) == (5, 5)
    assert Decimal(book["b"][0][0]) < Decimal(book["a"][0][0])
    eventually(lambda: session.get_kline(**BTC, interval="5")["result"]["list"])
    eventually(lambda: session.get_public_trade_history(**BTC, limit=3)["result"]["list"])
    assert abs(int(session.get_server_time()["result"]["timeSecond"]) * 1000 - session.get_server_time()["time"]) < 2000


@pytest.fixture(scope="module")
def flat(request: pytest.FixtureRequest) -> Any:
    """One quiet simulator for all tests that only talk REST, in hedge mode."""
    sim = launch("--synthetic", "flat", "--order-rate", "1000")
    hedged(sim)
    yield sim
    sim.close()
