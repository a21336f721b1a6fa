"""The public port: REST and the sockets on one aiohttp server."""

import asyncio
import secrets
from asyncio import WriteTransport
from typing import Protocol, cast

from aiohttp import web

from hedgegrid.exchange_sim.clock import wall_ms
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest.service import RestService
from hedgegrid.exchange_sim.ws.connection import Connection
from hedgegrid.exchange_sim.ws.session import PrivateSession, PublicSession
from hedgegrid.exchange_sim.ws.topics import PRIVATE_TOPICS, is_public_topic
from hedgegrid.exchange_sim.ws.trade import TradeSession

PUBLIC_PATH = "/v5/public/linear"
PRIVATE_PATH = "/v5/private"
TRADE_PATH = "/v5/trade"
EMPTY_MARKETS = frozenset({"/v5/public/spot", "/v5/public/inverse", "/v5/public/option"})
"""Sockets of categories without symbols: every topic is refused there."""
CHANNELS = {PUBLIC_PATH: "public", PRIVATE_PATH: "private", TRADE_PATH: "trade"} | dict.fromkeys(
    EMPTY_MARKETS, "public"
)
ACTIVE_TIME_S = (30, 600)
"""Bounds of the `?max_active_time=30s` of private and trade sockets."""
KEEPALIVE_S = 600.0
PUBLIC_SOCKETS_PER_ADDRESS = 1000


class Dialogue(Protocol):
    """What is said on one socket, until the client goes."""

    async def run(self, socket: web.WebSocketResponse) -> None: ...


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
        channel = CHANNELS.get(request.path)
        if channel is not None and "upgrade" in request.headers.get("Connection", "").lower():
            return await self._socket(request, channel)
        return await self._rest.handle(request)

    async def _socket(self, request: web.BaseRequest, channel: str) -> web.StreamResponse:
        refused = self._refusal(request.remote or "", channel)
        if refused:
            return web.Response(status=refused)
        socket = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
        try:
            await socket.prepare(request)
        except web.HTTPException as error:
            return error
        transport = request.transport
        if transport is None:
            return socket
        hub, conduct = self._exchange.hub, self._exchange.conduct
        idle_limit_s = conduct.idle_limit_s
        connection = Connection(
            cast(WriteTransport, transport),
            secrets.token_hex(10),
            idle_limit_s=idle_limit_s if channel == "public" else _active_time(request, idle_limit_s),
            limit_bytes=conduct.send_limit_bytes,
            channel=channel,
            address=request.remote or "",
        )
        hub.opened(connection)
        try:
            await self._dialogue(connection, request.path).run(socket)
        finally:
            hub.closed(connection)
        return socket

    def _refusal(self, address: str, channel: str) -> int:
        """HTTP status that a new socket is refused with, 0 when it may open."""
        exchange = self._exchange
        status = exchange.injector.refuses_connection(channel)
        if status:
            return status
        if not exchange.connects.allows(address, wall_ms()):
            return 403
        same = (other for other in exchange.hub.connections if other.channel == "public" and other.address == address)
        crowded = channel == "public" and sum(1 for _ in same) >= PUBLIC_SOCKETS_PER_ADDRESS
        return 403 if crowded else 0

    def _dialogue(self, connection: Connection, path: str) -> Dialogue:
        exchange = self._exchange
        delay_s = exchange.conduct.ack_delay_s
        if path == TRADE_PATH:
            return TradeSession(connection, exchange)
        if path == PRIVATE_PATH:
            return PrivateSession(
                connection,
                exchange.hub,
                exchange.injector,
                delay_s,
                authenticator=exchange.authenticator,
                topics=PRIVATE_TOPICS,
                auth_delay_s=exchange.conduct.auth_delay_s,
            )
        symbols = () if path in EMPTY_MARKETS else exchange.views
        return PublicSession(
            connection,
            exchange.hub,
            exchange.injector,
            delay_s,
            allows=lambda topic: is_public_topic(topic, symbols),
            snapshots=lambda topic: exchange.publisher.snapshots(topic, exchange.now_ms()),
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
