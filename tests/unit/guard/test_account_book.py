"""The fold of events: what may fill counts from sending to outcome, and a doubt ends only with every snapshot."""

from typing import Any

import pytest

from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.order import ExecType, Leg, OrderType, Purpose, Side, TimeInForce
from hedgegrid.guard.account_book import AccountBook
from hedgegrid.guard.view import OpeningOrder
from hedgegrid.messages.commands import AmendOrder, SubmitOrder
from hedgegrid.messages.events import (
    AccountEvent,
    CommandKind,
    DenyReason,
    OrderAccepted,
    OrderAcked,
    OrderCanceled,
    OrderCompleted,
    OrderDenied,
    OrderFilled,
    OrderRejected,
    PositionChanged,
    SnapshotReason,
    SnapshotTaken,
    WalletChanged,
)
from hedgegrid.messages.feed import FeedConnected, FeedLost
from tests.unit.guard.accounts import LONG, SYMBOL, D, instrument

ID = str(ClientOrderId(1, SYMBOL, Leg.LONG, Purpose.AVERAGING, 1, 1))
OTHER = "XYZUSDT"


def submit(order_id: str = ID, reduce_only: bool = False) -> SubmitOrder:
    return SubmitOrder(
        symbol=SYMBOL, leg=Leg.LONG, client_order_id=order_id, side=Side.BUY, order_type=OrderType.LIMIT, qty=D(2),
        price=D(90), time_in_force=TimeInForce.GTC, reduce_only=reduce_only,
    )  # fmt: skip


def accepted(cum: str = "0", **changes: Any) -> OrderAccepted:
    fields: dict[str, Any] = {
        "symbol": SYMBOL, "client_order_id": ID, "ts_event": 1, "leg": Leg.LONG, "venue_order_id": "v1",
        "side": Side.BUY, "qty": D(2), "price": D(90), "cum_qty": D(cum), "reduce_only": False, "ts_init": 1,
    }  # fmt: skip
    return OrderAccepted(**(fields | changes))


def filled(leaves: str) -> OrderFilled:
    return OrderFilled(
        symbol=SYMBOL, client_order_id=ID, ts_event=1, leg=Leg.LONG, venue_order_id="v1", trade_id="t", side=Side.BUY,
        exec_type=ExecType.TRADE, last_qty=D(1), last_px=D(90), closed_qty=D(0), leaves_qty=D(leaves), fee=D(0),
        gross=D(0), is_maker=True, seq=1, ts_init=1,
    )  # fmt: skip


def ended(kind: str) -> AccountEvent:
    plain: dict[str, Any] = {"symbol": SYMBOL, "client_order_id": ID, "ts_event": 1}
    pushed = plain | {"leg": Leg.LONG, "venue_order_id": "v1", "cum_qty": D(0), "ts_init": 1}
    return {
        "denied": OrderDenied(**plain, command=CommandKind.SUBMIT, reason=DenyReason.STALE),
        "rejected": OrderRejected(**plain, code=1, reason=""),
        "completed": OrderCompleted(**pushed, avg_px=D(90)),
        "canceled": OrderCanceled(**pushed, reason=""),
    }[kind]  # type: ignore[return-value]


def snapshot(symbol: str = SYMBOL, orders: tuple[OrderAccepted, ...] = ()) -> SnapshotTaken:
    wallet = WalletChanged(
        equity=D(7), wallet_balance=D(7), available=None, im_rate=None, mm_rate=None, ts_event=1, ts_init=1
    )
    return SnapshotTaken(
        symbol=symbol, reason=SnapshotReason.GAP, instrument=instrument(symbol), positions=(position(symbol=symbol),),
        open_orders=orders, ended_orders=(), executions=(), wallet=wallet, highest_life=1, request=0, ts_event=1,
    )  # fmt: skip


def position(qty: str = "3", seq: int = 1, symbol: str = SYMBOL) -> PositionChanged:
    return PositionChanged(
        symbol=symbol, leg=Leg.LONG, qty=D(qty), entry_px=D(100), mark_px=D(99), liq_px=None, leverage=D(10),
        cum_realised=D(1), seq=seq, ts_event=1, ts_init=1,
    )  # fmt: skip


class Book(AccountBook):
    def __init__(self, *symbols: str) -> None:
        super().__init__(dict.fromkeys(symbols or (SYMBOL,), D(10)), 0)

    def hears(self, *events: AccountEvent, now_ms: int = 5) -> None:
        for event in events:
            self.apply(event, now_ms)

    @property
    def open(self) -> list[OpeningOrder]:
        return list(self.view().orders)


def test_an_order_counts_from_its_sending_and_shrinks_with_its_fills() -> None:
    book = Book()
    book.expect(submit())
    whole = OpeningOrder(SYMBOL, Leg.LONG, D(2), D(90))
    assert book.open == [whole]
    book.hears(OrderAcked(symbol=SYMBOL, client_order_id=ID, ts_event=1, command=CommandKind.SUBMIT), accepted())
    assert book.open == [whole]
    book.hears(filled("1"))
    assert book.open == [whole._replace(qty=D(1))]
    book.hears(accepted(cum="1"), filled("0"))
    assert book.open == []


@pytest.mark.parametrize("kind", ["denied", "rejected", "completed", "canceled"])
def test_every_end_frees_it(kind: str) -> None:
    book = Book()
    book.expect(submit())
    book.hears(ended(kind))
    assert book.open == []


def test_what_only_reduces_never_counts() -> None:
    book = Book()
    book.expect(submit(reduce_only=True))
    book.hears(accepted(reduce_only=True))
    assert book.open == []


def test_an_amend_under_way_counts_at_the_larger_terms() -> None:
    book = Book()
    book.hears(accepted())
    book.expect(AmendOrder(symbol=SYMBOL, leg=Leg.LONG, client_order_id=ID, qty=D(1), price=D(95)))
    assert book.open == [OpeningOrder(SYMBOL, Leg.LONG, D(2), D(95))]


def test_a_snapshot_forgets_what_rests_no_more_but_not_what_is_under_way() -> None:
    book = Book()
    gone = accepted(client_order_id="gone")
    book.hears(gone)
    book.expect(submit())
    book.hears(snapshot())
    assert book.open == [OpeningOrder(SYMBOL, Leg.LONG, D(2), D(90))]
    book.hears(OrderAcked(symbol=SYMBOL, client_order_id=ID, ts_event=1, command=CommandKind.SUBMIT), snapshot())
    assert book.open == []
    book.hears(snapshot(orders=(accepted(cum="1"),)))
    assert book.open == [OpeningOrder(SYMBOL, Leg.LONG, D(1), D(90))]


def test_nothing_is_certain_until_every_symbol_had_a_snapshot() -> None:
    book = Book(SYMBOL, OTHER)
    book.hears(snapshot())
    assert book.view().unsure_since_ms == 0
    book.hears(snapshot(OTHER))
    assert book.view().unsure_since_ms is None
    book.hears(FeedLost(feed="private", session=1, reason="x", ts_event=1), now_ms=50)
    book.hears(snapshot(), snapshot(OTHER), now_ms=60)  # taken while events may still be missing
    assert book.view().unsure_since_ms == 50
    book.hears(FeedConnected(feed="private", session=2, ts_event=1), snapshot(), now_ms=70)
    assert book.view().unsure_since_ms == 50
    book.hears(snapshot(OTHER), now_ms=80)
    assert book.view().unsure_since_ms is None
    book.hears(FeedLost(feed="public", session=1, reason="x", ts_event=1))
    assert book.view().unsure_since_ms is None
    book.gap(90)
    assert book.view().unsure_since_ms == 90


def test_a_symbol_the_venue_does_not_list_holds_nothing_up() -> None:
    book = Book(SYMBOL, OTHER)
    book.exclude(OTHER)
    book.hears(snapshot())
    assert book.view().unsure_since_ms is None
    book.gap(90)
    book.hears(snapshot())
    assert book.view().unsure_since_ms is None


def test_older_positions_and_other_symbols_are_left_aside() -> None:
    book = Book()
    book.hears(position("3", seq=9), position("1", seq=8), position("5", seq=1, symbol=OTHER), accepted(symbol=OTHER))
    assert {key: leg.qty for key, leg in book.view().legs.items()} == {LONG: D(3)}
    assert book.open == []
    assert book.marks[SYMBOL].px == 99
