"""Order commands, single and in batches (docs/v5/order). Acknowledged at once; what follows comes by push."""

import random
from typing import Any

from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.exchange_sim.errors import ApiError, params_error
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest import params as read
from hedgegrid.exchange_sim.rest.params import Params
from hedgegrid.exchange_sim.rest.routing import Answer, Call, Result, accepted, answer
from hedgegrid.venue.conditions import OrderFilter, TpSlMode, TriggerBy, TriggerDirection
from hedgegrid.venue.requests import Accepted, NewOrder, OrderChange, OrderRef

MAX_BATCH = 20
CANCEL_ALL_AT_MOST = 500
"""Orders a cancel-all of the whole account takes."""
RATE_LIMITED = (10006, "Too many visits!")
_NOT_SIMULATED = ("orderIv", "slippageTolerance", "bboSideType")
_FILTERS = {
    "": OrderFilter.ALL,
    "Order": OrderFilter.ORDER,
    "OpenOrder": OrderFilter.ORDER,
    "StopOrder": OrderFilter.STOP_ORDER,
    "tpslOrder": OrderFilter.STOP_ORDER,
}


def create(exchange: Exchange, call: Call) -> Answer:
    read.linear(call.params)
    return answer(_ids(_create(exchange, call.account, call.params)))


def amend(exchange: Exchange, call: Call) -> Answer:
    read.linear(call.params)
    return answer(_ids(_amend(exchange, call.account, call.params)))


def cancel(exchange: Exchange, call: Call) -> Answer:
    read.linear(call.params)
    return answer(_ids(_cancel(exchange, call.account, call.params)))


def cancel_all(exchange: Exchange, call: Call) -> Answer:
    """By symbol, base coin or settle coin; without `orderFilter` orders of every kind."""
    read.linear(call.params)
    symbols = _scope(exchange, call.params)
    kinds = _FILTERS.get(read.text(call.params, "orderFilter"))
    if kinds is None:
        raise params_error("orderFilter invalid")
    if kinds is OrderFilter.STOP_ORDER and read.text(call.params, "stopOrderType") == "Stop":
        kinds = OrderFilter.STOP
    cancelled: list[Accepted] = []
    for symbol in symbols:
        if symbol is None and len(exchange.venue.orders_open(call.account)) > CANCEL_ALL_AT_MOST:
            return answer({"list": _cancel_some(exchange, call.account), "success": "1"})
        cancelled += exchange.venue.cancel_all(call.account, symbol, exchange.now_ms(), kinds)
    return answer({"list": [_ids(order) for order in cancelled], "success": "1"})


def _cancel_some(exchange: Exchange, account: str) -> list[Result]:
    """Of an account with more orders than one request takes, as many at random (docs/v5/order/cancel-all)."""
    orders = exchange.venue.orders_open(account)
    chosen = random.Random(len(orders)).sample(orders, CANCEL_ALL_AT_MOST)  # noqa: S311 which ones is not promised
    refs = [OrderRef(symbol=order.symbol, order_id=order.order_id) for order in chosen]
    return [_ids(accepted(exchange.venue.cancel(account, ref, exchange.now_ms()))) for ref in refs]


def create_batch(exchange: Exchange, call: Call) -> Answer:
    return _batch(exchange, call, _create, with_time=True)


def amend_batch(exchange: Exchange, call: Call) -> Answer:
    return _batch(exchange, call, _amend, with_time=False)


def cancel_batch(exchange: Exchange, call: Call) -> Answer:
    return _batch(exchange, call, _cancel, with_time=False)


def batch_legs(params: Params) -> list[Any]:
    """The legs of a batch request, [] when there are none or they are no list."""
    legs = params.get("request")
    return legs if isinstance(legs, list) else []


def _batch(exchange: Exchange, call: Call, act: Any, *, with_time: bool) -> Answer:
    """Every leg stands alone: `result.list` and `retExtInfo.list` are parallel, the envelope's code stays 0."""
    read.linear(call.params)
    legs = batch_legs(call.params)
    if not 1 <= len(legs) <= MAX_BATCH:
        raise params_error(f"request must hold 1..{MAX_BATCH} orders")
    rows: list[Result] = []
    codes: list[Result] = []
    for i, leg in enumerate(legs):
        row, code = _leg(exchange, call.account, leg, act, limited=i >= call.granted)
        if with_time:
            row["createAt"] = str(exchange.now_ms()) if row["orderId"] else ""
        rows.append(row)
        codes.append(code)
    return Answer({"list": rows}, {"list": codes})


def _leg(exchange: Exchange, account: str, leg: Any, act: Any, *, limited: bool) -> tuple[Result, Result]:
    params: Params = leg if isinstance(leg, dict) else {}
    row = {
        "category": "linear",
        "symbol": str(params.get("symbol") or ""),
        "orderId": "",
        "orderLinkId": str(params.get("orderLinkId") or ""),
    }
    if limited:
        return row, {"code": RATE_LIMITED[0], "msg": RATE_LIMITED[1]}
    try:
        done: Accepted = act(exchange, account, params)
    except ApiError as error:
        return row, {"code": error.code, "msg": error.text}
    return row | _ids(done), {"code": 0, "msg": "OK"}


def _create(exchange: Exchange, account: str, params: Params) -> Accepted:
    for name in _NOT_SIMULATED:
        if read.text(params, name) not in ("", "0"):
            raise params_error(f"{name} is not supported by this simulator")
    order_type = read.choice(params, "orderType", OrderType)
    price = read.amount(params, "price")
    if order_type is OrderType.LIMIT and price is None:
        raise params_error("price is required")
    qty = read.amount(params, "qty")
    if qty is None or qty < 0:
        raise ApiError(10001, "Qty invalid")
    order = NewOrder(
        symbol=read.required(params, "symbol"),
        side=read.choice(params, "side", Side),
        order_type=order_type,
        qty=qty,
        price=price,
        time_in_force=read.choice(params, "timeInForce", TimeInForce, TimeInForce.GTC),
        position_idx=read.integer(params, "positionIdx", 0),
        reduce_only=read.flag(params, "reduceOnly"),
        close_on_trigger=read.flag(params, "closeOnTrigger"),
        order_link_id=read.text(params, "orderLinkId"),
        trigger_price=read.price(params, "triggerPrice"),
        trigger_direction=_direction(params),
        trigger_by=read.choice(params, "triggerBy", TriggerBy, TriggerBy.LAST),
        take_profit=read.price(params, "takeProfit"),
        stop_loss=read.price(params, "stopLoss"),
        tpsl_mode=read.choice(params, "tpslMode", TpSlMode, TpSlMode.FULL),
        tp_trigger_by=read.choice(params, "tpTriggerBy", TriggerBy, TriggerBy.LAST),
        sl_trigger_by=read.choice(params, "slTriggerBy", TriggerBy, TriggerBy.LAST),
        tp_order_type=read.choice(params, "tpOrderType", OrderType, OrderType.MARKET),
        sl_order_type=read.choice(params, "slOrderType", OrderType, OrderType.MARKET),
        tp_limit_price=read.price(params, "tpLimitPrice"),
        sl_limit_price=read.price(params, "slLimitPrice"),
    )
    return accepted(exchange.venue.submit(account, order, exchange.now_ms()))


def _direction(params: Params) -> TriggerDirection | None:
    number = read.integer(params, "triggerDirection", 0)
    if number not in (0, 1, 2):
        raise ApiError(10001, "TriggerDirection invalid")
    return TriggerDirection(number) if number else None


def _amend(exchange: Exchange, account: str, params: Params) -> Accepted:
    """A term that is absent stays; take-profit and stop-loss "0" are taken off."""
    change = OrderChange(
        symbol=read.required(params, "symbol"),
        order_id=read.text(params, "orderId"),
        order_link_id=read.text(params, "orderLinkId"),
        qty=read.amount(params, "qty"),
        price=read.amount(params, "price"),
        trigger_price=read.price(params, "triggerPrice"),
        trigger_by=read.optional(params, "triggerBy", TriggerBy),
        take_profit=read.amount(params, "takeProfit"),
        stop_loss=read.amount(params, "stopLoss"),
        tpsl_mode=read.optional(params, "tpslMode", TpSlMode),
        tp_trigger_by=read.optional(params, "tpTriggerBy", TriggerBy),
        sl_trigger_by=read.optional(params, "slTriggerBy", TriggerBy),
        tp_limit_price=read.price(params, "tpLimitPrice"),
        sl_limit_price=read.price(params, "slLimitPrice"),
    )
    return accepted(exchange.venue.amend(account, change, exchange.now_ms()))


def _cancel(exchange: Exchange, account: str, params: Params) -> Accepted:
    which = OrderRef(
        symbol=read.required(params, "symbol"),
        order_id=read.text(params, "orderId"),
        order_link_id=read.text(params, "orderLinkId"),
    )
    return accepted(exchange.venue.cancel(account, which, exchange.now_ms()))


def _scope(exchange: Exchange, params: Params) -> list[str | None]:
    """Symbols a cancel-all covers; None stands for all of them."""
    symbol, base, settle = (read.text(params, name) for name in ("symbol", "baseCoin", "settleCoin"))
    if symbol:
        if symbol not in exchange.views:
            raise ApiError(10001, "Not supported symbols")
        return [symbol]
    if base:
        return [name for name in exchange.views if exchange.listings[name].row["baseCoin"] == base]
    if settle:
        return [None] if settle == "USDT" else []
    raise params_error("symbol, baseCoin or settleCoin is required")


def _ids(order: Accepted) -> Result:
    return {"orderId": order.order_id, "orderLinkId": order.order_link_id}
