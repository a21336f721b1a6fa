"""What the venue knows, for whoever checks a client against it."""

from itertools import islice

from hedgegrid.exchange_sim import rows
from hedgegrid.exchange_sim.admin.request import AdminError, AdminRequest, Body
from hedgegrid.exchange_sim.exchange import Exchange

REQUESTS_SHOWN = 1000


def status(exchange: Exchange, request: AdminRequest) -> Body:
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


def accounts(exchange: Exchange, request: AdminRequest) -> Body:
    listed = [
        {"id": account.id, "uid": account.uid, "api_key": account.api_key, "balance": str(account.balance)}
        for account in exchange.accounts.values()
    ]
    return {"list": listed}


def orders(exchange: Exchange, request: AdminRequest) -> Body:
    """Open and closed orders, newest first within each."""
    account, symbol = _account(exchange, request), request.query.get("symbol")
    orders = exchange.venue.orders_open(account, symbol) + exchange.venue.orders_closed(account, symbol)
    return {"list": [rows.order_push(order) for order in orders]}


def executions(exchange: Exchange, request: AdminRequest) -> Body:
    fills = exchange.venue.executions(_account(exchange, request), request.query.get("symbol"))
    return {"list": [rows.execution_push(fill) | {"positionIdx": fill.position_idx} for fill in fills]}


def positions(exchange: Exchange, request: AdminRequest) -> Body:
    """Every row of every symbol, flat ones too."""
    account, symbol = _account(exchange, request), request.query.get("symbol")
    symbols = [symbol] if symbol else sorted(exchange.views)
    found = [position for name in symbols for position in exchange.venue.positions(account, name)]
    return {"list": [rows.position_row(position) for position in found]}


def wallet(exchange: Exchange, request: AdminRequest) -> Body:
    return rows.wallet_row(exchange.venue.wallet(_account(exchange, request)))


def transactions(exchange: Exchange, request: AdminRequest) -> Body:
    """Every change of the wallet, newest first; with the opening balance they sum up to it."""
    entries = exchange.venue.transactions(_account(exchange, request), request.query.get("symbol"))
    return {"list": [rows.transaction_row(entry) for entry in entries]}


def requests(exchange: Exchange, request: AdminRequest) -> Body:
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


def _account(exchange: Exchange, request: AdminRequest) -> str:
    account = request.query.get("account", "")
    if account not in exchange.accounts:
        raise AdminError(400, f"account must be one of {', '.join(exchange.accounts)}")
    symbol = request.query.get("symbol")
    if symbol is not None and symbol not in exchange.views:
        raise AdminError(400, f"symbol must be one of {', '.join(sorted(exchange.views))}")
    return account
