"""Commands in flight, made from a few words."""

from decimal import Decimal

from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.order import Leg, OrderType, Purpose, TimeInForce
from hedgegrid.executor.in_flight import InFlight, Stage, only_reduces, target_of
from hedgegrid.messages.commands import AmendOrder, CancelAllOrders, CancelOrder, Command, RequestSnapshot, SubmitOrder
from hedgegrid.messages.events import SnapshotReason

SYMBOL = "BTCUSDT"


def order_id(number: int, leg: Leg = Leg.LONG, purpose: Purpose = Purpose.ENTRY) -> str:
    return str(ClientOrderId(1, SYMBOL, leg, purpose, 0, number))


def submit(
    number: int, leg: Leg = Leg.LONG, reduce_only: bool = False, purpose: Purpose = Purpose.ENTRY
) -> SubmitOrder:
    if reduce_only:
        purpose = Purpose.TAKE_PROFIT
    return SubmitOrder(
        symbol=SYMBOL,
        leg=leg,
        client_order_id=order_id(number, leg, purpose),
        side=leg.closing_side if reduce_only else leg.opening_side,
        order_type=OrderType.LIMIT,
        qty=Decimal("0.01"),
        price=Decimal(50000),
        time_in_force=TimeInForce.GTC,
        reduce_only=reduce_only,
        issued_ms=1_000_000,
    )


def amend(number: int, leg: Leg = Leg.LONG, purpose: Purpose = Purpose.ENTRY) -> AmendOrder:
    client_order_id = order_id(number, leg, purpose)
    return AmendOrder(
        symbol=SYMBOL, leg=leg, client_order_id=client_order_id, qty=Decimal(1), price=Decimal(2), issued_ms=1_000_000
    )


def cancel(number: int, leg: Leg = Leg.LONG) -> CancelOrder:
    return CancelOrder(symbol=SYMBOL, leg=leg, client_order_id=order_id(number, leg), issued_ms=1_000_000)


def cancel_all() -> CancelAllOrders:
    return CancelAllOrders(symbol=SYMBOL)


def snapshot() -> RequestSnapshot:
    return RequestSnapshot(symbol=SYMBOL, reason=SnapshotReason.GAP, request=1)


def entry(command: Command, stage: Stage = Stage.QUEUED) -> InFlight:
    target = target_of(command)
    return InFlight(
        command=command,
        command_id="1-0",
        field=target.field,
        target=target,
        urgent=only_reduces(command),
        taken_ns=0,
        stage=stage,
    )
