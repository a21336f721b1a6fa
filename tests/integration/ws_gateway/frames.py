"""Frames as Bybit sends them, numbered so that a test can tell which of them arrived, and in what order."""

import json


def order(number: int, status: str = "New", symbol: str = "BTCUSDT") -> str:
    """An `order` frame of one row; `number` is in its orderId."""
    return json.dumps(
        {"id": f"i{number}", "topic": "order", "creationTime": 1000 + number, "data": [_order(number, status, symbol)]}
    )


def orders(numbers: range) -> str:
    """One `order` frame of several rows."""
    return json.dumps({"topic": "order", "creationTime": 1, "data": [_order(n, "New", "BTCUSDT") for n in numbers]})


def ticker(kind: str, symbol: str, ts: int, **fields: str) -> str:
    return json.dumps(
        {"topic": f"tickers.{symbol}", "type": kind, "data": {"symbol": symbol, **fields}, "cs": ts, "ts": ts}
    )


def ticker_snapshot(symbol: str, price: str, ts: int = 1) -> str:
    return ticker("snapshot", symbol, ts, lastPrice=price, markPrice=price, bid1Price=price, ask1Price=price)


def _order(number: int, status: str, symbol: str) -> dict[str, object]:
    return {
        "category": "linear",
        "symbol": symbol,
        "orderId": f"o{number}",
        "orderLinkId": f"link-{number}",
        "side": "Buy",
        "positionIdx": 1,
        "orderStatus": status,
        "cancelType": "UNKNOWN",
        "rejectReason": "EC_NoError",
        "price": "100.5",
        "qty": "0.01",
        "avgPrice": "",
        "leavesQty": "0.01",
        "cumExecQty": "0",
        "reduceOnly": False,
        "createdTime": str(number),
        "updatedTime": str(number),
    }
