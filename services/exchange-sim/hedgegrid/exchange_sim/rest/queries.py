"""What an account can ask about its orders, executions, positions and money."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TypeVar

from hedgegrid.exchange_sim import rows
from hedgegrid.exchange_sim.errors import ApiError, params_error
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest import params as read
from hedgegrid.exchange_sim.rest.pages import page
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.exchange_sim.rest.routing import Answer, Call, Handler, Result, answer
from hedgegrid.venue.reports import ExecutionReport, OrderReport, PositionReport

T = TypeVar("T")
CLOSED_IN_MEMORY = 500
"""How many closed orders `openOnly=1` reaches back."""
HISTORY_DEPTH = 5000
WEEK_MS = 7 * 24 * 3_600_000


def _in_linear(query: Handler) -> Handler:
    """Other categories exist and are empty."""

    @wraps(query)
    def answered(exchange: Exchange, call: Call) -> Answer:
        category = read.category(call.params)
        if category == "linear":
            return query(exchange, call)
        return answer({"list": [], "nextPageCursor": "", "category": category})

    return answered


@_in_linear
def realtime(exchange: Exchange, call: Call) -> Answer:
    """Open orders, with `openOnly=1` the last closed ones; an id finds an order whatever its status."""
    by_id = _by_id(exchange, call)
    if by_id is None:
        symbols = _symbols(exchange, call.params)
        if read.integer(call.params, "openOnly", 0) == 0:
            orders = exchange.venue.orders_open(call.account)
        else:
            orders = exchange.venue.orders_closed(call.account, limit=CLOSED_IN_MEMORY)
        is_meant = _filter(read.text(call.params, "orderFilter"))
        by_id = [order for order in orders if order.symbol in symbols and is_meant(order)]
    known = _known(exchange, call)
    by_id = [order for order in by_id if known(order.created_ms)]
    newest = sorted(by_id, key=lambda order: order.created_ms, reverse=True)
    return _listed(call.params, newest, _order_key, rows.order_row, default=20, most=50)


@_in_linear
def history(exchange: Exchange, call: Call) -> Answer:
    """Closed orders, newest first."""
    found = _by_id(exchange, call)
    if found is None:
        wanted = _optional_symbols(exchange, call.params)
        status = read.text(call.params, "orderStatus")
        in_window, is_meant = _window(call.params), _filter(read.text(call.params, "orderFilter"))
        found = [
            order
            for order in exchange.venue.orders_closed(call.account, limit=HISTORY_DEPTH)
            if order.symbol in wanted and in_window(order.created_ms) and status in ("", order.status.value)
            if is_meant(order)
        ]
    known = _known(exchange, call)
    closed = [order for order in found if not order.status.is_open and known(order.updated_ms)]
    closed.sort(key=lambda order: order.created_ms, reverse=True)
    return _listed(call.params, closed, _order_key, rows.order_history_row, default=20, most=50)


@_in_linear
def executions(exchange: Exchange, call: Call) -> Answer:
    """Executions, newest first, funding rows among them; an order id overrides every other filter."""
    order_id, link_id = read.text(call.params, "orderId"), read.text(call.params, "orderLinkId")
    fills: Sequence[ExecutionReport] = exchange.venue.executions(call.account)
    if order_id:
        fills = [fill for fill in fills if fill.order_id == order_id]
    elif link_id:
        fills = [fill for fill in fills if fill.order_link_id == link_id]
    else:
        wanted = _optional_symbols(exchange, call.params)
        kind = read.text(call.params, "execType")
        in_window = _window(call.params)
        fills = [
            fill
            for fill in fills
            if fill.symbol in wanted and in_window(fill.exec_ms) and kind in ("", fill.exec_type.value)
        ]
    known = _known(exchange, call)
    fills = [fill for fill in fills if known(fill.exec_ms)]
    return _listed(call.params, fills, lambda fill: fill.exec_id, rows.execution_row, default=50, most=100)


@_in_linear
def positions(exchange: Exchange, call: Call) -> Answer:
    """With a symbol every row of it, flat or not; with a settle coin only rows that hold something."""
    symbol, settle = read.text(call.params, "symbol"), read.text(call.params, "settleCoin")
    found: list[PositionReport]
    if symbol:
        _require_traded(exchange, symbol)
        found = exchange.venue.positions(call.account, symbol)
    elif settle:
        found = exchange.venue.positions(call.account) if settle == "USDT" else []
    else:
        raise params_error("symbol or settleCoin is required")
    return _listed(call.params, found, _position_key, rows.position_row, default=20, most=200)


@_in_linear
def closed_pnl(exchange: Exchange, call: Call) -> Answer:
    """Orders that closed something, the last one first; `side` is the closing order's."""
    wanted = _optional_symbols(exchange, call.params)
    in_window = _window(call.params)
    recent = exchange.venue.orders_open(call.account) + exchange.venue.orders_closed(call.account, limit=HISTORY_DEPTH)
    found = [o for o in recent if o.closed_size and o.symbol in wanted and in_window(o.updated_ms)]
    found.sort(key=lambda order: order.updated_ms, reverse=True)
    return _listed(call.params, found, _order_key, rows.closed_pnl_row, default=50, most=100)


def transaction_log(exchange: Exchange, call: Call) -> Answer:
    """Every change of the wallet, newest first: fills and funding of the last 24 h unless a window is given.

    There are no deposits, transfers or interest here, and no coin but USDT.
    """
    params, day_ms = call.params, 24 * 3_600_000
    account_type, category, currency = (read.text(params, name) for name in ("accountType", "category", "currency"))
    if account_type not in ("", "UNIFIED"):
        raise ApiError(10001, "accountType only support UNIFIED.")
    has_window = read.text(params, "startTime") or read.text(params, "endTime")
    in_window = _window(params) if has_window else (lambda at_ms: at_ms > exchange.now_ms() - day_ms)
    kind, base = read.text(params, "type"), read.text(params, "baseCoin")
    elsewhere = category not in ("", "linear") or currency not in ("", "USDT")
    found = [
        entry
        for entry in (() if elsewhere else exchange.venue.transactions(call.account))
        if in_window(entry.transaction_ms)
        and kind in ("", entry.type.value)
        and base in ("", exchange.listings[entry.symbol].row["baseCoin"])
    ]
    limit = read.page_limit(params, 20, 50)
    part, cursor = page(found, lambda entry: entry.id, limit, read.text(params, "cursor"))
    return answer({"nextPageCursor": cursor, "list": [rows.transaction_row(entry) for entry in part]})


def wallet_balance(exchange: Exchange, call: Call) -> Answer:
    if read.text(call.params, "accountType") != "UNIFIED":
        raise ApiError(10001, "accountType only support UNIFIED.")
    row = rows.wallet_row(exchange.venue.wallet(call.account))
    coins = read.text(call.params, "coin")
    if coins:
        row["coin"] = [coin for coin in row["coin"] if coin["coin"] in coins.split(",")]
    return answer({"list": [row]})


def _listed(
    params: Params, items: Sequence[T], key: Callable[[T], str], row: Callable[[T], Result], *, default: int, most: int
) -> Answer:
    limit = read.page_limit(params, default, most)
    part, cursor = page(items, key, limit, read.text(params, "cursor"))
    return answer({"list": [row(item) for item in part], "nextPageCursor": cursor, "category": "linear"})


def _known(exchange: Exchange, call: Call) -> Callable[[int], bool]:
    """Whether a query that lags behind has heard of a moment."""
    latest_ms = exchange.now_ms() - call.lag_ms
    return lambda at_ms: not call.lag_ms or at_ms < latest_ms


def _filter(name: str) -> Callable[[OrderReport], bool]:
    """`orderFilter`: `Order` active ones, `StopOrder` and `tpslOrder` those with a trigger; every kind without."""
    if name not in ("", "Order", "OpenOrder", "StopOrder", "tpslOrder"):
        raise params_error("orderFilter invalid")
    wants_stops = name in ("StopOrder", "tpslOrder")
    return lambda order: not name or (order.trigger is not None) is wants_stops


def _by_id(exchange: Exchange, call: Call) -> list[OrderReport] | None:
    """The order an id names ([] when unknown), None when none is given; orderId wins over orderLinkId."""
    order_id, link_id = read.text(call.params, "orderId"), read.text(call.params, "orderLinkId")
    if order_id:
        order = exchange.venue.order_by_id(call.account, order_id)
    elif link_id:
        order = exchange.venue.order_by_link(call.account, link_id)
    else:
        return None
    return [order] if order is not None else []


def _symbols(exchange: Exchange, params: Params) -> set[str]:
    """Traded symbols of the required filter: symbol, base coin or settle coin."""
    if not any(read.text(params, name) for name in ("symbol", "baseCoin", "settleCoin")):
        raise params_error("symbol, baseCoin or settleCoin is required")
    return _optional_symbols(exchange, params)


def _optional_symbols(exchange: Exchange, params: Params) -> set[str]:
    symbol = read.text(params, "symbol")
    if symbol:
        _require_traded(exchange, symbol)
        return {symbol}
    wanted = set(exchange.views)
    for name in ("baseCoin", "settleCoin"):
        value = read.text(params, name)
        if value:
            wanted = {s for s in wanted if exchange.listings[s].row[name] == value}
    return wanted


def _require_traded(exchange: Exchange, symbol: str) -> None:
    if symbol not in exchange.views:
        raise ApiError(10001, "Not supported symbols")


def _window(params: Params) -> Callable[[int], bool]:
    """Test for `startTime`/`endTime` (ms, at most 7 days apart); without them everything passes."""
    start_ms, end_ms = read.integer(params, "startTime", 0), read.integer(params, "endTime", 0)
    if start_ms and end_ms and not 0 <= end_ms - start_ms <= WEEK_MS:
        raise params_error("The time range between startTime and endTime cannot exceed 7 days")
    last_ms = end_ms or (start_ms + WEEK_MS if start_ms else 0)
    return lambda at_ms: at_ms >= start_ms and (not last_ms or at_ms <= last_ms)


def _order_key(order: OrderReport) -> str:
    return order.order_id


def _position_key(position: PositionReport) -> str:
    return f"{position.symbol},{position.position_idx}"
