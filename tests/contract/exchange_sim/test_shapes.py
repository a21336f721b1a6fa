"""Rows and bodies have the keys and the types of the official documentation's examples and of real frames."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.exchange_sim.simulators import Inbox, Simulator, eventually, launch, listen
from tests.contract.exchange_sim.test_pybit import BTC, Connect, hedged, limit, market

Example = dict[str, Any]
EXAMPLES = "docs/v5_json_examples.jsonl.gz"
KNOWN_DIFFERENCES = {
    "mmrSysUpdateTime",  # the example's spelling; the page's table and every frame say mmrSysUpdatedTime
    "extraFees",  # "" in the REST example, a list in the push
    "leavesQty",
    "smpGroup",
}


def examples(path: Path, page: str, kind: str) -> list[Example]:
    with gzip.open(path, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    found = [row["json"] for row in rows if row["page"] == f"docs/v5/{page}.mdx" and row["kind"] == kind]
    assert found, f"no example on {page}"
    return found


def require_shape(ours: Any, theirs: Any, where: str) -> None:
    """Every key of the example is there with the example's type; of lists, the first items are compared."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), where
        for key, value in theirs.items():
            if key in KNOWN_DIFFERENCES:
                continue
            assert key in ours, f"{where}.{key} is missing"
            if key != "cumFeeDetail":
                require_shape(ours[key], value, f"{where}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), where
        if theirs and ours:
            require_shape(ours[0], theirs[0], f"{where}[0]")
    elif theirs is not None:
        assert type(ours) is type(theirs), f"{where} is {ours!r}, the example has {theirs!r}"


@pytest.fixture(scope="module")
def traded() -> Any:
    """A simulator in which something rests, something is open and something was closed."""
    sim = launch("--synthetic", "flat", "--order-rate", "1000")
    session = hedged(sim)
    session.place_order(**market("Buy", 1, orderLinkId="s-open"))
    session.place_order(**market("Sell", 2))
    session.place_order(**market("Buy", 2, reduceOnly=True))
    session.place_order(**limit("Buy", "50000", 1, orderLinkId="s-rest"))
    session.place_order(**limit("Buy", "99999", 1, timeInForce="PostOnly"))
    eventually(lambda: session.get_kline(**BTC, interval="1")["result"]["list"])
    yield sim
    sim.close()


LINEAR = {"category": "linear"}
QUERIES: list[tuple[str, str, dict[str, Any]]] = [
    ("market/time", "get_server_time", {}),
    ("market/instrument", "get_instruments_info", LINEAR),
    ("market/kline", "get_kline", BTC | {"interval": "1"}),
    ("market/orderbook", "get_orderbook", BTC),
    ("market/recent-trade", "get_public_trade_history", BTC),
    ("order/open-order", "get_open_orders", BTC),
    ("order/order-list", "get_order_history", LINEAR),
    ("order/execution", "get_executions", LINEAR),
    ("position/position", "get_positions", BTC),
    ("position/close-pnl", "get_closed_pnl", LINEAR),
    ("account/wallet-balance", "get_wallet_balance", {"accountType": "UNIFIED"}),
    ("account/account-info", "get_account_info", {}),
    ("account/fee-rate", "get_fee_rates", BTC),
    ("user/apikey-info", "get_api_key_information", {}),
    ("asset/coin-info", "get_coin_info", {}),
]


@pytest.mark.parametrize(("page", "method", "arguments"), QUERIES, ids=[row[0] for row in QUERIES])
def test_query_bodies(
    traded: Simulator, shared_file: Callable[[str], Path], page: str, method: str, arguments: dict[str, Any]
) -> None:
    example = examples(shared_file(EXAMPLES), page, "rest-resp")[0]
    body = getattr(traded.http(), method)(**arguments)
    permissions = example["result"].pop("permissions", None)
    assert permissions is None or permissions.keys() >= {"ContractTrade"}
    require_shape(body, example, page)
    assert body.keys() >= {"retCode", "retMsg", "result", "retExtInfo", "time"}


def test_linear_ticker_has_the_keys_of_the_socket_example(
    traded: Simulator, shared_file: Callable[[str], Path]
) -> None:
    snapshot = examples(shared_file(EXAMPLES), "websocket/public/ticker", "ws-push")[0]
    rows = traded.http().get_tickers(**BTC)["result"]["list"]
    require_shape(rows[0], snapshot["data"], "tickers")
    inverse = examples(shared_file(EXAMPLES), "market/tickers", "rest-resp")[0]["result"]["list"][0]
    require_shape(rows[0], inverse, "tickers")


def test_command_bodies(traded: Simulator, shared_file: Callable[[str], Path]) -> None:
    session, path = traded.http(), shared_file(EXAMPLES)
    order = {key: value for key, value in limit("Buy", "50000", 1).items() if key != "category"}
    target = {"symbol": "BTCUSDT", "orderLinkId": "c-1"}
    answers = [
        ("order/create-order", session.place_order(**limit("Buy", "50000", 1, orderLinkId="c-0"))),
        ("order/amend-order", session.amend_order(**BTC, orderLinkId="c-0", price="50001")),
        ("order/cancel-order", session.cancel_order(**BTC, orderLinkId="c-0")),
        ("order/batch-place", session.place_batch_order(**LINEAR, request=[order | {"orderLinkId": "c-1"}])),
        ("order/batch-amend", session.amend_batch_order(**LINEAR, request=[target | {"price": "50002"}])),
        ("order/batch-cancel", session.cancel_batch_order(**LINEAR, request=[target])),
        ("order/cancel-all", session.cancel_all_orders(**BTC)),
        ("position/leverage", session.set_leverage(**BTC, buyLeverage="9", sellLeverage="9")),
    ]
    session.place_order(**limit("Buy", "50000", 1, orderLinkId="s-rest-2"))
    for page, body in answers:
        require_shape(body, examples(path, page, "rest-resp")[0], page)


@pytest.fixture
def pushed(traded: Simulator, sockets: Connect, inbox: Inbox) -> Inbox:
    listen(traded, sockets(traded, "private"), inbox)
    traded.http().place_order(**market("Buy", 1))
    for topic in ("order", "execution", "position", "wallet"):
        inbox.first(topic)
    return inbox


def message_of(inbox: Inbox, topic: str) -> Example:
    return next(message for message in inbox.messages if message["topic"] == topic)


@pytest.mark.parametrize("topic", ["order", "execution", "position", "wallet"])
def test_pushes_have_the_documented_keys(pushed: Inbox, shared_file: Callable[[str], Path], topic: str) -> None:
    example = examples(shared_file(EXAMPLES), f"websocket/private/{topic}", "ws-push")[0]
    require_shape(message_of(pushed, topic), example, topic)


@pytest.mark.parametrize("topic", ["order", "execution", "position", "wallet"])
def test_pushes_have_the_keys_of_real_frames(pushed: Inbox, shared_file: Callable[[str], Path], topic: str) -> None:
    lines = shared_file("private/frames_mixed.jsonl").read_text().splitlines()
    frames = [json.loads(json.loads(line)["raw"]) for line in lines]
    real = [frame for frame in frames if frame.get("topic") == topic]
    assert real
    for frame in real:
        require_shape(message_of(pushed, topic), frame, topic)
