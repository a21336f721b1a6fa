"""A Bybit-like WebSocket server that does exactly what a test tells it, in a thread of its own."""

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import WSMsgType, web

T = TypeVar("T")


@dataclass
class Script:
    """How the venue behaves towards new connections and requests; a test may change it at any time."""

    accept_auth: Callable[[str], bool] = lambda key: True
    refuse_topics: frozenset[str] = frozenset()
    answer_text_pings: bool = True
    before_ack: list[str] = field(default_factory=list)
    """Frames sent before a subscription is acknowledged."""
    after_ack: list[str] = field(default_factory=list)
    """Frames sent in the same instant as the acknowledgement."""
    close_after_ack: bool = False
    ignore_requests: bool = False


@dataclass
class Connection:
    path: str
    socket: web.WebSocketResponse
    api_key: str = ""
    authenticated: bool = False
    topics: list[str] = field(default_factory=list)
    pings: int = 0


class ScriptedVenue:
    """`connections` lists the open ones; `accepted` counts all there ever were, by path."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.script = Script()
        self.connections: list[Connection] = []
        self.accepted: dict[str, int] = {"/v5/public/linear": 0, "/v5/private": 0}
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="venue", daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def start(self) -> "ScriptedVenue":
        """Listen, after a `stop` on the same port as before."""
        self._do(self._start())
        return self

    def stop(self) -> None:
        """Cut every connection and refuse new ones."""
        self._do(self._stop())

    def shut_down(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def push_private(self, api_key: str, *frames: str) -> None:
        """Send frames to every subscribed connection of a key."""
        self._do(self._send([c for c in self.connections if c.topics and c.api_key == api_key], frames))

    def push_public(self, *frames: str) -> None:
        self._do(self._send([c for c in self.connections if c.topics and c.path.endswith("linear")], frames))

    def close_all(self, code: int = 1001) -> None:
        """Say goodbye to every connection, as a server does before a restart."""

        async def close() -> None:
            for connection in list(self.connections):
                await connection.socket.close(code=code)

        self._do(close())

    def subscribed(self, path: str) -> list[Connection]:
        return [c for c in list(self.connections) if c.path == path and c.topics]

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_get("/v5/public/linear", self._serve)
        app.router.add_get("/v5/private", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True, ssl_context=self._tls)
        await site.start()
        if not self.port:
            self.port = self._runner.addresses[0][1]

    async def _stop(self) -> None:
        for connection in list(self.connections):
            transport = connection.socket._req.transport if connection.socket._req else None
            if transport is not None:
                transport.abort()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _send(self, connections: list[Connection], frames: tuple[str, ...]) -> None:
        for connection in connections:
            for frame in frames:
                await connection.socket.send_str(frame)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(request.path, socket)
        self.accepted[request.path] += 1
        self.connections.append(connection)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT and not self.script.ignore_requests:
                    await self._answer(connection, json.loads(message.data))
        except ConnectionResetError:
            pass
        finally:
            self.connections.remove(connection)
        return socket

    async def _answer(self, connection: Connection, request: dict[str, Any]) -> None:
        match request["op"]:
            case "ping":
                connection.pings += 1
                if self.script.answer_text_pings:
                    await connection.socket.send_json({"op": "pong", "args": ["1"], "conn_id": "c"})
            case "auth":
                connection.api_key = request["args"][0]
                connection.authenticated = self.script.accept_auth(connection.api_key)
                text = "" if connection.authenticated else "Params Error"
                await connection.socket.send_json(
                    {"success": connection.authenticated, "ret_msg": text, "op": "auth", "conn_id": "c"}
                )
            case "subscribe":
                await self._subscribe(connection, request)

    async def _subscribe(self, connection: Connection, request: dict[str, Any]) -> None:
        refused = [topic for topic in request["args"] if topic in self.script.refuse_topics]
        problem = f"error:handler not found,topic:{refused[0]}" if refused else ""
        if connection.path == "/v5/private" and not connection.authenticated:
            problem = "Request not authorized"
        for frame in self.script.before_ack if not problem else ():
            await connection.socket.send_str(frame)
        if not problem:  # before the answer: a test that sees the client live may push at once
            connection.topics += request["args"]
        await connection.socket.send_json(
            {"success": not problem, "ret_msg": problem, "req_id": request["req_id"], "op": "subscribe", "conn_id": "c"}
        )
        if problem:
            return
        for frame in self.script.after_ack:
            await connection.socket.send_str(frame)
        if self.script.close_after_ack:
            await connection.socket.close(code=1012)
