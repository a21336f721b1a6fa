"""`make bench-sim`: what the simulated exchange does in a second of one core.

The server is a process of its own; its CPU time, not the wall clock, is the denominator, so that the client beside it
and other work of the machine do not count. The wall-clock rate is printed beside it.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import uvloop
from rich.console import Console
from rich.table import Table

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
OPEN_ORDERS = (10, 100, 500)
CONNECTIONS = 8
ALONE = 2_000


@dataclass(frozen=True, slots=True)
class Figure:
    """`count` things took `cpu_s` of the server and `wall_s` in all."""

    name: str
    count: int
    cpu_s: float
    wall_s: float

    @property
    def per_core(self) -> float:
        return self.count / self.cpu_s if self.cpu_s else 0.0


class Server:
    """A running simulator; `cpu_s` is what it has used so far."""

    def __init__(self, process: "subprocess.Popen[str]", info: dict[str, Any]) -> None:
        self.info = info
        self.key, self.secret = info["accounts"][0]["api_key"], info["accounts"][0]["api_secret"]
        self._pid = process.pid

    def cpu_s(self) -> float:
        with open(f"/proc/{self._pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def signed(self, path: str, body: dict[str, Any]) -> bytes:
        """A whole request as bytes."""
        payload = json.dumps(body).encode()
        stamp = str(int(time.time() * 1000))
        text = f"{stamp}{self.key}5000".encode() + payload
        signature = hmac.new(self.secret.encode(), text, hashlib.sha256).hexdigest()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: sim\r\nContent-Type: application/json\r\nX-BAPI-API-KEY: {self.key}\r\n"
            f"X-BAPI-TIMESTAMP: {stamp}\r\nX-BAPI-RECV-WINDOW: 5000\r\nX-BAPI-SIGN: {signature}\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload

    async def connect(self) -> "Client":
        host, _, port = self.info["rest"].removeprefix("http://").partition(":")
        return Client(self, *await asyncio.open_connection(host, int(port)))

    async def start(self) -> None:
        """Let the market run."""
        async with aiohttp.ClientSession() as session, session.post(f"{self.info['admin']}/admin/start") as reply:
            assert reply.status == 200

    async def steps(self) -> int:
        """How many steps of the market have been played."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.info['admin']}/admin/status") as reply:
            return int((await reply.json())["steps"])


class Client:
    """One keep-alive connection."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._reader, self._writer = server, reader, writer

    async def post(self, path: str, **body: Any) -> None:
        self._writer.write(self._server.signed(path, {"category": "linear", "symbol": "BTCUSDT"} | body))
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        answer = json.loads(await self._reader.readexactly(length))
        assert answer["retCode"] == 0, answer

    async def rest(self, tick: int) -> None:
        """A resting order far below the market."""
        terms = {"side": "Buy", "orderType": "Limit", "qty": "0.01", "timeInForce": "PostOnly"}
        await self.post("/v5/order/create", **terms, price=f"{50_000 + tick % 400}")

    async def cancel_all(self) -> None:
        await self.post("/v5/order/cancel-all")


@contextmanager
def server(*arguments: str) -> Iterator[Server]:
    free = ("--order-rate", "100000000", "--ip-rate", "100000000", "--account", "main:100000000", "--ack-delay-ms", "0")
    command = [sys.executable, "-m", "hedgegrid.exchange_sim", *free, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(process, json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate(timeout=10)


async def measured(name: str, sim: Server, work: Callable[[], Awaitable[int]]) -> Figure:
    cpu, wall = sim.cpu_s(), time.perf_counter()
    count = await work()
    return Figure(name, count, sim.cpu_s() - cpu, time.perf_counter() - wall)


async def creates(seconds: float) -> Figure:
    """Orders placed by several connections; every 400 of them are cancelled outside of the measure."""
    with server("--synthetic", "flat", "--no-autostart") as sim:
        clients = [await sim.connect() for _ in range(CONNECTIONS)]
        total = Figure("signed creates over HTTP", 0, 0.0, 0.0)

        async def some() -> int:
            await asyncio.gather(*(one(client) for client in clients))
            return 400

        async def one(client: Client) -> None:
            for number in range(400 // CONNECTIONS):
                await client.rest(number)

        while total.wall_s < seconds:
            part = await measured(total.name, sim, some)
            total = Figure(total.name, total.count + 400, total.cpu_s + part.cpu_s, total.wall_s + part.wall_s)
            await clients[0].cancel_all()
        return total


async def private_pushes(seconds: float) -> Figure:
    """Messages that follow from cancelling 400 orders at once: an order and a position message each."""
    with server("--synthetic", "flat", "--no-autostart") as sim:
        client = await sim.connect()
        total = Figure("private pushes", 0, 0.0, 0.0)
        async with aiohttp.ClientSession() as session, session.ws_connect(sim.info["ws_private"]) as socket:
            await log_in(sim, socket)

            async def burst() -> int:
                await client.cancel_all()
                return await frames(socket, 800)

            while total.wall_s < seconds:
                for number in range(400):
                    await client.rest(number)
                await frames(socket, 800)
                part = await measured(total.name, sim, burst)
                total = Figure(
                    total.name, total.count + part.count, total.cpu_s + part.cpu_s, total.wall_s + part.wall_s
                )
        return total


async def log_in(sim: Server, socket: aiohttp.ClientWebSocketResponse) -> None:
    expires = int(time.time() * 1000) + 10_000
    signature = hmac.new(sim.secret.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
    await socket.send_json({"op": "auth", "args": [sim.key, expires, signature]})
    await socket.send_json({"op": "subscribe", "args": ["order", "execution", "position", "wallet"]})
    await frames(socket, 2)


async def frames(socket: aiohttp.ClientWebSocketResponse, number: int) -> int:
    for _ in range(number):
        await socket.receive()
    return number


async def public(name: str, seconds: float, topics: list[str], subscribers: int, *arguments: str) -> Figure:
    """Frames that subscribers get while the market runs as fast as it goes."""
    with server("--speed", "max", "--no-autostart", *arguments) as sim:
        async with aiohttp.ClientSession() as session:
            sockets = [await session.ws_connect(sim.info["ws_public"]) for _ in range(subscribers)]
            for socket in sockets:
                await socket.send_json({"op": "subscribe", "args": topics})
                await frames(socket, 1)
            ends = [0.0]

            async def drain(socket: aiohttp.ClientWebSocketResponse) -> int:
                got = 0
                while time.perf_counter() < ends[0]:
                    await socket.receive()
                    got += 1
                return got

            async def work() -> int:
                await sim.start()
                ends[0] = time.perf_counter() + seconds
                return sum(await asyncio.gather(*(drain(socket) for socket in sockets)))

            return await measured(name, sim, work)


async def with_open_orders(number: int, seconds: float) -> tuple[Figure, Figure]:
    """The cost of a step of the market, and of an order that does not rest, beside resting orders out of reach."""
    with server("--speed", "max", "--no-autostart", "--symbols", "BTCUSDT") as sim:
        client = await sim.connect()
        for tick in range(number - 1):
            await client.rest(tick)

        terms = {"side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "40000", "timeInForce": "IOC"}

        async def alone() -> int:
            for _ in range(ALONE):
                await client.post("/v5/order/create", **terms)
            return ALONE

        orders = await measured(f"creates beside {number} open orders", sim, alone)

        async def steps() -> int:
            await sim.start()
            await asyncio.sleep(seconds)
            return await sim.steps()

        return await measured(f"steps of the market beside {number} open orders", sim, steps), orders


async def measure(seconds: float) -> list[Figure]:
    figures = [await creates(seconds), await private_pushes(seconds)]
    tickers = ["tickers.BTCUSDT", "tickers.ETHUSDT", "publicTrade.BTCUSDT", "publicTrade.ETHUSDT"]
    figures.append(await public("public pushes, 1 subscriber", seconds, tickers, 1))
    figures.append(await public("public pushes, 10 subscribers", seconds, tickers, 10))
    figures.append(
        await public("book updates (orderbook.1)", seconds, ["orderbook.1.BTCUSDT"], 1, "--symbols", "BTCUSDT")
    )
    figures.append(
        await public("book updates (orderbook.50)", seconds, ["orderbook.50.BTCUSDT"], 1, "--symbols", "BTCUSDT")
    )
    for number in OPEN_ORDERS:
        figures += await with_open_orders(number, seconds)
    return figures


def draw(figures: list[Figure]) -> Table:
    table = Table(title="exchange-sim, per second of one core")
    for column in ("what", "per core second", "µs each", "per wall second"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for figure in figures:
        each = 1e6 / figure.per_core if figure.per_core else 0.0
        wall = figure.count / figure.wall_s
        table.add_row(figure.name, f"{figure.per_core:,.0f}", f"{each:,.1f}", f"{wall:,.0f}")
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    figures = uvloop.run(measure(parser.parse_args().seconds))
    Console(width=None if sys.stdout.isatty() else 120).print(draw(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
