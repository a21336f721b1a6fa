"""A plain socket client that logs in, subscribes and reads frames."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from hedgegrid.exchange_sim.auth import sign
from tests.contract.exchange_sim.simulators import Simulator

Message = dict[str, Any]
Socket = aiohttp.ClientWebSocketResponse
DEADLINE_S = 30.0


def login(sim: Simulator, *, as_text: bool = False, secret: str = "") -> Message:
    """An `auth` request that holds for ten seconds."""
    expires = int(time.time() * 1000) + 10_000
    signature = sign(secret or sim.secret, f"GET/realtime{expires}".encode())
    return {"op": "auth", "args": [sim.key, str(expires) if as_text else expires, signature]}


class Line:
    """One socket; data and answers are kept apart."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.data: list[Message] = []

    async def ask(self, **request: Any) -> Message:
        """Send a request and return the next answer; data that comes before it is kept."""
        await self.socket.send_json(request)
        while True:
            message = await self._read(DEADLINE_S)
            if "topic" not in message:
                return message
            self.data.append(message)

    async def next(self, within_s: float = DEADLINE_S) -> Message:
        """The next data message.

        Raises:
            TimeoutError: none came.
        """
        if self.data:
            return self.data.pop(0)
        return await self._read(within_s)

    async def rows(self, topic: str, number: int) -> list[Message]:
        """The next rows of a topic; other topics are dropped."""
        found: list[Message] = []
        while len(found) < number:
            message = await self.next()
            if message["topic"] == topic:
                found += message["data"]
        return found

    async def ended(self) -> int:
        """Wait until the server has closed it; the code of its CLOSE frame, 1006 when there was none."""
        while True:
            message = await self.socket.receive(DEADLINE_S)
            if message.type is aiohttp.WSMsgType.CLOSE:
                return int(message.data)
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR):
                return 1006

    async def _read(self, within_s: float) -> Message:
        message: Message = await asyncio.wait_for(self.socket.receive_json(), within_s)
        return message


@asynccontextmanager
async def dial(url: str) -> AsyncIterator[Line]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield Line(socket)


@asynccontextmanager
async def private(sim: Simulator, *topics: str) -> AsyncIterator[Line]:
    """A private socket, logged in and subscribed."""
    async with dial(sim.info["ws_private"]) as line:
        assert (await line.ask(**login(sim)))["success"]
        assert (await line.ask(op="subscribe", args=list(topics)))["success"]
        yield line


@asynccontextmanager
async def public(sim: Simulator, *topics: str) -> AsyncIterator[Line]:
    """A public socket, subscribed."""
    async with dial(sim.info["ws_public"]) as line:
        assert (await line.ask(op="subscribe", args=list(topics)))["success"]
        yield line


@asynccontextmanager
async def trade(sim: Simulator) -> AsyncIterator[Line]:
    """A trade socket, logged in."""
    async with dial(sim.info["ws_trade"]) as line:
        assert (await line.ask(**login(sim)))["retCode"] == 0
        yield line


def order(link_id: str, **more: Any) -> Message:
    """A resting order as the body of a create request."""
    return {
        "category": "linear",
        "symbol": "BTCUSDT",
        "side": "Buy",
        "orderType": "Limit",
        "qty": "0.01",
        "price": "50000",
        "positionIdx": 1,
        "orderLinkId": link_id,
        **more,
    }


async def send(line: Line, kind: str, body: Message, **more: Any) -> Message:
    """A request on the trade socket, and its answer."""
    header = {"X-BAPI-TIMESTAMP": str(int(time.time() * 1000)), "X-BAPI-RECV-WINDOW": "5000"}
    return await line.ask(**({"op": kind, "header": header, "args": [body]} | more))
