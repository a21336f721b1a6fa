"""The venue's own record of an order, from acceptance to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.venue.conditions import StopOrderType, TpSl, Trigger, TriggerDirection
from hedgegrid.venue.reports import CancelType, CreateType, OrderStatus, RejectReason

if TYPE_CHECKING:
    from hedgegrid.venue.account import Slot


@dataclass(slots=True, kw_only=True)
class Trail:
    """State of a trailing stop: fires `distance` behind the best price seen since it was activated."""

    distance: Decimal
    best: Decimal | None = None

    def is_hit(self, price: Decimal, trigger: Trigger) -> bool:
        """Take a last price in; whether the stop fires at it."""
        sign = 1 if trigger.direction is TriggerDirection.FALL else -1
        if self.best is None and trigger.price and sign * price < sign * trigger.price:
            return False
        if self.best is None or sign * price > sign * self.best:
            self.best = price
        return sign * (self.best - price) >= self.distance


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """`closing`: may only shrink its position. `opening_qty`: the part of `qty` that needs margin.

    `reserved` is the value (price × quantity) for which margin is held now; `queue_mark` the traded volume that must
    have passed at its level before the order is first in line. The `closed_*` sums make up its closed-pnl row.
    `oco` is the other order of a take-profit and stop-loss pair: when one fires the other ends. `stops` are the orders
    that a partial take-profit and stop-loss of this order made so far.
    """

    slot: Slot
    order_id: str
    link_id: str = ""
    side: Side
    position_idx: int
    order_type: OrderType
    time_in_force: TimeInForce
    price: Decimal
    qty: Decimal
    reduce_only: bool = False
    close_on_trigger: bool = False
    closing: bool = False
    opening_qty: Decimal = ZERO
    last_price_on_created: Decimal | None = field(init=False)
    created_ms: int
    updated_ms: int = field(init=False)
    create_type: CreateType = CreateType.BY_USER
    stop_order_type: StopOrderType = StopOrderType.NONE
    trigger: Trigger | None = None
    trigger_rank: int = 0
    trail: Trail | None = None
    tpsl: TpSl | None = None
    parent_link_id: str = ""
    oco: Order | None = None
    stops: tuple[Order, ...] = ()
    seq: int = 0
    status: OrderStatus = OrderStatus.NEW
    cancel_type: CancelType = CancelType.UNKNOWN
    reject_reason: RejectReason = RejectReason.NO_ERROR
    cum_qty: Decimal = ZERO
    cum_value: Decimal = ZERO
    cum_fee: Decimal = ZERO
    fill_count: int = 0
    reserved: Decimal = ZERO
    queue_mark: Decimal = ZERO
    closed_size: Decimal = ZERO
    closed_entry_value: Decimal = ZERO
    closed_exit_value: Decimal = ZERO
    closed_gross: Decimal = ZERO
    closed_open_fee: Decimal = ZERO
    closed_close_fee: Decimal = ZERO

    def __post_init__(self) -> None:
        self.last_price_on_created = self.slot.market.last
        self.updated_ms = self.created_ms

    @property
    def is_untriggered(self) -> bool:
        return self.status is OrderStatus.UNTRIGGERED

    @property
    def is_open(self) -> bool:
        return self.status.is_open

    @property
    def remaining(self) -> Decimal:
        """Quantity not yet executed, whether or not the order still works."""
        return self.qty - self.cum_qty

    @property
    def closed_pnl(self) -> Decimal:
        """Gross of the closing fills less the opening and closing fees of what they closed (Bybit `closedPnl`)."""
        return self.closed_gross - self.closed_open_fee - self.closed_close_fee

    def end(self, cancel_type: CancelType, reason: RejectReason) -> None:
        """Cancel what is left; executions so far stay."""
        self.status = OrderStatus.DEACTIVATED if self.is_untriggered else OrderStatus.CANCELLED
        self.cancel_type = cancel_type
        self.reject_reason = reason
