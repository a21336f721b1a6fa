"""Commands → what Bybit V5 wants in the body of an order request. Pure.

Every number is a plain string (pybit casts floats with an exponent), `positionIdx` an int and `reduceOnly` a bool
(docs/v5/order/create-order, amend-order, cancel-order, cancel-all).
"""

from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from hedgegrid.domain.ids import MAX_LENGTH
from hedgegrid.domain.money import plain
from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.messages.commands import AmendOrder, CancelAllOrders, CancelOrder, SubmitOrder

CATEGORY = "linear"
SETTLE_COIN = "USDT"

Params = dict[str, str | int | bool]
VenueCommand = SubmitOrder | AmendOrder | CancelOrder | CancelAllOrders


class Operation(StrEnum):
    """What a call asks of the venue; the meaning of an error code depends on it (`hedgegrid.bybit.errors`)."""

    SUBMIT = "submit"
    AMEND = "amend"
    CANCEL = "cancel"
    CANCEL_ALL = "cancel-all"
    SETUP = "setup"
    """Leverage and position mode."""
    QUERY = "query"


class Request(NamedTuple):
    """`method` is the name of pybit's method, `path` what it posts to."""

    operation: Operation
    method: str
    path: str
    params: Params


class UnsendableCommand(ValueError):
    """A command that no venue could take: the text names the field."""


def request_of(command: VenueCommand) -> Request:
    """The request that carries a command out.

    Raises:
        UnsendableCommand: a number is not above zero, an id too long, a limit order without a price.
    """
    match command:
        case SubmitOrder():
            return Request(Operation.SUBMIT, "place_order", "/v5/order/create", _submit(command))
        case AmendOrder():
            params = _named(command.symbol, command.client_order_id)
            params["qty"] = _number("qty", command.qty)
            params["price"] = _number("price", command.price)
            return Request(Operation.AMEND, "amend_order", "/v5/order/amend", params)
        case CancelOrder():
            params = _named(command.symbol, command.client_order_id)
            return Request(Operation.CANCEL, "cancel_order", "/v5/order/cancel", params)
        case CancelAllOrders():
            params = {"category": CATEGORY, "symbol": command.symbol}
            return Request(Operation.CANCEL_ALL, "cancel_all_orders", "/v5/order/cancel-all", params)


def cancel_everything() -> Request:
    """Cancel every order of the account, of whatever symbol and whoever placed it."""
    params: Params = {"category": CATEGORY, "settleCoin": SETTLE_COIN}
    return Request(Operation.CANCEL_ALL, "cancel_all_orders", "/v5/order/cancel-all", params)


def market_close(symbol: str, side: Side, position_idx: int, qty: Decimal, client_order_id: str) -> Request:
    """Close at market, reduce-only.

    Raises:
        UnsendableCommand: see `request_of`.
    """
    params = _named(symbol, client_order_id) | {
        "side": side.value,
        "orderType": OrderType.MARKET.value,
        "qty": _number("qty", qty),
        "positionIdx": position_idx,
        "reduceOnly": True,
        "timeInForce": TimeInForce.IOC.value,
    }
    return Request(Operation.SUBMIT, "place_order", "/v5/order/create", params)


def _submit(command: SubmitOrder) -> Params:
    """`positionIdx` and `reduceOnly` are always given: without them a close of hedge mode would be an opening."""
    params = _named(command.symbol, command.client_order_id)
    params |= {
        "side": command.side.value,
        "orderType": command.order_type.value,
        "qty": _number("qty", command.qty),
        "positionIdx": int(command.leg),
        "reduceOnly": command.reduce_only,
        "timeInForce": command.time_in_force.value,
    }
    if command.order_type is OrderType.LIMIT:
        if command.price is None:
            raise UnsendableCommand("price: a limit order needs one")
        params["price"] = _number("price", command.price)
    return params


def _named(symbol: str, client_order_id: str) -> Params:
    if not 0 < len(client_order_id) <= MAX_LENGTH:
        raise UnsendableCommand(f"client_order_id: needs 1 to {MAX_LENGTH} characters, got {client_order_id!r}")
    return {"category": CATEGORY, "symbol": symbol, "orderLinkId": client_order_id}


def _number(field: str, value: Decimal) -> str:
    if not value.is_finite() or value <= 0:
        raise UnsendableCommand(f"{field}: must be a number above zero, got {value}")
    return plain(value)
