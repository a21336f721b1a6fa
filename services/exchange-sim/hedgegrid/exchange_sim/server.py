"""The public port: REST and both sockets on one aiohttp server."""

import asyncio
import secrets
from asyncio import WriteTransport
from typing import cast

from aiohttp import web

from hedgegrid.exchange_sim.clock import wall_ms
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest.service import RestService
from hedgegrid.exchange_sim.ws.connection import Connection
from hedgegrid.exchange_sim.ws.session import PrivateSession, PublicSession, Session
from hedgegrid.exchange_sim.ws.topics import PRIVATE_TOPICS, is_public_topic

PUBLIC_PATH = "/v5/public/linear"
PRIVATE_PATH = "/v5/private"
ACTIVE_TIME_S = (30, 600)
"""Bounds of the private socket's `?max_active_time=30s`."""
KEEPALIVE_S = 600.0


class ClientServer:
    """`url` and the socket paths are known once `start` has returned."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._rest = RestService(exchange)
        server = web.Server(self._dispatch, access_log=None, keepalive_timeout=KEEPALIVE_S)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port (useful with 0)."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port, backlog=1024).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Cut every socket and close; nobody waits for a client's clean close."""
        self._exchange.hub.close_all()
        await self._runner.cleanup()

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in (PUBLIC_PATH, PRIVATE_PATH) and "upgrade" in request.headers.get("Connection", "").lower():
            return await self._socket(request)
        return await self._rest.handle(request)

    async def _socket(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
        try:
            await socket.prepare(request)
        except web.HTTPException as error:
            return error
        transport = request.transport
        if transport is None:
            return socket
        hub, conduct = self._exchange.hub, self._exchange.conduct
        is_public = request.path == PUBLIC_PATH
        idle_limit_s = conduct.idle_limit_s if is_public else _active_time(request, conduct.idle_limit_s)
        connection = Connection(
            cast(WriteTransport, transport),
            secrets.token_hex(10),
            idle_limit_s=idle_limit_s,
            limit_bytes=conduct.send_limit_bytes,
        )
        hub.opened(connection)
        try:
            await self._session(connection, is_public).run(socket)
        finally:
            hub.closed(connection)
        return socket

    def _session(self, connection: Connection, is_public: bool) -> Session:
        exchange = self._exchange
        delay_s = exchange.conduct.ack_delay_s
        if is_public:
            return PublicSession(
                connection,
                exchange.hub,
                wall_ms,
                delay_s,
                allows=lambda topic: is_public_topic(topic, exchange.views),
                snapshots=lambda topic: exchange.publisher.snapshots(topic, exchange.now_ms()),
            )
        return PrivateSession(
            connection,
            exchange.hub,
            wall_ms,
            delay_s,
            authenticator=exchange.authenticator,
            topics=PRIVATE_TOPICS,
            auth_delay_s=exchange.conduct.auth_delay_s,
        )


async def tend_sockets(exchange: Exchange, every_s: float = 0.5) -> None:
    """Until cancelled: repeat quiet orderbook.1 topics and cut idle sockets."""
    while True:
        await asyncio.sleep(every_s)
        exchange.publisher.repeat_idle_books(exchange.now_ms())
        for connection in tuple(exchange.hub.connections):
            connection.cut_if_idle()


def _active_time(request: web.BaseRequest, default_s: float) -> float:
    text = request.query.get("max_active_time", "").removesuffix("s")
    if not text.isdigit():
        return default_s
    return float(min(max(int(text), ACTIVE_TIME_S[0]), ACTIVE_TIME_S[1]))
