"""Amend, cancel, cancel-all."""

from decimal import Decimal as D

from hedgegrid.domain.order import TimeInForce
from hedgegrid.venue.reports import CancelType, OrderReport, OrderStatus, PositionReport, RejectReason
from hedgegrid.venue.requests import OrderChange, OrderRef
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, refused


def test_amend_sets_the_new_total_and_price() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.venue.drain()
    accepted(desk.amend(answer, qty="7.009", price="98"))
    order = desk.order(answer)
    assert (order.qty, order.price, order.leaves_qty, order.status) == (D(7), D(98), D(7), OrderStatus.NEW)
    assert [type(r) for r in desk.venue.drain()] == [OrderReport, PositionReport]
    desk.print("98.5", "100", SELL)
    assert desk.order(answer).cum_exec_qty == 0


def test_amend_finds_the_order_by_link_id() -> None:
    desk = Desk()
    desk.limit(BUY, 1, "5", "99", link="one")
    accepted(desk.venue.amend("a", OrderChange(symbol="ABCUSDT", order_link_id="one", price=D(98)), 1))


def test_amend_refusals() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.print("98", "2", SELL)
    assert refused(desk.amend(answer, qty="2")) == 110064
    assert refused(desk.amend(answer, qty="1")) == 110064
    assert refused(desk.amend(answer, qty="5.001")) == 10001
    assert refused(desk.amend(answer, price="99")) == 10001
    assert refused(desk.amend(answer)) == 10001
    assert refused(desk.amend(answer, price="99.05")) == 110003
    assert refused(desk.amend(answer, qty="900000")) == 10001
    assert refused(desk.venue.amend("a", OrderChange(symbol="ABCUSDT", qty=D(1)), 1)) == 10001
    assert refused(desk.venue.amend("a", OrderChange(symbol="ABCUSDT", order_id="no", qty=D(1)), 1)) == 110001
    wrong_symbol = OrderChange(symbol="XYZUSDT", order_id=accepted(answer), qty=D(6))
    assert refused(desk.venue.amend("a", wrong_symbol, 1)) == 110001
    desk.print("98", "3", SELL)
    assert refused(desk.amend(answer, qty="9")) == 110001


def test_amend_checks_the_added_margin_only() -> None:
    desk = Desk(balance="150")
    answer = desk.limit(BUY, 1, "10", "99")
    assert refused(desk.amend(answer, qty="20")) == 110007
    accepted(desk.amend(answer, qty="14"))
    accepted(desk.amend(answer, qty="1"))
    assert desk.wallet().order_im == D("9.9") + D(99) * D("0.00055") + D("89.1") * D("0.00055")


def test_what_is_filled_already_needs_no_order_margin() -> None:
    desk = Desk(balance="153")
    answer = desk.limit(BUY, 1, "10", "99")
    desk.print("98", "9", SELL)
    accepted(desk.amend(answer, qty="15"))


def test_an_order_may_be_made_smaller_without_any_margin_left() -> None:
    desk = Desk(balance="210")
    desk.market(BUY, 1, "10")
    answer = desk.limit(BUY, 1, "10", "99")
    desk.mark("95")
    assert desk.wallet().available_balance == 0
    assert refused(desk.amend(answer, qty="11")) == 110007
    accepted(desk.amend(answer, qty="9"))


def test_a_smaller_quantity_keeps_the_place_in_the_queue_a_new_price_does_not() -> None:
    desk = Desk()
    first, second = desk.limit(BUY, 1, "4", "99"), desk.limit(BUY, 1, "4", "99")
    desk.amend(first, qty="3")
    desk.print("98.9", "1", SELL)
    assert desk.order(first).cum_exec_qty == 1
    desk.amend(first, price="98")
    desk.amend(first, price="99")
    desk.print("98.9", "4", SELL)
    assert (desk.order(second).cum_exec_qty, desk.order(first).cum_exec_qty) == (D(4), D(1))


def test_an_amended_price_may_take() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "4", "99")
    desk.amend(answer, price="100.1")
    assert desk.order(answer).status is OrderStatus.FILLED
    post_only = desk.limit(BUY, 1, "4", "99", tif=TimeInForce.POST_ONLY)
    accepted(desk.amend(post_only, price="100.5"))
    assert desk.order(post_only).reject_reason is RejectReason.POST_ONLY_WILL_TAKE
    assert desk.venue.orders_open("a") == []
    desk.print("90", "100", SELL)
    assert desk.order(post_only).cum_exec_qty == 0


def test_cancel_ends_the_order_and_reports_the_position() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.print("98", "2", SELL)
    desk.venue.drain()
    accepted(desk.cancel(answer))
    order = desk.order(answer)
    assert (order.status, order.cancel_type, order.reject_reason) == (
        OrderStatus.CANCELLED,
        CancelType.BY_USER,
        RejectReason.PER_CANCEL_REQUEST,
    )
    assert (order.cum_exec_qty, order.leaves_qty, order.qty) == (D(2), D(0), D(5))
    assert [type(r) for r in desk.venue.drain()] == [OrderReport, PositionReport]
    desk.print("90", "100", SELL)
    assert desk.order(answer).cum_exec_qty == 2


def test_cancel_refusals() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    assert refused(desk.venue.cancel("a", OrderRef(symbol="ABCUSDT"), 1)) == 10001
    assert refused(desk.venue.cancel("a", OrderRef(symbol="ABCUSDT", order_link_id="no"), 1)) == 110001
    desk.cancel(answer)
    assert refused(desk.cancel(answer)) == 110001


def test_an_account_cannot_touch_the_orders_of_another() -> None:
    desk = Desk()
    desk.venue.open_account("b", D(1000), hedge_mode=True)
    answer = desk.limit(BUY, 1, "5", "99")
    assert refused(desk.venue.cancel("b", OrderRef(symbol="ABCUSDT", order_id=accepted(answer)), 1)) == 110001


def test_cancel_all_of_a_symbol_or_of_the_account() -> None:
    desk = Desk()
    first, second = desk.limit(BUY, 1, "5", "99"), desk.limit(SELL, 2, "5", "101")
    assert desk.venue.cancel_all("a", "XYZUSDT", 1) == []
    assert [c.order_id for c in desk.venue.cancel_all("a", "ABCUSDT", 1)] == [accepted(first), accepted(second)]
    desk.limit(BUY, 1, "5", "99")
    assert len(desk.venue.cancel_all("a", None, 1)) == 1
    assert desk.venue.orders_open("a") == []
    assert len(desk.venue.orders_closed("a")) == 3
