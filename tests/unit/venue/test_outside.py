"""What happens to an account without its client: by other hands, by the venue, and lost races."""

from dataclasses import replace
from decimal import Decimal as D

import pytest

from hedgegrid.domain.order import ExecType, TimeInForce
from hedgegrid.venue.market import Phase
from hedgegrid.venue.reports import (
    CancelType,
    CreateType,
    ExecutionReport,
    OrderReport,
    OrderStatus,
    PositionReport,
    RejectReason,
    WalletReport,
)
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, instrument, refused


def test_a_leg_closed_by_hand() -> None:
    desk = Desk()
    desk.market(BUY, 1, "5")
    mine = desk.limit(SELL, 1, "5", "120", reduce=True)
    part = accepted(desk.venue.close_by_hand("a", "ABCUSDT", 1, D(2), desk.tick()))
    assert (desk.position(1).size, desk.order(mine).qty) == (D(3), D(3))
    whole = accepted(desk.venue.close_by_hand("a", "ABCUSDT", 1, None, desk.tick()))
    assert (desk.position(1).size, desk.order(mine).cancel_type) == (D(0), CancelType.BY_REDUCE_ONLY)
    orders = [desk.venue.order_by_id("a", order_id) for order_id in (part, whole)]
    assert [(o.create_type, o.order_link_id, o.reduce_only) for o in orders if o] == [
        (CreateType.BY_USER, "", True),
        (CreateType.BY_CLOSING, "", True),
    ]
    assert refused(desk.venue.close_by_hand("a", "ABCUSDT", 1, None, desk.tick())) == 110017


def test_a_cancel_that_loses_against_the_fill_gives_two_filled_reports() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "2", "99")
    desk.venue.lose_next_cancel("a")
    desk.venue.drain()
    accepted(desk.cancel(answer))
    reports = desk.venue.drain()
    assert [type(r) for r in reports] == [OrderReport, ExecutionReport, PositionReport, WalletReport, OrderReport]
    first, second = (r for r in reports if isinstance(r, OrderReport))
    assert (first.status, first.cancel_type, first.reject_reason) == (
        OrderStatus.FILLED,
        CancelType.UNKNOWN,
        RejectReason.NO_ERROR,
    )
    assert (second.status, second.cancel_type, second.reject_reason) == (
        OrderStatus.FILLED,
        CancelType.BY_USER,
        RejectReason.ORDER_DOES_NOT_EXIST,
    )
    assert (second.order_id, second.cum_exec_qty, desk.position(1).size) == (accepted(answer), D(2), D(2))
    later = desk.limit(BUY, 1, "2", "99")
    desk.cancel(later)
    assert desk.order(later).status is OrderStatus.CANCELLED


def test_an_amendment_that_loses_against_the_fill() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "2", "99")
    desk.venue.lose_next_amend("a")
    accepted(desk.amend(answer, price="98"))
    order = desk.order(answer)
    assert (order.status, order.price, order.avg_price) == (OrderStatus.FILLED, D(99), D(99))


def test_fills_in_parts_are_each_reported() -> None:
    desk = Desk()
    desk.venue.fill_in_parts(3)
    answer = desk.limit(BUY, 1, "1", "99")
    desk.venue.drain()
    desk.print("98", "5", SELL)
    reports = desk.venue.drain()
    assert [type(r) for r in reports] == [OrderReport, ExecutionReport, PositionReport, WalletReport] * 3
    assert [r.exec_qty for r in reports if isinstance(r, ExecutionReport)] == [D("0.33"), D("0.33"), D("0.34")]
    assert [r.status for r in reports if isinstance(r, OrderReport)] == [
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
    ]
    assert desk.order(answer).fill_count == 3
    taker = desk.market(SELL, 1, "1", reduce=True)
    states = [r.status for r in desk.drain(OrderReport)]
    assert states == [OrderStatus.PARTIALLY_FILLED, OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED]
    assert desk.order(taker).fill_count == 3
    with pytest.raises(ValueError, match="at least 1"):
        desk.venue.fill_in_parts(0)


def test_a_part_is_never_less_than_a_lot_and_the_rest_of_an_ioc_still_ends() -> None:
    desk = Desk()
    desk.venue.fill_in_parts(5)
    order = desk.order(desk.limit(BUY, 1, "10.02", "100.1", tif=TimeInForce.IOC))
    assert (order.status, order.cum_exec_qty, order.fill_count) == (OrderStatus.CANCELLED, D(10), 5)
    desk.quote("99.9", "1", "100.1", "0.03")
    assert desk.order(desk.market(BUY, 1, "0.05")).fill_count == 2


def test_a_new_tick_size_binds_new_prices_and_leaves_resting_orders_until_amended() -> None:
    desk = Desk()
    resting = desk.limit(BUY, 1, "2", "99.3")
    desk.venue.change_instrument(replace(desk.venue.instrument("ABCUSDT"), tick_size=D("0.5")))
    assert desk.order(resting).price == D("99.3")
    assert refused(desk.limit(BUY, 1, "2", "99.3")) == 110003
    accepted(desk.amend(resting, qty="1"))
    assert refused(desk.amend(resting, price="99.4")) == 110003
    desk.print("99.2", "0.5", SELL)
    assert desk.order(resting).cum_exec_qty == D("0.5")
    accepted(desk.amend(resting, price="99.5"))
    desk.quote("99.5", "5", "100", "1")
    desk.market(BUY, 1, "2")
    assert [e.exec_price for e in desk.executions()[-2:]] == [D(100), D("100.5")]


def test_a_symbol_may_only_be_reduced() -> None:
    desk = Desk()
    desk.market(BUY, 1, "5")
    resting = desk.limit(BUY, 1, "2", "99")
    desk.venue.allow_only_reducing("ABCUSDT", True)
    assert refused(desk.limit(BUY, 1, "1", "99")) == 110023
    assert refused(desk.stop(BUY, 1, "1", "110")) == 110023
    assert refused(desk.amend(resting, qty="3")) == 110023
    accepted(desk.amend(resting, qty="1"))
    accepted(desk.market(SELL, 1, "1", reduce=True))
    assert desk.venue.phase("ABCUSDT").status == "Trading"
    desk.venue.allow_only_reducing("ABCUSDT", False)
    accepted(desk.limit(BUY, 1, "1", "99"))


def test_delisting_reduces_only_then_settles_without_an_order_or_a_fee() -> None:
    desk = Desk()
    desk.mark("100", index="101")
    desk.market(BUY, 1, "5")
    desk.market(SELL, 2, "2")
    take, stop = desk.limit(SELL, 1, "5", "110", reduce=True), desk.stop(SELL, 1, "5", "90", reduce=True)
    desk.venue.delist("ABCUSDT")
    assert desk.venue.phase("ABCUSDT") is Phase.DELISTING
    assert refused(desk.limit(BUY, 1, "1", "99")) == 30228
    orders = len(desk.venue.orders_closed("a"))
    balance = desk.wallet().wallet_balance
    desk.venue.drain()
    desk.venue.settle("ABCUSDT", desk.tick())
    rows = desk.executions()
    assert [(r.exec_type, r.create_type, r.side, r.exec_qty, r.exec_price, r.exec_fee) for r in rows] == [
        (ExecType.DELIVERY, CreateType.BY_SETTLE, SELL, D(5), D(101), D(0)),
        (ExecType.DELIVERY, CreateType.BY_SETTLE, BUY, D(2), D(101), D(0)),
    ]
    assert {desk.order(o).cancel_type for o in (take, stop)} == {CancelType.BY_SETTLE}
    assert len(desk.venue.orders_closed("a")) == orders + 2
    assert desk.wallet().wallet_balance == balance + (101 - D("100.1")) * 5 - (101 - D("99.9")) * 2
    assert (desk.position(1).size, desk.position(2).size) == (D(0), D(0))
    assert refused(desk.limit(BUY, 1, "1", "99")) == 110074
    desk.venue.allow_only_reducing("ABCUSDT", False)
    assert desk.venue.phase("ABCUSDT").status == "Closed"
    with pytest.raises(ValueError, match="positive number"):
        desk.venue.settle("XYZUSDT", desk.tick(), D(0))


def test_every_order_change_brings_a_position_report_and_only_money_a_wallet_report() -> None:
    desk = Desk()
    desk.venue.drain()
    answer = desk.limit(BUY, 1, "2", "99")
    desk.amend(answer, price="98.9")
    desk.cancel(answer)
    desk.mark("90")
    assert [type(r) for r in desk.venue.drain()] == [OrderReport, PositionReport] * 3


def test_the_report_of_a_closed_leg_has_no_side() -> None:
    desk = Desk()
    desk.market(SELL, 2, "2")
    desk.venue.drain()
    desk.market(BUY, 2, "2", reduce=True)
    [row] = desk.drain(PositionReport)
    assert (row.side, row.size, row.entry_price, row.position_idx) == (None, D(0), D(0), 2)


def test_forced_funding_is_funding() -> None:
    desk = Desk()
    desk.market(BUY, 1, "2")
    desk.venue.drain()
    desk.venue.force_funding("ABCUSDT", D("0.0001"), desk.tick())
    [row] = desk.executions()
    assert (row.exec_type, row.exec_fee) == (ExecType.FUNDING, D("0.02"))


def test_a_lowered_leverage_bound_is_felt_at_the_next_order() -> None:
    desk = Desk(leverage="20")
    accepted(desk.limit(BUY, 1, "1", "99"))
    desk.venue.change_instrument(instrument(max_leverage=D(5)))
    assert refused(desk.limit(BUY, 1, "1", "99")) == 110086
