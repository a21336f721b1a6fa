"""The same seed and the same commands give the same private messages, byte for byte."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.contract.exchange_sim.simulators import Simulator
from tests.contract.exchange_sim.test_pybit import BTC, hedged, limit, market
from tests.contract.exchange_sim.wire import DEADLINE_S, Line, private

EPOCH_MS = 1_767_225_600_000
FLAT = ("--synthetic", "flat")
PRINTS = """timestamp,symbol,side,size,price
1767225600.0,BTCUSDT,Buy,0.001,65000
1767225601.0,BTCUSDT,Sell,0.02,63999
1767225602.0,BTCUSDT,Buy,0.001,64001
"""
Start = Callable[..., Simulator]
Story = Callable[[Simulator, Any], None]


def market_order(sim: Simulator, session: Any) -> None:
    session.place_order(**market("Buy", 1, orderLinkId="m"))
    sim.tell("step", steps=3)
    session.place_order(**market("Sell", 1, reduceOnly=True))


def three_parts(sim: Simulator, session: Any) -> None:
    sim.tell("events", kind="partial_fills", parts=3)
    session.place_order(**limit("Buy", "64000", 1, orderLinkId="maker"))
    sim.tell("step", steps=10)


def amended(sim: Simulator, session: Any) -> None:
    session.place_order(**limit("Buy", "60000", 1, orderLinkId="a"))
    sim.tell("step", steps=5)
    session.amend_order(**BTC, orderLinkId="a", price="60100", qty="0.02")
    session.cancel_order(**BTC, orderLinkId="a")


def cancel_race(sim: Simulator, session: Any) -> None:
    sim.tell("faults", kind="race_fill", match={"path": "/v5/order/cancel"})
    session.place_order(**limit("Buy", "60000", 1, orderLinkId="late"))
    session.cancel_order(**BTC, orderLinkId="late")


def liquidation(sim: Simulator, session: Any) -> None:
    session.set_leverage(**BTC, buyLeverage="100", sellLeverage="100")
    session.place_order(**market("Buy", 1, qty="0.1"))
    session.place_order(**limit("Buy", "50000", 1, qty="0.01", orderLinkId="rests"))
    sim.tell("step", steps=1000)


def funding(sim: Simulator, session: Any) -> None:
    session.place_order(**market("Buy", 1))
    session.place_order(**market("Sell", 2))
    sim.tell("step", steps=1)
    sim.tell("events", kind="funding", symbol="BTCUSDT", rate="-0.0003")


async def record(sim: Simulator, session: Any, story: Story) -> list[str]:
    """Every private frame of a story, as text; a new leverage marks the end."""
    async with private(sim, "order", "execution", "position", "wallet") as line:
        await asyncio.to_thread(story, sim, session)
        await asyncio.to_thread(lambda: session.set_leverage(**BTC, buyLeverage="2", sellLeverage="2"))
        return await _frames(line)


async def _frames(line: Line) -> list[str]:
    frames = []
    while True:
        message = await asyncio.wait_for(line.socket.receive(), DEADLINE_S)
        assert message.type is aiohttp.WSMsgType.TEXT
        frames.append(message.data)
        if '"leverage":"2"' in message.data:
            return frames


def transcript(simulator: Start, story: Story, *arguments: str) -> list[str]:
    sim = simulator(*arguments, "--seed", "9", "--no-autostart", "--epoch-ms", str(EPOCH_MS), "--ack-delay-ms", "0")
    session = hedged(sim)
    return run(record(sim, session, story))


def run(job: Awaitable[list[str]]) -> list[str]:
    return asyncio.run(asyncio.wait_for(job, DEADLINE_S))


def outline(frames: list[str]) -> list[str]:
    """`topic:what` of every row but those of positions and wallet."""
    told = []
    for frame in frames:
        message = msgspec.json.decode(frame)
        for row in message["data"]:
            if message["topic"] == "order":
                told.append(f"order:{row['orderStatus']}")
            elif message["topic"] == "execution":
                told.append(f"execution:{row['execType']}:{row['execQty']}")
    return told


@pytest.mark.parametrize(
    ("story", "arguments", "expected"),
    [
        (
            market_order,
            FLAT,
            ["order:Filled", "execution:Trade:0.01", "order:Filled", "execution:Trade:0.01"],
        ),
        (
            three_parts,
            (),
            [
                "order:New",
                "order:PartiallyFilled",
                "execution:Trade:0.003",
                "order:PartiallyFilled",
                "execution:Trade:0.003",
                "order:Filled",
                "execution:Trade:0.004",
            ],
        ),
        (amended, FLAT, ["order:New", "order:New", "order:Cancelled"]),
        (cancel_race, FLAT, ["order:New", "order:Filled", "execution:Trade:0.01", "order:Filled"]),
        (
            liquidation,
            ("--synthetic", "crash", "--account", "main:100"),
            [
                "order:Filled",
                "execution:Trade:0.1",
                "order:New",
                "order:Cancelled",
                "order:Filled",
                "execution:BustTrade:0.1",
            ],
        ),
        (
            funding,
            FLAT,
            [
                "order:Filled",
                "execution:Trade:0.01",
                "order:Filled",
                "execution:Trade:0.01",
                "execution:Funding:0.01",
                "execution:Funding:0.01",
            ],
        ),
    ],
)
def test_a_lifecycle_replays_to_the_byte(
    simulator: Start, tmp_path: Path, story: Story, arguments: tuple[str, ...], expected: list[str]
) -> None:
    if story is three_parts:
        tape = tmp_path / "prints.csv"
        tape.write_text(PRINTS)
        arguments = ("--tape", str(tape), "--symbols", "BTCUSDT")
    first = transcript(simulator, story, *arguments)
    assert outline(first) == expected
    assert transcript(simulator, story, *arguments) == first
    times = [msgspec.json.decode(frame)["creationTime"] for frame in first]
    assert times == sorted(times)
    assert EPOCH_MS <= times[0] <= times[-1] < EPOCH_MS + 200_000
