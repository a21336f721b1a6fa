"""What goes into the venue: an account's commands and the market's input.

Prices are in the quote coin, quantities in the base coin, times integer ms UTC. Nothing is validated here: the venue
answers a bad command with `Refused`, as Bybit does.
"""

from decimal import Decimal

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.venue.conditions import TpSlMode, TriggerBy, TriggerDirection


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v5/order/create`. `price` is needed for Limit and ignored for Market, which is always IOC.

    `position_idx` is 0 in one-way mode, 1 (long leg) or 2 (short leg) in hedge mode. `qty` 0 together with
    `reduce_only` and `close_on_trigger` closes the whole position. `order_link_id` "" means none.

    A `trigger_price` makes the order conditional: it holds no margin and waits until the price named by `trigger_by`
    rises or falls to it. `take_profit` and `stop_loss` are set for the position when the order fills: in mode Full for
    all of it, in mode Partial for what this order filled. Limit types need mode Partial and their limit price.
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
    trigger_price: Decimal | None = None
    trigger_direction: TriggerDirection | None = None
    trigger_by: TriggerBy = TriggerBy.LAST
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    tpsl_mode: TpSlMode = TpSlMode.FULL
    tp_trigger_by: TriggerBy = TriggerBy.LAST
    sl_trigger_by: TriggerBy = TriggerBy.LAST
    tp_order_type: OrderType = OrderType.MARKET
    sl_order_type: OrderType = OrderType.MARKET
    tp_limit_price: Decimal | None = None
    sl_limit_price: Decimal | None = None


class OrderRef(msgspec.Struct, frozen=True, kw_only=True):
    """Names an order; `order_id` wins over `order_link_id`, "" means not given."""

    symbol: str
    order_id: str = ""
    order_link_id: str = ""


class OrderChange(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v5/order/amend`; None leaves a term as it is. `qty` is the new total, filled part included.

    `take_profit` or `stop_loss` 0 removes what the order has attached.
    """

    symbol: str
    order_id: str = ""
    order_link_id: str = ""
    qty: Decimal | None = None
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    trigger_by: TriggerBy | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    tpsl_mode: TpSlMode | None = None
    tp_trigger_by: TriggerBy | None = None
    sl_trigger_by: TriggerBy | None = None
    tp_limit_price: Decimal | None = None
    sl_limit_price: Decimal | None = None


class TradingStop(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v5/position/trading-stop`; None leaves a part as it is, 0 cancels it.

    Mode Full sets the one take-profit and stop-loss of the whole position, mode Partial adds a pair for `tp_size` =
    `sl_size`. `trailing_stop` is a distance in the quote coin; with `active_price` it starts only once that price was
    reached.
    """

    symbol: str
    position_idx: int
    tpsl_mode: TpSlMode = TpSlMode.FULL
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    trailing_stop: Decimal | None = None
    active_price: Decimal | None = None
    tp_trigger_by: TriggerBy = TriggerBy.LAST
    sl_trigger_by: TriggerBy = TriggerBy.LAST
    tp_size: Decimal | None = None
    sl_size: Decimal | None = None
    tp_order_type: OrderType = OrderType.MARKET
    sl_order_type: OrderType = OrderType.MARKET
    tp_limit_price: Decimal | None = None
    sl_limit_price: Decimal | None = None


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
