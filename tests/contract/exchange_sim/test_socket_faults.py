"""What a client sees when messages, sockets or the server go wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import count

import aiohttp
import pytest

from tests.contract.exchange_sim.simulators import Simulator, eventually, launch
from tests.contract.exchange_sim.test_pybit import hedged
from tests.contract.exchange_sim.wire import DEADLINE_S, Line, dial, login, order, private, public, send, trade

SILENCE_S = 0.3
"""How long nothing must come where nothing may."""


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    simulator = launch("--synthetic", "chop", "--order-rate", "1000", "--ack-delay-ms", "0")
    hedged(simulator)
    yield simulator
    simulator.close()


@pytest.fixture
def sim(shared: Simulator) -> Iterator[Simulator]:
    yield shared
    shared.behave()


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), DEADLINE_S))


def place(sim: Simulator, *link_ids: str) -> None:
    for link_id in link_ids:
        sim.http().place_order(**order(link_id))


async def placed(sim: Simulator, *link_ids: str) -> None:
    await asyncio.to_thread(place, sim, *link_ids)


async def told(sim: Simulator, path: str, **body: object) -> None:
    await asyncio.to_thread(lambda: sim.tell(path, **body))


async def link_ids(line: Line, number: int) -> list[str]:
    return [row["orderLinkId"] for row in await line.rows("order", number)]


def test_a_dropped_message_is_never_seen(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="message_drop", match={"topic": "order", "orderLinkId": "drop-2"})
        async with private(sim, "order") as line:
            await placed(sim, "drop-1", "drop-2", "drop-3")
            assert await link_ids(line, 2) == ["drop-1", "drop-3"]

    run(test)


def test_a_message_comes_more_than_once(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="message_duplicate", copies=2, match={"orderLinkId": "twice"}, count=1)
        async with private(sim, "order") as line:
            await placed(sim, "twice", "once")
            assert await link_ids(line, 4) == ["twice", "twice", "twice", "once"]

    run(test)


def test_a_late_message_is_overtaken(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="message_late", delay_ms=1500, match={"orderLinkId": "slow"})
        async with private(sim, "order") as line:
            await placed(sim, "slow", "fast")
            assert await link_ids(line, 2) == ["fast", "slow"]

    run(test)


def test_messages_change_places(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="message_reorder", behind=2, match={"orderLinkId": "r-1"})
        async with private(sim, "order") as line:
            await placed(sim, "r-1", "r-2", "r-3", "r-4")
            assert await link_ids(line, 4) == ["r-2", "r-3", "r-1", "r-4"]
            await told(sim, "faults", kind="message_reorder", match={"orderLinkId": "r-last"})
            await placed(sim, "r-last")
            assert await link_ids(line, 1) == ["r-last"]  # nothing came to overtake it

    run(test)


def test_a_stalled_socket_answers_pings_and_loses_its_data(sim: Simulator) -> None:
    async def test() -> None:
        async with private(sim, "order") as line:
            await told(sim, "events", kind="socket_stall", channel="private", for_s=3)
            await placed(sim, "stalled")
            assert (await line.ask(op="ping"))["op"] == "pong"
            with pytest.raises(TimeoutError):
                await line.next(SILENCE_S)
            for number in count():
                await placed(sim, f"after-{number}")
                with suppress(TimeoutError):
                    message = await line.next(0.1)
                    break
            assert message["data"][0]["orderLinkId"].startswith("after-")

    run(test)


def test_one_symbol_of_a_public_socket_falls_silent(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="message_drop", match={"topic": "tickers.BTCUSDT"})
        async with public(sim, "tickers.BTCUSDT", "tickers.ETHUSDT") as line:
            seen = [(await line.next())["topic"] for _ in range(8)]
        assert seen.count("tickers.BTCUSDT") <= 1  # the snapshot is no push
        assert seen.count("tickers.ETHUSDT") >= 7

    run(test)


def test_a_half_open_socket_says_nothing_and_stays_up(sim: Simulator) -> None:
    async def test() -> None:
        async with private(sim, "order") as line:
            await told(sim, "events", kind="socket_half_open", channel="private", for_s=3)
            await line.socket.send_json({"op": "ping"})
            await line.socket.ping()
            with pytest.raises(TimeoutError):
                await line.next(SILENCE_S)
            assert not line.socket.closed
            assert await line.ended()

    run(test)


@pytest.mark.parametrize("code", [None, 1012])
def test_sockets_are_closed(sim: Simulator, code: int | None) -> None:
    async def test() -> None:
        async with private(sim, "order") as line, public(sim, "tickers.BTCUSDT") as other:
            await told(sim, "events", kind="socket_close", channel="private", code=code)
            assert await line.ended() == (code or 1006)
            assert (await other.next())["topic"] == "tickers.BTCUSDT"

    run(test)


def test_connections_are_refused(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="connect_refused", match={"channel": "private"}, count=1, status=502)
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with private(sim, "order"):
                pass
        assert refusal.value.status == 502
        async with private(sim, "order"):
            pass

    run(test)


def test_log_ins_and_subscriptions_are_refused(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="auth_refused", count=1)
        await told(sim, "faults", kind="subscribe_refused", match={"topic": "execution"}, count=1)
        async with dial(sim.info["ws_private"]) as line:
            refused = await line.ask(**login(sim))
            assert (refused["success"], refused["ret_msg"]) == (False, "Params Error")
            assert (await line.ask(**login(sim)))["success"]
            assert (await line.ask(op="subscribe", args=["order"]))["success"]
            refused = await line.ask(op="subscribe", args=["execution"])
            assert (refused["success"], refused["ret_msg"]) == (False, "Request not authorized")
            assert (await line.ask(op="subscribe", args=["execution"]))["success"]

    run(test)


def test_data_comes_before_the_ack(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="ack_late", delay_ms=300, match={"topic": "tickers.*"}, count=1)
        async with dial(sim.info["ws_public"]) as line:
            ack = await line.ask(op="subscribe", req_id="late", args=["tickers.BTCUSDT"])
            assert (ack["success"], ack["req_id"]) == (True, "late")
            first = await line.next(0)
            assert (first["topic"], first["type"]) == ("tickers.BTCUSDT", "snapshot")

    run(test)


def test_a_server_that_reads_slowly_answers_late(sim: Simulator) -> None:
    async def test() -> None:
        await told(sim, "faults", kind="slow_reads", delay_ms=400, match={"channel": "public"})
        loop = asyncio.get_running_loop()
        async with dial(sim.info["ws_public"]) as line:
            asked_at = loop.time()
            assert (await line.ask(op="ping"))["ret_msg"] == "pong"
            assert loop.time() - asked_at >= 0.35

    run(test)


def test_maintenance_cuts_and_refuses_sockets(sim: Simulator) -> None:
    async def test() -> None:
        async with private(sim, "order") as line:
            await told(sim, "events", kind="maintenance", for_s=60)
            assert await line.ended()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with public(sim, "tickers.BTCUSDT"):
                pass

    run(test)


def test_faults_reach_orders_of_the_trade_socket(sim: Simulator) -> None:
    async def test() -> None:
        match = {"channel": "trade", "path": "/v5/order/create"}
        await told(sim, "faults", kind="answer_code", code=10016, match=match, count=1, executed=True)
        async with trade(sim) as line:
            refused = await send(line, "order.create", order("ws-1"), reqId="1")
            assert (refused["retCode"], refused["reqId"], refused["data"]) == (10016, "1", {})
            again = await send(line, "order.create", order("ws-1"), reqId="2")
            assert again["retCode"] == 110072
            await told(sim, "faults", kind="answer_lost", match=match, count=1)
            await line.socket.send_json({"op": "order.create", "header": {}, "args": [order("ws-2")]})
            assert (await line.ask(op="ping"))["op"] == "pong"  # the next answer is not to the order

    run(test)


def test_the_accounts_owner_interferes(sim: Simulator) -> None:
    """Somebody else opens, cancels, changes leverage, closes and switches the mode."""

    async def test() -> None:
        about = {"account": "main", "symbol": "ETHUSDT"}
        async with private(sim, "order", "execution", "position") as line:
            await told(sim, "events", kind="human_order", **about, side="Buy", qty="1", position_idx=1)
            (filled,) = await line.rows("execution", 1)
            assert (filled["orderLinkId"], filled["execQty"]) == ("", "1")
            await placed(sim, "mine")
            await told(sim, "events", kind="human_cancel", account="main", symbol="BTCUSDT", order_link_id="mine")
            await told(sim, "events", kind="human_leverage", **about, leverage="7")
            await told(sim, "events", kind="human_close", **about, position_idx=1)
            await told(sim, "events", kind="human_mode", **about, hedge=False)
        rows = (await asyncio.to_thread(lambda: sim.admin("positions", **about)))["list"]
        assert [(row["positionIdx"], row["size"], row["leverage"]) for row in rows] == [(0, "0", "7")]
        mine = await asyncio.to_thread(lambda: sim.admin("orders", account="main", symbol="BTCUSDT"))
        assert next(o for o in mine["list"] if o["orderLinkId"] == "mine")["orderStatus"] == "Cancelled"

    run(test)


def test_an_event_that_cannot_happen_says_why(sim: Simulator) -> None:
    with pytest.raises(AssertionError, match="110017"):
        sim.tell("events", kind="human_close", account="main", symbol="BTCUSDT", position_idx=2)
    with pytest.raises(AssertionError, match="Not supported symbols"):
        sim.tell("events", kind="human_leverage", account="main", symbol="NOPE", leverage="3")


def test_a_scenario_file_plays_by_itself(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("scenario") / "s.toml"
    path.write_text(
        'seed = 3\n[[event]]\nkind = "human_order"\naccount = "main"\nsymbol = "BTCUSDT"\nside = "Buy"\nqty = "0.01"\n'
        'position_idx = 0\nat_s = 1\nevery_s = 1\ncount = 3\n[[event]]\nkind = "human_close"\naccount = "main"\n'
        'symbol = "ETHUSDT"\nposition_idx = 0\nat_s = 2\n'
    )
    sim = launch("--synthetic", "flat", "--speed", "20", "--scenario", str(path))
    try:
        eventually(lambda: len(sim.admin("executions", account="main")["list"]) == 3)
        events = sim.admin("events")
        assert [event["done"] for event in events["list"]] == [3, 1]
        assert events["failures"] == ["event 2: 110017 current position is zero, cannot fix reduce-only order qty"]
    finally:
        sim.close()
