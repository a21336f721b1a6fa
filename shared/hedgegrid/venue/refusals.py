"""Refusals with Bybit's codes and texts (docs/v5/error; texts change over time, so match on the code only)."""

from decimal import Decimal

import msgspec

from hedgegrid.domain.money import plain


class Refused(msgspec.Struct, frozen=True):
    """The venue did nothing. `code` is Bybit's `retCode`, `text` its `retMsg`."""

    code: int
    text: str


BAD_SYMBOL = Refused(10001, "Not supported symbols")
BAD_QTY = Refused(10001, "Qty invalid")
NO_PRICE = Refused(10001, "params error: price is required for a Limit order")
BELOW_MIN_QTY = Refused(10001, "The number of contracts exceeds minimum limit allowed")
ABOVE_MAX_QTY = Refused(10001, "The number of contracts exceeds maximum limit allowed")
BAD_POSITION_IDX = Refused(10001, "position idx not match position mode")
BAD_LINK_ID = Refused(10001, "orderLinkId must be at most 36 characters of [A-Za-z0-9_-]")
UNCHANGED = Refused(10001, "The order remains unchanged as the parameters entered match the existing ones.")
NO_ORDER_REF = Refused(10001, "orderId or orderLinkId is required")
AMEND_TOO_LATE = Refused(110001, "order not exists or too late to replace")
CANCEL_TOO_LATE = Refused(110001, "order not exists or too late to cancel")
BAD_PRICE = Refused(110003, "Order price exceeds the allowable range.")
NO_MARGIN = Refused(110007, "ab not enough for new order")
BAD_LEVERAGE = Refused(110013, "Cannot set leverage due to risk limit level.")
REDUCE_ONLY_FLAT = Refused(110017, "current position is zero, cannot fix reduce-only order qty")
QTY_TO_ZERO = Refused(110017, "orderQty will be truncated to zero.")
REDUCE_ONLY_SIDE = Refused(110017, "Reduce-only rule not satisfied")
TOO_MANY_ORDERS = Refused(110020, "You are not allowed to have more than 500 active orders")
MODE_HAS_POSITION = Refused(110024, "You have an existing position, so the position mode cannot be switched")
MODE_UNCHANGED = Refused(110025, "Position mode is not modified")
MODE_HAS_ORDERS = Refused(110028, "You have existing open orders, so the position mode cannot be switched")
LEVERAGE_UNCHANGED = Refused(110043, "leverage not modified")
LEVERAGE_NO_MARGIN = Refused(110045, "Wallet balance is insufficient")
QTY_ALREADY_FILLED = Refused(110064, "The order quantity must be larger than the filled quantity")
DUPLICATE_LINK_ID = Refused(110072, "OrderLinkedID is duplicate")
ABOVE_TIER_LEVERAGE = Refused(110086, "Current order leverage exceeds the maximum available for your Risk Limit tier.")
ABOVE_RISK_LIMIT = Refused(110089, "Exceeds the maximum risk limit level")
BELOW_MIN_NOTIONAL = Refused(110094, "Order does not meet minimum order value")


def above_position_limit(leverage: Decimal) -> Refused:
    """`leverage`: the largest that would allow the position."""
    text = (
        "Order placement failed as your position may exceed the max limit. Please adjust your leverage to "
        f"{plain(leverage)} or below to increase the max. position limit"
    )
    return Refused(110090, text)
