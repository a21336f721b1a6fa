"""Public market endpoints (docs/v5/market)."""

import time

from hedgegrid.domain.money import plain
from hedgegrid.exchange_sim.errors import ApiError
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.rest import params as read
from hedgegrid.exchange_sim.rest.pages import page
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.exchange_sim.rest.routing import Answer, Call, answer
from hedgegrid.exchange_sim.ws.topics import KLINE_INTERVALS

_REST_ONLY = {
    "predictedDeliveryPrice": "",
    "basis": "",
    "basisRate": "",
    "basisRateYear": "",
    "deliveryFeeRate": "",
    "deliveryTime": "0",
}


def server_time(exchange: Exchange, call: Call) -> Answer:
    """Wall time: what signatures are checked against."""
    now_ns = exchange.injector.wall_ms() * 1_000_000 + time.time_ns() % 1_000_000
    return answer({"timeSecond": str(now_ns // 1_000_000_000), "timeNano": str(now_ns)})


def tickers(exchange: Exchange, call: Call) -> Answer:
    category = read.category(call.params)
    symbol = read.text(call.params, "symbol")
    views = exchange.views.values() if category == "linear" else ()
    found = [view.ticker() | _REST_ONLY for view in views if symbol in ("", view.rules.symbol)]
    if symbol and not found:
        raise ApiError(10001, "Not supported symbols")
    return answer({"category": category, "list": found})


def instruments_info(exchange: Exchange, call: Call) -> Answer:
    """Every instrument the exchange lists, also those it does not trade; other categories are empty."""
    category = read.category(call.params)
    wanted = {
        name: value
        for name in ("symbol", "status", "baseCoin", "symbolType")
        if (value := read.text(call.params, name))
    }
    listed = [listing.row for listing in exchange.listings.values()] if category == "linear" else []
    found = [row for row in listed if all(row.get(name) == value for name, value in wanted.items())]
    limit = read.page_limit(call.params, 500, 1000)
    part, cursor = page(found, lambda row: str(row["symbol"]), limit, read.text(call.params, "cursor"))
    return answer({"category": category, "list": list(part), "nextPageCursor": cursor})


def kline(exchange: Exchange, call: Call) -> Answer:
    """Candles of what has been played so far, newest first; the first one may be open."""
    view = view_of(exchange, call.params)
    interval = read.required(call.params, "interval")
    if interval not in KLINE_INTERVALS:
        raise ApiError(10001, "Invalid period!")
    bars = view.candles.latest(
        interval,
        read.page_limit(call.params, 200, 1000),
        read.integer(call.params, "start", 0),
        read.integer(call.params, "end", 0) or None,
    )
    listed = [
        [str(bar.start_ms), *map(plain, (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover))]
        for bar in bars
    ]
    return answer({"symbol": view.rules.symbol, "category": "linear", "list": listed})


def orderbook(exchange: Exchange, call: Call) -> Answer:
    view = view_of(exchange, call.params)
    bids, asks = view.levels(read.page_limit(call.params, 25, 1000))
    return answer(
        {
            "s": view.rules.symbol,
            "b": [[price, size] for price, size in bids],
            "a": [[price, size] for price, size in asks],
            "ts": exchange.now_ms(),
            "u": view.sequence,
            "seq": view.sequence,
            "cts": view.quote.ts_ms if view.quote is not None else exchange.now_ms(),
        }
    )


def recent_trade(exchange: Exchange, call: Call) -> Answer:
    view = view_of(exchange, call.params)
    limit = read.page_limit(call.params, 500, 1000)
    newest = list(view.trades)[: -limit - 1 : -1]
    listed = [
        {
            "execId": row["i"],
            "symbol": row["s"],
            "price": row["p"],
            "size": row["v"],
            "side": row["S"],
            "time": str(row["T"]),
            "isBlockTrade": False,
            "isRPITrade": False,
            "seq": str(row["seq"]),
        }
        for row in newest
    ]
    return answer({"category": "linear", "list": listed})


def price_limit(exchange: Exchange, call: Call) -> Answer:
    view = view_of(exchange, call.params)
    ticker = exchange.venue.ticker(view.rules.symbol)
    buy, sell = ticker.price_limit_buy, ticker.price_limit_sell
    return answer(
        {
            "symbol": view.rules.symbol,
            "buyLmt": plain(buy) if buy is not None else "",
            "sellLmt": plain(sell) if sell is not None else "",
            "ts": str(exchange.now_ms()),
        }
    )


def view_of(exchange: Exchange, params: Params) -> SymbolView:
    """The market of the required symbol; without a category it is linear.

    Raises:
        ApiError: another category, or no such symbol.
    """
    if (read.text(params, "category") or "linear") != "linear":
        raise ApiError(10001, "Illegal category")
    view = exchange.views.get(read.required(params, "symbol"))
    if view is None:
        raise ApiError(10001, "Not supported symbols")
    return view
