"""The second port: the venue's own truth for checkers, and start and pause of the market.

`GET /admin/{accounts,status,requests}`, `GET /admin/{orders,executions,positions,wallet}?account=ID`,
`POST /admin/{start,pause}`. Numbers are strings as on the API. Fault injection will live beside these paths.
"""

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec
from aiohttp import web

from hedgegrid.exchange_sim import rows
from hedgegrid.exchange_sim.exchange import Exchange

Body = dict[str, Any]
REQUESTS_SHOWN = 1000


class AdminError(Exception):
    """HTTP status and one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class AdminServer:
    """Listens on its own address; not signed, so keep it on the loopback."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._runner = web.ServerRunner(web.Server(self._dispatch, access_log=None), shutdown_timeout=0.1)
        self._paths: dict[tuple[str, str], Callable[[Exchange, web.BaseRequest], Body]] = {
            ("GET", "/admin/status"): _status,
            ("GET", "/admin/accounts"): _accounts,
            ("GET", "/admin/orders"): _orders,
            ("GET", "/admin/executions"): _executions,
            ("GET", "/admin/positions"): _positions,
            ("GET", "/admin/wallet"): _wallet,
            ("GET", "/admin/requests"): _requests,
            ("POST", "/admin/start"): _start,
            ("POST", "/admin/pause"): _pause,
        }

    async def start(self, host: str, port: int) -> int:
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _dispatch(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self._paths.get((request.method, request.path))
        if answer is None:
            return web.Response(status=404, text="no such admin path\n")
        try:
            body = answer(self._exchange, request)
        except AdminError as error:
            return web.Response(status=error.status, text=f"{error}\n")
        return web.Response(body=msgspec.json.encode(body), content_type="application/json")


def _status(exchange: Exchange, request: web.BaseRequest) -> Body:
    player = exchange.player
    return {
        "started": player.running,
        "tape_ended": player.ended,
        "failure": str(player.failure) if player.failure else "",
        "venue_ms": exchange.now_ms(),
        "steps": player.steps,
        "ticks": player.ticks,
        "symbols": sorted(exchange.views),
        "published_ms": exchange.publisher.published_ms,
        "private_frames": {account: exchange.hub.private_frames(account) for account in exchange.accounts},
        "private_topics": {account: sorted(exchange.hub.private_topics(account)) for account in exchange.accounts},
        "sockets": len(exchange.hub.connections),
    }


def _accounts(exchange: Exchange, request: web.BaseRequest) -> Body:
    listed = [
        {"id": account.id, "uid": account.uid, "api_key": account.api_key, "balance": str(account.balance)}
        for account in exchange.accounts.values()
    ]
    return {"list": listed}


def _orders(exchange: Exchange, request: web.BaseRequest) -> Body:
    """Open and closed orders, newest first within each."""
    account, symbol = _account(exchange, request), request.query.get("symbol")
    orders = exchange.venue.orders_open(account, symbol) + exchange.venue.orders_closed(account, symbol)
    return {"list": [rows.order_push(order) for order in orders]}


def _executions(exchange: Exchange, request: web.BaseRequest) -> Body:
    fills = exchange.venue.executions(_account(exchange, request), request.query.get("symbol"))
    return {"list": [rows.execution_push(fill) | {"positionIdx": fill.position_idx} for fill in fills]}


def _positions(exchange: Exchange, request: web.BaseRequest) -> Body:
    """Every row of every symbol, flat ones too."""
    account, symbol = _account(exchange, request), request.query.get("symbol")
    symbols = [symbol] if symbol else sorted(exchange.views)
    found = [position for name in symbols for position in exchange.venue.positions(account, name)]
    return {"list": [rows.position_row(position) for position in found]}


def _wallet(exchange: Exchange, request: web.BaseRequest) -> Body:
    return rows.wallet_row(exchange.venue.wallet(_account(exchange, request)))


def _requests(exchange: Exchange, request: web.BaseRequest) -> Body:
    """Newest first; filters `account`, `path`, `retCode`, `orderLinkId`; `limit` 1000 unless told."""
    wanted = request.query
    matching = (
        entry
        for entry in reversed(exchange.journal.entries)
        if wanted.get("account") in (None, entry.account)
        and wanted.get("path") in (None, entry.path)
        and wanted.get("retCode") in (None, str(entry.ret_code))
        and wanted.get("orderLinkId") in (None, entry.order_link_id)
    )
    limit = wanted.get("limit", str(REQUESTS_SHOWN))
    if not limit.isdigit():
        raise AdminError(400, "limit must be a number")
    listed = [
        {
            "ts": entry.ts_ms,
            "account": entry.account,
            "method": entry.method,
            "path": entry.path,
            "orderLinkId": entry.order_link_id,
            "retCode": entry.ret_code,
        }
        for entry in islice(matching, int(limit))
    ]
    return {"list": listed, "counts": exchange.journal.counts_by_account()}


def _start(exchange: Exchange, request: web.BaseRequest) -> Body:
    exchange.player.start()
    return {"started": True}


def _pause(exchange: Exchange, request: web.BaseRequest) -> Body:
    exchange.player.pause()
    return {"started": False}


def _account(exchange: Exchange, request: web.BaseRequest) -> str:
    account = request.query.get("account", "")
    if account not in exchange.accounts:
        raise AdminError(400, f"account must be one of {', '.join(exchange.accounts)}")
    symbol = request.query.get("symbol")
    if symbol is not None and symbol not in exchange.views:
        raise AdminError(400, f"symbol must be one of {', '.join(sorted(exchange.views))}")
    return account
