"""Hand-made books of one account in which everything agrees; tests spoil one thing each."""

from decimal import Decimal

from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.order import ExecType, Leg, Purpose
from hedgegrid.messages.events import CommandKind, OrderAcked
from hedgegrid.messages.ledger import CycleClosed, FillBooked, FundingBooked
from hedgegrid.operator.own_books import OwnBooks
from hedgegrid.operator.report import AccountBooks
from hedgegrid.operator.venue_books import VenueBooks, VenueOrder, VenuePosition

BTC = "BTCUSDT"
MS = 1_000_000


def link_id(purpose: Purpose, sequence: int, level: int = 0, leg: Leg = Leg.LONG) -> str:
    return str(ClientOrderId(1, BTC, leg, purpose, level, sequence))


ENTRY = link_id(Purpose.ENTRY, 1)
TAKE_PROFIT = link_id(Purpose.TAKE_PROFIT, 2)
SHORT_ENTRY = link_id(Purpose.ENTRY, 3, leg=Leg.SHORT)


def ack(order_id: str, sent_ms: int = 2, cause_ns: int = 100) -> OrderAcked:
    return OrderAcked(
        symbol=BTC,
        client_order_id=order_id,
        ts_event=0,
        command=CommandKind.SUBMIT,
        cause_ns=cause_ns,
        decided_ns=cause_ns + MS,
        sent_ns=cause_ns + sent_ms * MS,
    )


def fill(trade_id: str, order_id: str, gross: str, fee: str, leg: Leg = Leg.LONG) -> FillBooked:
    return FillBooked(
        symbol=BTC,
        ts_event=0,
        leg=leg,
        cycle=1,
        level=0,
        purpose=None,
        client_order_id=order_id,
        trade_id=trade_id,
        exec_type=ExecType.TRADE,
        qty=Decimal("0.01"),
        px=Decimal(60000),
        gross=Decimal(gross),
        fee=Decimal(fee),
        is_maker=True,
    )


def funding(trade_id: str, amount: str) -> FundingBooked:
    return FundingBooked(
        symbol=BTC,
        ts_event=0,
        leg=Leg.LONG,
        cycle=1,
        trade_id=trade_id,
        amount=Decimal(amount),
        rate=Decimal("0.0001"),
    )


def cycle() -> CycleClosed:
    zero = Decimal(0)
    return CycleClosed(
        symbol=BTC,
        ts_event=0,
        leg=Leg.LONG,
        cycle=1,
        opened_ms=0,
        levels=1,
        qty=zero,
        entry_px=zero,
        exit_px=zero,
        gross=zero,
        entry_fees=zero,
        exit_fees=zero,
        funding=zero,
        net=zero,
    )


def own_books() -> OwnBooks:
    own = OwnBooks()
    for number, order_id in enumerate((ENTRY, TAKE_PROFIT, SHORT_ENTRY)):
        own.apply_event(ack(order_id, sent_ms=2 + number))
    for row in (
        fill("t1", ENTRY, "0", "0.12"),
        fill("t2", TAKE_PROFIT, "6.000", "0.121"),
        funding("f1", "0.05"),
        cycle(),
        fill("t3", SHORT_ENTRY, "0", "0.33", Leg.SHORT),
    ):
        own.apply_row(row)
    return own


def order(order_id: str, created_ms: int, ended_ms: int | None) -> VenueOrder:
    return VenueOrder(symbol=BTC, client_order_id=order_id, created_ms=created_ms, ended_ms=ended_ms)


ORDERS = (order(ENTRY, 10, 20), order(TAKE_PROFIT, 20, 30), order(SHORT_ENTRY, 10, 12))


def venue_books(
    orders: tuple[VenueOrder, ...] = ORDERS,
    executions: tuple[str, ...] = ("t1", "t2", "t3", "f1"),
    long_realised: str = "5.709",
) -> VenueBooks:
    return VenueBooks(
        orders=orders,
        executions=dict.fromkeys(executions, BTC),
        positions={
            (BTC, Leg.LONG): VenuePosition(cum_realised=Decimal(long_realised)),
            (BTC, Leg.SHORT): VenuePosition(qty=Decimal("0.010"), cum_realised=Decimal("-0.33")),
        },
    )


def account(own: OwnBooks | None = None, venue: VenueBooks | None = None) -> AccountBooks:
    return AccountBooks(
        account="main",
        symbols=(BTC,),
        own=own or own_books(),
        venue=venue or venue_books(),
        rest_calls={"startup GET /v5/account/wallet-balance": 1, "steady POST /v5/order/create": 3},
        ticks={BTC: 77},
    )
