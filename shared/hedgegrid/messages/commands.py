"""Messages of `{acct}:commands`: written inside a strategy commit, carried out in order by the executor."""

from decimal import Decimal

from hedgegrid.domain.order import Leg, OrderType, Side, TimeInForce
from hedgegrid.messages.base import Message
from hedgegrid.messages.events import SnapshotReason


class OrderCommand(Message, frozen=True, kw_only=True):
    """`cause_ns` comes from the tick that led here; the worker stamps `decided_ns` and `issued_ms`."""

    symbol: str
    leg: Leg
    client_order_id: str
    cause_ns: int = 0
    decided_ns: int = 0
    issued_ms: int = 0


class SubmitOrder(OrderCommand, frozen=True, kw_only=True):
    side: Side
    order_type: OrderType
    qty: Decimal
    price: Decimal | None
    """None for a market order."""
    time_in_force: TimeInForce
    reduce_only: bool


class AmendOrder(OrderCommand, frozen=True, kw_only=True):
    """New total quantity and price; both are always given, the executor sends them as they are."""

    qty: Decimal
    price: Decimal


class CancelOrder(OrderCommand, frozen=True, kw_only=True):
    pass


class CancelAllOrders(Message, frozen=True, kw_only=True):
    """Cancel whatever rests on the symbol, ours or not."""

    symbol: str
    issued_ms: int = 0


class RequestSnapshot(Message, frozen=True, kw_only=True):
    symbol: str
    reason: SnapshotReason
    request: int
    """Counts the requests of the bot; the answer repeats it, so that a late answer to an older one is told apart."""
    executions_since_ms: int = 0
    """Oldest execution and end of an order wanted; 0 = whatever the venue's default window shows."""
    issued_ms: int = 0


Command = SubmitOrder | AmendOrder | CancelOrder | CancelAllOrders | RequestSnapshot
