"""The venue's own record of an order, from acceptance to its end."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.venue.reports import CancelType, OrderStatus, RejectReason

if TYPE_CHECKING:
    from hedgegrid.venue.account import Slot


@dataclass(slots=True, eq=False, kw_only=True)
class Order:
    """`closing`: may only shrink its position. `opening_qty`: the part of `qty` that needs margin.

    `reserved` is the value (price × quantity) for which margin is held now; `queue_mark` the traded volume that must
    have passed at its level before the order is first in line. The `closed_*` sums make up its closed-pnl row.
    """

    slot: Slot
    order_id: str
    link_id: str
    side: Side
    position_idx: int
    order_type: OrderType
    time_in_force: TimeInForce
    price: Decimal
    qty: Decimal
    reduce_only: bool
    close_on_trigger: bool
    closing: bool
    opening_qty: Decimal
    last_price_on_created: Decimal | None
    created_ms: int
    updated_ms: int
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
        self.status = OrderStatus.CANCELLED
        self.cancel_type = cancel_type
        self.reject_reason = reason
