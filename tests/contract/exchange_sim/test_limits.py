"""Rate limits, slow readers and idle sockets."""

import asyncio
import socket
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
import requests
from pybit.exceptions import FailedRequestError, InvalidRequestError

from tests.contract.exchange_sim.simulators import Simulator, eventually
from tests.contract.exchange_sim.test_pybit import BTC, hedged, limit

Start = Callable[..., Simulator]


def test_the_eleventh_order_in_a_second_waits_for_the_header(simulator: Start) -> None:
    sim = simulator("--synthetic", "flat", "--order-rate", "3")
    session = hedged(sim)
    session.retry_codes = set()
    session.return_response_headers = True
    headers: Any = None
    for i in range(3):
        _, _, headers = session.place_order(**limit("Buy", str(50000 + i), 1))
    assert (headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == ("3", "0")
    with pytest.raises(InvalidRequestError) as refusal:
        session.place_order(**limit("Buy", "50000", 1))
    assert refusal.value.status_code == 10006
    assert int(refusal.value.resp_headers["X-Bapi-Limit-Reset-Timestamp"]) > time.time() * 1000 - 50
    session.return_response_headers = False
    assert session.get_open_orders(**BTC)["retCode"] == 0
    eventually(lambda: not refused(session))


def refused(session: Any) -> bool:
    try:
        session.place_order(**limit("Buy", "50000", 1))
    except InvalidRequestError as error:
        return bool(error.status_code == 10006)
    return False


def test_a_batch_spends_one_unit_a_leg(simulator: Start) -> None:
    session = hedged(simulator("--synthetic", "flat", "--order-rate", "3"))
    leg = {key: value for key, value in limit("Buy", "50000", 1).items() if key != "category"}
    body = session.place_batch_order(category="linear", request=[leg] * 5)
    assert [row["code"] for row in body["retExtInfo"]["list"]] == [0, 0, 0, 10006, 10006]


def test_too_many_requests_from_an_address_are_http_403(simulator: Start) -> None:
    session = simulator("--synthetic", "flat", "--ip-rate", "3").http()
    for _ in range(3):
        session.get_server_time()
    with pytest.raises(FailedRequestError) as refusal:
        session.get_server_time()
    assert refusal.value.status_code == 403


def test_http_errors(simulator: Start) -> None:
    rest = simulator("--synthetic", "flat").info["rest"]
    assert requests.get(f"{rest}/v5/nope", timeout=5).status_code == 404
    assert requests.get(f"{rest}/v5/order/create", timeout=5).status_code == 404
    assert requests.get(f"{rest}/v5/position/list?category=linear", timeout=5).status_code == 401
    assert requests.get(f"{rest}/v5/market/time", data="{}", timeout=5).status_code == 403


def test_a_client_that_does_not_read_is_cut_and_others_are_not_held_up(simulator: Start) -> None:
    sim = simulator("--ticks-per-s", "2000", "--send-limit-kb", "64")

    def small_buffer(address: Any) -> socket.socket:
        made = socket.socket(*address[:3])
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.setblocking(False)
        return made

    async def run() -> None:
        connector = aiohttp.TCPConnector(socket_factory=small_buffer)
        async with aiohttp.ClientSession(connector=connector) as session:
            topics = [f"orderbook.1000.{symbol}" for symbol in ("BTCUSDT", "ETHUSDT")]
            quick_close = aiohttp.ClientWSTimeout(ws_close=0.1)
            async with session.ws_connect(sim.info["ws_public"], max_msg_size=0, timeout=quick_close) as slow:
                await slow.send_json({"op": "subscribe", "args": topics})
                connection = slow._response.connection
                assert connection is not None
                assert connection.transport is not None
                assert isinstance(connection.transport, asyncio.ReadTransport)
                connection.transport.pause_reading()
                async with session.ws_connect(sim.info["ws_public"]) as quick:
                    await quick.send_json({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
                    end = time.monotonic() + 20
                    while (await asyncio.to_thread(sim.admin, "status"))["sockets"] > 1:
                        assert time.monotonic() < end
                        message = await asyncio.wait_for(quick.receive_json(), 2)
                    assert message

    asyncio.run(run())


def test_admin_tells_the_venues_truth(simulator: Start) -> None:
    sim = simulator("--synthetic", "flat", "--account", "one:500", "--account", "two", "--no-autostart")
    assert not sim.admin("status")["started"]
    session = hedged(sim)
    session.place_order(**limit("Buy", "60000", 1, orderLinkId="adm-1"))
    session.place_order(**BTC, side="Buy", orderType="Market", qty="0.01", positionIdx=1)
    assert sim.admin("orders", account="one")["list"][0]["orderLinkId"] == "adm-1"
    assert sim.admin("orders", account="two")["list"] == []
    fill = sim.admin("executions", account="one")["list"][0]
    assert fill["positionIdx"] == 1
    assert Decimal(sim.admin("wallet", account="one")["totalWalletBalance"]) == 500 - Decimal(fill["execFee"])
    assert len(sim.admin("positions", account="one", symbol="BTCUSDT")["list"]) == 2
    log = sim.admin("requests", account="one")
    assert log["counts"]["one"]["POST /v5/order/create"] == 2
    assert log["list"][1]["orderLinkId"] == "adm-1"
    assert requests.post(f"{sim.info['admin']}/admin/start", timeout=5).json() == {"started": True}
    eventually(lambda: sim.admin("status")["steps"] > 1)
    requests.post(f"{sim.info['admin']}/admin/pause", timeout=5)
    assert not sim.admin("status")["started"]
    assert requests.get(f"{sim.info['admin']}/admin/orders?account=x", timeout=5).status_code == 400
