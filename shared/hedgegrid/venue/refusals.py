"""Refusals with Bybit's codes and texts (docs/v5/error; texts change over time, so match on the code only)."""

from decimal import Decimal

import msgspec

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Side
from hedgegrid.venue.conditions import Trigger, TriggerBy, TriggerDirection
from hedgegrid.venue.market import Phase


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
NO_TRIGGER_DIRECTION = Refused(10001, "TriggerDirection invalid")
NOT_CONDITIONAL = Refused(10001, "params error: triggerPrice belongs to conditional orders that have not fired")
TPSL_WITH_REDUCE_ONLY = Refused(10001, "TP/SL cannot be set with reduceOnly=true")
FULL_TPSL_IS_MARKET = Refused(10001, "params error: tpslMode=Full supports only Market TP/SL orders")
NO_TPSL_LIMIT_PRICE = Refused(10001, "params error: a Limit TP/SL order needs its limit price")
NO_POSITION = Refused(10001, "can not set tp/sl/ts for zero position")
TPSL_SIZES_DIFFER = Refused(10001, "params error: tpSize and slSize must be given and equal")
BAD_TRAILING_STOP = Refused(10001, "params error: trailingStop must be a positive multiple of the tick size")
NOT_MODIFIED = Refused(34040, "not modified")
AMEND_TOO_LATE = Refused(110001, "order not exists or too late to replace")
CANCEL_TOO_LATE = Refused(110001, "order not exists or too late to cancel")
BAD_PRICE = Refused(110003, "Order price exceeds the allowable range.")
NO_MARGIN = Refused(110007, "ab not enough for new order")
TOO_MANY_STOPS = Refused(110009, "The number of stop orders exceeds the maximum allowable limit")
BAD_LEVERAGE = Refused(110013, "Cannot set leverage due to risk limit level.")
REDUCE_ONLY_FLAT = Refused(110017, "current position is zero, cannot fix reduce-only order qty")
QTY_TO_ZERO = Refused(110017, "orderQty will be truncated to zero.")
REDUCE_ONLY_SIDE = Refused(110017, "Reduce-only rule not satisfied")
TOO_MANY_ORDERS = Refused(110020, "You are not allowed to have more than 500 active orders")
ONLY_REDUCE = Refused(110023, "Currently you can only reduce your position on this contract.")
MODE_HAS_POSITION = Refused(110024, "You have an existing position, so the position mode cannot be switched")
MODE_UNCHANGED = Refused(110025, "Position mode is not modified")
MODE_HAS_ORDERS = Refused(110028, "You have existing open orders, so the position mode cannot be switched")
LEVERAGE_UNCHANGED = Refused(110043, "leverage not modified")
LEVERAGE_NO_MARGIN = Refused(110045, "Wallet balance is insufficient")
TPSL_ABOVE_POSITION = Refused(
    110058, "You can't set take profit and stop loss due to insufficient size of remaining position size."
)
TPSL_OF_FILLED_ORDER = Refused(110059, "Not allowed to modify the TP/SL of a partially filled open order")
FULL_TPSL_FIXED = Refused(110060, "Under full TP/SL mode, it is not allowed to modify TP/SL")
TOO_MANY_TPSL = Refused(110061, "Not allowed to have more than 20 TP/SLs under Partial tpSlMode")
QTY_ALREADY_FILLED = Refused(110064, "The order quantity must be larger than the filled quantity")
DUPLICATE_LINK_ID = Refused(110072, "OrderLinkedID is duplicate")
NOT_LIVE = Refused(110074, "This contract is not live")
ABOVE_TIER_LEVERAGE = Refused(110086, "Current order leverage exceeds the maximum available for your Risk Limit tier.")
ABOVE_RISK_LIMIT = Refused(110089, "Exceeds the maximum risk limit level")
BELOW_MIN_NOTIONAL = Refused(110094, "Order does not meet minimum order value")
DELISTING = Refused(30228, "No new positions during delisting")
NOT_IN_PHASE = {Phase.REDUCE_ONLY: ONLY_REDUCE, Phase.DELISTING: DELISTING, Phase.CLOSED: NOT_LIVE}
"""Why exposure may not grow."""


def wrong_trigger_side(trigger: Trigger, current: Decimal) -> Refused:
    """A conditional order whose trigger price has been reached already."""
    price, now = plain(trigger.price), plain(current)
    if trigger.direction is TriggerDirection.RISE:
        return Refused(110092, f"expect Rising, but trigger_price[{price}] <= current[{now}]??{trigger.by}")
    return Refused(110093, f"expect Falling, but trigger_price[{price}] >= current[{now}]??{trigger.by}")


def wrong_tpsl_side(name: str, price: Decimal, side: Side, base: Decimal, by: TriggerBy) -> Refused:
    """`name`: `TakeProfit`, `StopLoss` or `ActivePrice`; `side` is the position's; `base` the price to lie beyond."""
    relation = "higher" if (side is Side.BUY) == (name != "StopLoss") else "lower"
    text = f"{name}:{plain(price)} set for {side} position should be {relation} than base_price:{plain(base)}??{by}"
    return Refused(10001, text)


def above_position_limit(leverage: Decimal) -> Refused:
    """`leverage`: the largest that would allow the position."""
    text = (
        "Order placement failed as your position may exceed the max limit. Please adjust your leverage to "
        f"{plain(leverage)} or below to increase the max. position limit"
    )
    return Refused(110090, text)
