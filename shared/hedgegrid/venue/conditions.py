"""Words of conditional orders, and of take-profits and stop-losses (docs/v5/enum, order/create-order)."""

from decimal import Decimal
from enum import IntEnum, StrEnum

import msgspec

from hedgegrid.domain.order import OrderType


class TriggerBy(StrEnum):
    """Price that is compared with the trigger price."""

    LAST = "LastPrice"
    INDEX = "IndexPrice"
    MARK = "MarkPrice"


class TriggerDirection(IntEnum):
    RISE = 1
    """Fires when the price rises to the trigger price."""
    FALL = 2

    def is_reached(self, trigger_price: Decimal, price: Decimal) -> bool:
        return price >= trigger_price if self is TriggerDirection.RISE else price <= trigger_price


class TpSlMode(StrEnum):
    FULL = "Full"
    """For the whole position, whatever its size; at market."""
    PARTIAL = "Partial"
    """For a stated part of the position; at market or with a limit."""


class StopOrderType(StrEnum):
    NONE = ""
    """An ordinary order."""
    STOP = "Stop"
    """A conditional order that a user placed."""
    TAKE_PROFIT = "TakeProfit"
    STOP_LOSS = "StopLoss"
    TRAILING_STOP = "TrailingStop"
    PARTIAL_TAKE_PROFIT = "PartialTakeProfit"
    PARTIAL_STOP_LOSS = "PartialStopLoss"

    @property
    def protects(self) -> bool:
        """Whether orders of this kind stand and fall with a position."""
        return self not in (StopOrderType.NONE, StopOrderType.STOP)

    @property
    def follows_size(self) -> bool:
        """Whether the order is for the whole position, whatever its size."""
        return self in (StopOrderType.TAKE_PROFIT, StopOrderType.STOP_LOSS, StopOrderType.TRAILING_STOP)

    @property
    def takes_profit(self) -> bool:
        return self in (StopOrderType.TAKE_PROFIT, StopOrderType.PARTIAL_TAKE_PROFIT)


class Trigger(msgspec.Struct, frozen=True):
    """When a conditional order fires. A trailing stop's `price` is its activation price, 0 if it has none."""

    price: Decimal
    direction: TriggerDirection
    by: TriggerBy = TriggerBy.LAST


class TpSl(msgspec.Struct, frozen=True, kw_only=True):
    """Take-profit and stop-loss attached to an order; None where there is none. Limit prices are for Limit types."""

    mode: TpSlMode = TpSlMode.FULL
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    tp_trigger_by: TriggerBy = TriggerBy.LAST
    sl_trigger_by: TriggerBy = TriggerBy.LAST
    tp_order_type: OrderType = OrderType.MARKET
    sl_order_type: OrderType = OrderType.MARKET
    tp_limit_price: Decimal | None = None
    sl_limit_price: Decimal | None = None


class OrderFilter(StrEnum):
    """Which orders a cancel-all takes (`orderFilter`; STOP is `StopOrder` with `stopOrderType` Stop)."""

    ALL = ""
    ORDER = "Order"
    STOP_ORDER = "StopOrder"
    STOP = "Stop"
