"""The trade socket frame by frame (docs/v5/websocket/trade/guideline), and limits on sockets."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import aiohttp
import pytest

from tests.contract.exchange_sim.simulators import Simulator, launch
from tests.contract.exchange_sim.test_pybit import hedged
from tests.contract.exchange_sim.wire import DEADLINE_S, dial, login, order, public, send, trade


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    simulator = launch("--synthetic", "flat", "--ack-delay-ms", "0")
    hedged(simulator)
    yield simulator
    simulator.close()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), DEADLINE_S))


def test_nothing_is_traded_before_the_log_in(sim: Simulator) -> None:
    async def test() -> None:
        async with dial(sim.info["ws_trade"]) as line:
            answer = await send(line, "order.create", order("early"), reqId="1")
            assert (answer["success"], answer["ret_msg"], answer["op"]) == (False, "Params Error", "order.create")
            assert (await line.ask(**login(sim, secret="wrong")))["retCode"] == 10004
            assert (await line.ask(**login(sim, as_text=True)))["retCode"] == 0
            assert (await line.ask(**login(sim)))["retCode"] == 20001

    run(test)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"header": {"X-BAPI-TIMESTAMP": "1", "X-BAPI-RECV-WINDOW": "5000"}}, 10002),
        ({"header": {}}, 10001),
        ({"header": None}, 10001),
        ({"op": "order.nothing"}, 10404),
        ({"args": [order("x", category="spot")]}, 10404),
        ({"args": []}, 10001),
        ({"args": [order("x", qty="0")]}, 10001),
        ({"reqId": "r" * 37}, 10001),
    ],
)
def test_bad_requests(sim: Simulator, change: dict[str, object], code: int) -> None:
    async def test() -> None:
        async with trade(sim) as line:
            answer = await send(line, "order.create", order("bad"), **({"reqId": "b"} | change))
            assert (answer["retCode"], answer["data"]) == (code, {})

    run(test)


def test_the_time_may_be_a_number_and_a_req_id_is_used_once(sim: Simulator) -> None:
    async def test() -> None:
        async with trade(sim) as line:
            header = {"X-BAPI-TIMESTAMP": int(time.time() * 1000), "X-BAPI-RECV-WINDOW": 5000}
            first = await line.ask(op="order.create", header=header, args=[order("int-1")], reqId="once")
            assert (first["retCode"], first["reqId"]) == (0, "once")
            assert first["header"].keys() >= {"X-Bapi-Limit", "X-Bapi-Limit-Status", "Traceid", "Timenow"}
            again = await send(line, "order.create", order("int-2"), reqId="once")
            assert again["retCode"] == 20006
            assert "reqId" not in await send(line, "order.create", order("int-3"))
            assert (await line.ask(op="ping"))["op"] == "pong"

    run(test)


def test_rest_and_socket_share_their_budgets(sim: Simulator) -> None:
    """12 legs of the 10 a second go to the socket, so that one over REST in the same second gets none."""

    async def attempt() -> bool:
        begun_at = time.monotonic()
        async with trade(sim) as line:
            legs = [order(f"budget-{time.monotonic_ns()}-{i}") for i in range(12)]
            answer = await send(line, "order.create-batch", {"category": "linear", "request": legs})
            last = {"category": "linear", "request": [order(f"rest-{time.monotonic_ns()}")]}
            body = await asyncio.to_thread(lambda: sim.http().place_batch_order(**last))
        codes = [row["code"] for row in answer["retExtInfo"]["list"] + body["retExtInfo"]["list"]]
        return time.monotonic() - begun_at < 0.9 and codes == [0] * 10 + [10006] * 3

    async def test() -> None:
        while not await attempt():  # a machine that stalls lets the second pass
            pass

    run(test)


def test_new_sockets_are_limited_per_address() -> None:
    sim = launch("--synthetic", "flat", "--connect-limit", "3")
    try:

        async def test() -> None:
            for _ in range(3):
                async with public(sim, "tickers.BTCUSDT"):
                    pass
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                async with public(sim, "tickers.BTCUSDT"):
                    pass
            assert refusal.value.status == 403

        run(test)
    finally:
        sim.close()


def test_a_category_without_symbols_has_a_socket_that_knows_no_topic(sim: Simulator) -> None:
    async def test() -> None:
        async with dial(sim.info["ws_public"].replace("linear", "spot")) as line:
            assert (await line.ask(op="ping"))["ret_msg"] == "pong"
            assert not (await line.ask(op="subscribe", args=["tickers.BTCUSDT"]))["success"]

    run(test)
