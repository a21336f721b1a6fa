"""Conditional orders: waiting, firing, their limits and amendments."""

from decimal import Decimal as D

import pytest

from hedgegrid.domain.order import OrderType
from hedgegrid.venue.conditions import OrderFilter, StopOrderType, Trigger, TriggerBy, TriggerDirection
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
from hedgegrid.venue.requests import NewOrder, OrderChange
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, refused


def statuses(desk: Desk) -> list[OrderStatus]:
    return [report.status for report in desk.drain(OrderReport)]


def test_a_conditional_order_waits_without_margin_and_is_listed_as_open() -> None:
    desk = Desk()
    answer = desk.stop(BUY, 1, "2", "101")
    order = desk.order(answer)
    assert (order.status, order.stop_order_type, order.create_type) == (
        OrderStatus.UNTRIGGERED,
        StopOrderType.STOP,
        CreateType.BY_STOP_ORDER,
    )
    assert order.trigger == Trigger(D(101), TriggerDirection.RISE, TriggerBy.LAST)
    assert (order.price, order.leaves_qty) == (D(0), D(2))
    assert desk.wallet().order_im == 0
    assert [o.order_id for o in desk.venue.orders_open("a")] == [order.order_id]
    assert [type(r) for r in desk.venue.drain()] == [OrderReport, PositionReport]


def test_it_fires_at_its_price_goes_through_triggered_and_takes_the_market() -> None:
    desk = Desk()
    answer = desk.stop(BUY, 1, "2", "101")
    desk.venue.drain()
    desk.print("100.9", "1", BUY)
    assert desk.venue.drain() == []
    desk.print("101", "1", BUY)
    reports = desk.venue.drain()
    assert [type(r) for r in reports] == [
        OrderReport, PositionReport, OrderReport, ExecutionReport, PositionReport, WalletReport,
    ]  # fmt: skip
    assert [r.status for r in reports if isinstance(r, OrderReport)] == [OrderStatus.TRIGGERED, OrderStatus.FILLED]
    assert desk.order(answer).price == D("101")
    execution = next(r for r in reports if isinstance(r, ExecutionReport))
    assert (execution.exec_price, execution.stop_order_type) == (D("100.1"), StopOrderType.STOP)


@pytest.mark.parametrize(("by", "price"), [(TriggerBy.MARK, "98"), (TriggerBy.INDEX, "97.5"), (TriggerBy.LAST, "98")])
def test_each_kind_of_price_fires_its_own_triggers(by: TriggerBy, price: str) -> None:
    desk = Desk()
    desk.mark("100", index="100")
    answer = desk.stop(SELL, 2, "1", "98", by=by)
    if by is not TriggerBy.LAST:
        desk.print("90", "1", SELL)
    if by is not TriggerBy.MARK:
        desk.mark("90", index="100")
    if by is not TriggerBy.INDEX:
        desk.mark("100", index="90")
    assert desk.order(answer).status is OrderStatus.UNTRIGGERED
    if by is TriggerBy.LAST:
        desk.print(price, "1", SELL)
    elif by is TriggerBy.MARK:
        desk.mark(price, index="100")
    else:
        desk.mark("100", index=price)
    assert desk.order(answer).status is OrderStatus.FILLED


def test_a_fired_limit_order_rests() -> None:
    desk = Desk()
    answer = desk.stop(BUY, 1, "2", "99", price="98.5")
    desk.print("99", "1", SELL)
    order = desk.order(answer)
    assert (order.status, order.price) == (OrderStatus.NEW, D("98.5"))
    assert desk.wallet().order_im > 0


def test_a_trigger_on_the_wrong_side_is_refused() -> None:
    desk = Desk()
    assert refused(desk.stop(BUY, 1, "1", "100", direction=TriggerDirection.RISE)) == 110092
    assert refused(desk.stop(BUY, 1, "1", "100", direction=TriggerDirection.FALL)) == 110093
    order = NewOrder(
        symbol="ABCUSDT", side=BUY, order_type=OrderType.MARKET, qty=D(1), position_idx=1, trigger_price=D(101)
    )
    assert refused(desk.venue.submit("a", order, desk.tick())) == 10001


def test_ten_conditional_orders_a_symbol() -> None:
    desk = Desk()
    for n in range(10):
        accepted(desk.stop(BUY, 1, "1", f"10{1 + n % 5}"))
    assert refused(desk.stop(BUY, 1, "1", "102")) == 110009
    desk.symbol = "XYZUSDT"
    desk.mark("100")
    accepted(desk.stop(BUY, 1, "1", "102"))


def test_cancelling_one_that_waits_deactivates_it() -> None:
    desk = Desk()
    answer = desk.stop(BUY, 1, "1", "101")
    desk.cancel(answer)
    order = desk.order(answer)
    assert (order.status, order.cancel_type) == (OrderStatus.DEACTIVATED, CancelType.BY_USER)
    desk.print("105", "1", BUY)
    assert desk.order(answer).status is OrderStatus.DEACTIVATED
    assert refused(desk.cancel(answer)) == 110001


def test_cancel_all_takes_the_kinds_it_is_told() -> None:
    desk = Desk()
    limit, stop = desk.limit(BUY, 1, "1", "99"), desk.stop(BUY, 1, "1", "101")
    desk.market(BUY, 1, "1")
    assert desk.protect(1, stop_loss="95") is None
    cancel = desk.venue.cancel_all
    assert [a.order_id for a in cancel("a", "ABCUSDT", 1, OrderFilter.STOP)] == [accepted(stop)]
    assert [a.order_id for a in cancel("a", "ABCUSDT", 2, OrderFilter.ORDER)] == [accepted(limit)]
    assert len(cancel("a", "ABCUSDT", 3, OrderFilter.STOP_ORDER)) == 1
    assert desk.venue.orders_open("a") == []


def test_one_that_cannot_be_afforded_when_it_fires_is_cancelled() -> None:
    desk = Desk(balance="30")
    answer = desk.stop(BUY, 1, "5", "101")
    desk.print("101", "1", BUY)
    order = desk.order(answer)
    assert (order.status, order.reject_reason, order.cum_exec_qty) == (
        OrderStatus.CANCELLED,
        RejectReason.OTHERS,
        D(0),
    )
    assert statuses(desk) == [OrderStatus.UNTRIGGERED, OrderStatus.TRIGGERED, OrderStatus.CANCELLED]


def test_a_reduce_only_one_shrinks_to_the_position_or_ends() -> None:
    desk = Desk()
    flat = desk.stop(SELL, 1, "5", "99", reduce=True)
    desk.print("99", "1", SELL)
    assert (desk.order(flat).status, desk.order(flat).cancel_type) == (
        OrderStatus.CANCELLED,
        CancelType.BY_REDUCE_ONLY,
    )
    desk.print("100", "1", BUY)
    desk.market(BUY, 1, "2")
    answer = desk.stop(SELL, 1, "5", "99", reduce=True)
    desk.print("99", "1", SELL)
    assert (desk.order(answer).qty, desk.position(1).size) == (D(2), D(0))


def test_a_quantity_of_zero_closes_what_is_there_when_it_fires() -> None:
    desk = Desk()
    desk.market(BUY, 1, "2")
    answer = desk.stop(SELL, 1, "0", "99", reduce=True, close=True)
    desk.market(BUY, 1, "1")
    desk.print("99", "1", SELL)
    assert (desk.order(answer).cum_exec_qty, desk.position(1).size) == (D(3), D(0))


def test_trigger_price_and_quantity_may_be_amended_while_it_waits() -> None:
    desk = Desk()
    answer = desk.stop(BUY, 1, "1", "101")
    change = OrderChange(symbol="ABCUSDT", order_id=accepted(answer), trigger_price=D("102"), qty=D(3))
    accepted(desk.venue.amend("a", change, desk.tick()))
    assert refused(desk.venue.amend("a", change, desk.tick())) == 10001
    desk.print("101.5", "1", BUY)
    assert desk.order(answer).status is OrderStatus.UNTRIGGERED
    wrong = OrderChange(symbol="ABCUSDT", order_id=accepted(answer), trigger_price=D("101.5"))
    assert refused(desk.venue.amend("a", wrong, desk.tick())) == 110092
    desk.print("102", "1", BUY)
    assert desk.order(answer).cum_exec_qty == D(3)
    assert refused(desk.venue.amend("a", change, desk.tick())) == 110001


def test_an_ordinary_order_has_no_trigger_to_amend() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "1", "99")
    change = OrderChange(symbol="ABCUSDT", order_id=accepted(answer), trigger_price=D(105))
    assert refused(desk.venue.amend("a", change, desk.tick())) == 10001


def test_orders_fire_in_order_of_their_price_then_age() -> None:
    desk = Desk()
    far, near, twin = desk.stop(BUY, 1, "1", "103"), desk.stop(BUY, 1, "1", "102"), desk.stop(BUY, 1, "1", "102")
    desk.venue.drain()
    desk.print("104", "1", BUY)
    filled = [r.order_id for r in desk.drain(OrderReport) if r.status is OrderStatus.TRIGGERED]
    assert filled == [accepted(near), accepted(twin), accepted(far)]


def test_the_mode_cannot_be_switched_while_one_waits() -> None:
    desk = Desk()
    desk.stop(BUY, 1, "1", "101")
    assert refused(desk.venue.switch_mode("a", "ABCUSDT", False, desk.tick())) == 110028
