"""The sockets' dialogue frame by frame, with a plain WebSocket client (bybit-v5.md 2.2 to 2.4)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from hedgegrid.exchange_sim.auth import sign
from tests.contract.exchange_sim.simulators import Simulator, launch
from tests.contract.exchange_sim.test_pybit import hedged, market

Socket = aiohttp.ClientWebSocketResponse
Message = dict[str, Any]
DEADLINE_S = 30.0


@pytest.fixture(scope="module")
def sim() -> Any:
    simulator = launch("--speed", "20", "--order-rate", "1000", "--ack-delay-ms", "5")
    hedged(simulator)
    yield simulator
    simulator.close()


def talk(url: str, dialogue: Callable[[Socket], Awaitable[None]]) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            await asyncio.wait_for(dialogue(socket), DEADLINE_S)

    asyncio.run(run())


async def ask(socket: Socket, **request: Any) -> Message:
    """Send a request and return the next answer (data of other topics is skipped)."""
    await socket.send_json(request)
    while True:
        message: Message = await socket.receive_json()
        if "topic" not in message:
            return message


def auth(sim: Simulator, *, as_text: bool = False, secret: str = "") -> Message:
    expires = int(time.time() * 1000) + 10_000
    signature = sign(secret or sim.secret, f"GET/realtime{expires}".encode())
    return {"op": "auth", "args": [sim.key, str(expires) if as_text else expires, signature]}


def test_the_ack_echoes_req_id_comes_after_a_delay_and_before_the_snapshot(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        sent_at = time.monotonic()
        await socket.send_json({"op": "subscribe", "req_id": 17, "args": ["tickers.BTCUSDT"]})
        ack = await socket.receive_json()
        assert time.monotonic() - sent_at >= 0.005
        assert (ack["success"], ack["op"], ack["req_id"], ack["ret_msg"]) == (True, "subscribe", 17, "")
        snapshot = await socket.receive_json()
        assert (snapshot["topic"], snapshot["type"]) == ("tickers.BTCUSDT", "snapshot")
        assert isinstance(snapshot["cs"], int)

    talk(sim.info["ws_public"], dialogue)


def test_ticker_deltas_carry_only_what_changed(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        await ask(socket, op="subscribe", args=["tickers.ETHUSDT"])
        state = (await socket.receive_json())["data"]
        for _ in range(30):
            delta = await socket.receive_json()
            assert delta["type"] == "delta"
            changed = {key: value for key, value in delta["data"].items() if state.get(key) != value}
            assert changed
            beside = delta["data"].keys() - changed.keys()
            assert beside <= {"symbol", "bid1Price", "bid1Size", "ask1Price", "ask1Size"}
            state |= changed

    talk(sim.info["ws_public"], dialogue)


def test_a_book_rebuilt_from_deltas_equals_a_new_snapshot(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        await ask(socket, op="subscribe", args=["orderbook.50.BTCUSDT"])
        sides: dict[str, dict[str, str]] = {}
        update = 0
        for _ in range(40):
            message = await socket.receive_json()
            data = message["data"]
            if message["type"] == "snapshot":
                sides = {side: dict(data[side]) for side in "ba"}
            else:
                assert data["u"] == update + 1
                for side in "ba":
                    for price, size in data[side]:
                        if size == "0":
                            del sides[side][price]
                        else:
                            sides[side][price] = size
            update = data["u"]
            assert {side: len(levels) for side, levels in sides.items()} == {"b": 50, "a": 50}
            assert max(map(Decimal, sides["b"])) < min(map(Decimal, sides["a"]))

    talk(sim.info["ws_public"], dialogue)


def test_orderbook_1_sends_snapshots_only(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        await ask(socket, op="subscribe", args=["orderbook.1.BTCUSDT"])
        for _ in range(10):
            message = await socket.receive_json()
            assert (message["type"], len(message["data"]["b"])) == ("snapshot", 1)

    talk(sim.info["ws_public"], dialogue)


@pytest.mark.parametrize(
    "bad", ["tickers.NOPE", "orderbook.500.BTCUSDT", "nonsense", "order", "kline.2.BTCUSDT", "tickers."]
)
def test_one_bad_topic_rejects_the_whole_request(sim: Simulator, bad: str) -> None:
    async def dialogue(socket: Socket) -> None:
        refused = await ask(socket, op="subscribe", req_id="x", args=["tickers.BTCUSDT", bad])
        assert (refused["success"], refused["req_id"]) == (False, "x")
        assert refused["ret_msg"] == f"error:handler not found,topic:{bad}"
        taken = await ask(socket, op="subscribe", args=["tickers.BTCUSDT"])
        assert taken["success"]

    talk(sim.info["ws_public"], dialogue)


def test_a_repeated_topic_is_rejected_until_it_is_unsubscribed(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        topic = "publicTrade.BTCUSDT"
        assert (await ask(socket, op="subscribe", args=[topic]))["success"]
        again = await ask(socket, op="subscribe", args=["tickers.BTCUSDT", topic])
        assert again["ret_msg"] == f"error:already subscribed,topic:{topic}"
        left = await ask(socket, op="unsubscribe", args=[topic], req_id="u")
        assert (left["success"], left["op"], left["req_id"]) == (True, "unsubscribe", "u")
        assert (await ask(socket, op="subscribe", args=[topic]))["success"]

    talk(sim.info["ws_public"], dialogue)


def test_both_forms_of_pong(sim: Simulator) -> None:
    async def public(socket: Socket) -> None:
        pong = await ask(socket, op="ping", req_id="p", args=[123])
        assert {k: pong[k] for k in ("success", "ret_msg", "op", "req_id")} == {
            "success": True,
            "ret_msg": "pong",
            "op": "ping",
            "req_id": "p",
        }

    async def private(socket: Socket) -> None:
        pong = await ask(socket, op="ping")
        assert (pong["op"], "req_id" in pong) == ("pong", False)
        assert abs(int(pong["args"][0]) - time.time() * 1000) < 5000

    talk(sim.info["ws_public"], public)
    talk(sim.info["ws_private"], private)


@pytest.mark.parametrize("as_text", [False, True])
def test_private_topics_need_auth_and_start_empty(sim: Simulator, as_text: bool) -> None:
    async def dialogue(socket: Socket) -> None:
        refused = await ask(socket, op="subscribe", args=["order"])
        assert (refused["success"], refused["ret_msg"]) == (False, "Request not authorized")
        assert (await ask(socket, **auth(sim, as_text=as_text)))["success"]
        assert (await ask(socket, op="subscribe", args=["order", "execution.fast", "wallet"]))["success"]
        pong = await ask(socket, op="ping")
        assert pong["op"] == "pong"

    talk(sim.info["ws_private"], dialogue)


def test_bad_auth_is_params_error(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        for request in (auth(sim, secret="wrong"), {"op": "auth", "args": ["?"]}, {"op": "auth"}):
            answer = await ask(socket, **request)
            assert (answer["success"], answer["ret_msg"], answer["op"]) == (False, "Params Error", "auth")

    talk(sim.info["ws_private"], dialogue)


def test_rubbish_does_not_end_the_connection(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        for text in (
            "{",
            "[]",
            '"x"',
            '{"op": []}',
            '{"op":"subscribe","args":"tickers"}',
            '{"op":"subscribe","args":[1]}',
        ):
            await socket.send_str(text)
            assert not (await socket.receive_json())["success"]
        assert (await ask(socket, op="ping"))["success"]

    talk(sim.info["ws_public"], dialogue)


def test_categorised_and_fast_topics_carry_their_own_name(sim: Simulator) -> None:
    async def dialogue(socket: Socket) -> None:
        await ask(socket, **auth(sim))
        await ask(socket, op="subscribe", args=["order.linear", "execution.fast"])
        await asyncio.to_thread(sim.http().place_order, **market("Buy", 1))
        messages = {(message := await socket.receive_json())["topic"]: message for _ in range(2)}
        assert messages.keys() == {"order.linear", "execution.fast"}
        assert "execFee" not in messages["execution.fast"]["data"][0]

    talk(sim.info["ws_private"], dialogue)


def test_protocol_pings_are_answered(sim: Simulator) -> None:
    async def run() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(sim.info["ws_private"], autoping=False) as socket,
        ):
            await socket.ping(b"hello")
            message = await asyncio.wait_for(socket.receive(), DEADLINE_S)
            assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"hello")

    asyncio.run(run())


def test_a_slow_auth_refuses_whoever_does_not_wait_for_it() -> None:
    simulator = launch("--synthetic", "flat", "--auth-delay-ms", "100")

    async def dialogue(socket: Socket) -> None:
        await socket.send_json(auth(simulator))
        early = await ask(socket, op="subscribe", args=["order"])
        assert early["ret_msg"] == "Request not authorized"
        through = await socket.receive_json()
        assert (through["op"], through["success"]) == ("auth", True)
        assert (await ask(socket, op="subscribe", args=["order"]))["success"]

    try:
        talk(simulator.info["ws_private"], dialogue)
    finally:
        simulator.close()


def test_a_quiet_best_quote_is_repeated_with_the_same_update_id() -> None:
    simulator = launch("--synthetic", "flat", "--no-autostart")

    async def dialogue(socket: Socket) -> None:
        await ask(socket, op="subscribe", args=["orderbook.1.BTCUSDT"])
        first, second = [await socket.receive_json() for _ in range(2)]
        assert first["data"] == second["data"]

    try:
        talk(simulator.info["ws_public"], dialogue)
    finally:
        simulator.close()
