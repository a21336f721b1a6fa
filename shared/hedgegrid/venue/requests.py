"""What goes into the venue: an account's commands and the market's input.

Prices are in the quote coin, quantities in the base coin, times integer ms UTC. Nothing is validated here: the venue
answers a bad command with `Refused`, as Bybit does.
"""

from decimal import Decimal

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Side, TimeInForce


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v5/order/create`. `price` is needed for Limit and ignored for Market, which is always IOC.

    `position_idx` is 0 in one-way mode, 1 (long leg) or 2 (short leg) in hedge mode. `qty` 0 together with
    `reduce_only` and `close_on_trigger` closes the whole position. `order_link_id` "" means none.
    """

    symbol: str
    side: Side
    order_type: OrderType
    qty: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    position_idx: int = 0
    reduce_only: bool = False
    close_on_trigger: bool = False
    order_link_id: str = ""


class OrderRef(msgspec.Struct, frozen=True, kw_only=True):
    """Names an order; `order_id` wins over `order_link_id`, "" means not given."""

    symbol: str
    order_id: str = ""
    order_link_id: str = ""


class OrderChange(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v5/order/amend`; None leaves a term as it is. `qty` is the new total, filled part included."""

    symbol: str
    order_id: str = ""
    order_link_id: str = ""
    qty: Decimal | None = None
    price: Decimal | None = None


class Accepted(msgspec.Struct, frozen=True):
    """Taken for processing; it says nothing about resting or filling (Bybit's acknowledgement is asynchronous)."""

    order_id: str
    order_link_id: str


class MarketTrade(msgspec.Struct, frozen=True, kw_only=True):
    """A public trade print; `taker_side` is the aggressor's."""

    symbol: str
    price: Decimal
    qty: Decimal
    taker_side: Side
    ts_ms: int


class MarketQuote(msgspec.Struct, frozen=True, kw_only=True):
    """Best bid and ask with their displayed sizes; a size of 0 means that side is empty."""

    symbol: str
    bid_px: Decimal
    bid_qty: Decimal
    ask_px: Decimal
    ask_qty: Decimal
    ts_ms: int


class MarkPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Mark price; `index_px` 0 means unknown (the mark stands in for it)."""

    symbol: str
    mark_px: Decimal
    index_px: Decimal = ZERO
    ts_ms: int


class FundingDue(msgspec.Struct, frozen=True, kw_only=True):
    """A funding moment; `rate` is a fraction of the position's value, positive: longs pay shorts."""

    symbol: str
    rate: Decimal
    ts_ms: int
