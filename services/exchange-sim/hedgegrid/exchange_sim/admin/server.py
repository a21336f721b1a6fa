"""The admin port. Numbers are strings as on the API; nothing is signed, so it listens on the loopback only.

GET  /admin/{status,accounts,requests,faults,events}
GET  /admin/{orders,executions,positions,wallet,transactions}?account=ID
POST /admin/{start,pause}          POST /admin/step      {"steps": N}
POST /admin/faults    one fault    POST /admin/events    one event; without at_s it happens now
POST /admin/scenario  a whole one  DELETE /admin/faults[/ID]
"""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from hedgegrid.exchange_sim.admin import misconduct, truth
from hedgegrid.exchange_sim.admin.request import AdminError, AdminRequest, Body
from hedgegrid.exchange_sim.exchange import Exchange

Handler = Callable[[Exchange, AdminRequest], Body]


def _start(exchange: Exchange, request: AdminRequest) -> Body:
    exchange.player.start()
    return {"started": True}


def _pause(exchange: Exchange, request: AdminRequest) -> Body:
    exchange.player.pause()
    return {"started": False}


def _step(exchange: Exchange, request: AdminRequest) -> Body:
    """Play a number of steps at once, whatever the speed; the market must be paused or not yet started."""
    steps = request.body.get("steps", 1)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= 100_000:
        raise AdminError(400, "steps: expected 1..100000")
    if exchange.player.running:
        raise AdminError(409, "the market is running; POST /admin/pause first")
    return {"played": exchange.player.play_now(steps), "venue_ms": exchange.now_ms()}


PATHS: dict[tuple[str, str], Handler] = {
    ("GET", "/admin/status"): truth.status,
    ("GET", "/admin/accounts"): truth.accounts,
    ("GET", "/admin/orders"): truth.orders,
    ("GET", "/admin/executions"): truth.executions,
    ("GET", "/admin/positions"): truth.positions,
    ("GET", "/admin/wallet"): truth.wallet,
    ("GET", "/admin/transactions"): truth.transactions,
    ("GET", "/admin/requests"): truth.requests,
    ("POST", "/admin/start"): _start,
    ("POST", "/admin/pause"): _pause,
    ("POST", "/admin/step"): _step,
    ("GET", "/admin/faults"): misconduct.faults,
    ("POST", "/admin/faults"): misconduct.add_fault,
    ("DELETE", "/admin/faults"): misconduct.clear,
    ("GET", "/admin/events"): misconduct.events,
    ("POST", "/admin/events"): misconduct.add_event,
    ("POST", "/admin/scenario"): misconduct.load,
}


class AdminServer:
    """Listens on its own address; keep it on the loopback."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._runner = web.ServerRunner(web.Server(self._dispatch, access_log=None), shutdown_timeout=0.1)

    async def start(self, host: str, port: int) -> int:
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, rest = request.path.removeprefix("/admin/").partition("/")
        handler = PATHS.get((request.method, f"/admin/{path}"))
        if handler is None or (rest and request.method != "DELETE"):
            return web.Response(status=404, text="no such admin path\n")
        try:
            asked = AdminRequest(request.query, _decoded(await request.read()), rest)
            body = handler(self._exchange, asked)
        except AdminError as error:
            return web.Response(status=error.status, text=f"{error}\n")
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")


def _decoded(raw: bytes) -> dict[str, Any]:
    if not raw:
        return {}
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise AdminError(400, f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise AdminError(400, "the body is not a JSON object")
    return body
