"""Rows as Bybit sends them; tests change single fields."""

from typing import Any

from hedgegrid.bybit import parse


def order(**fields: Any) -> parse.OrderRow:
    row = {
        "category": "linear", "symbol": "BTCUSDT", "orderId": "o-1", "orderLinkId": "link-1", "side": "Buy",
        "positionIdx": 1, "orderStatus": "New", "cancelType": "UNKNOWN", "rejectReason": "EC_NoError",
        "price": "100.50", "qty": "0.010", "avgPrice": "", "leavesQty": "0.010", "cumExecQty": "0", "cumExecValue": "0",
        "reduceOnly": False, "createdTime": "1000", "updatedTime": "1001",
    }  # fmt: skip
    return parse.row_of(parse.OrderRow, row | fields)


def execution(**fields: Any) -> parse.ExecutionRow:
    row = {
        "category": "linear", "symbol": "BTCUSDT", "orderId": "o-1", "orderLinkId": "link-1", "side": "Buy",
        "execId": "e-1", "execType": "Trade", "execPrice": "100.5", "execQty": "0.01", "execFee": "0.00055",
        "execPnl": "0", "execTime": "2000", "feeRate": "0.00055", "markPrice": "100.4", "closedSize": "0",
        "leavesQty": "0", "isMaker": True, "seq": 77,
    }  # fmt: skip
    return parse.row_of(parse.ExecutionRow, row | fields)


def position(**fields: Any) -> parse.PositionRow:
    row = {
        "category": "linear", "symbol": "BTCUSDT", "positionIdx": 2, "side": "Sell", "size": "0.02",
        "entryPrice": "101", "markPrice": "100", "liqPrice": "", "leverage": "10", "cumRealisedPnl": "-1.5",
        "seq": 5, "updatedTime": "3000",
    }  # fmt: skip
    return parse.row_of(parse.PositionRow, row | fields)


def without(row: Any, *fields: str) -> Any:
    """The same row with fields missing, as other eras and end points have it."""
    values = {name: getattr(row, name) for name in row.__struct_fields__ if name not in fields}
    return type(row)(**values)
