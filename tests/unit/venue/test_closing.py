"""Reduce-only orders, and the legs they may shrink."""

from decimal import Decimal as D

import pytest

from hedgegrid.venue.reports import CancelType, OrderReport, OrderStatus
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, refused


@pytest.mark.parametrize(("hedge", "idx"), [(True, 1), (False, 0)])
def test_reduce_only_without_a_position_is_refused(hedge: bool, idx: int) -> None:
    assert refused(Desk(hedge=hedge).limit(SELL, idx, "1", "101", reduce=True)) == 110017


def test_reduce_only_on_the_opening_side_is_refused() -> None:
    desk = Desk()
    desk.market(BUY, 1, "1")
    assert refused(desk.limit(BUY, 1, "1", "99", reduce=True)) == 110017
    desk = Desk(hedge=False)
    desk.market(BUY, 0, "1")
    assert refused(desk.limit(BUY, 0, "1", "99", reduce=True)) == 110017


def test_reduce_only_beyond_the_position_is_cut_to_it() -> None:
    desk = Desk()
    desk.market(BUY, 1, "1")
    assert desk.order(desk.limit(SELL, 1, "900000", "101", reduce=True)).qty == 1


def test_the_closing_side_of_a_hedge_leg_closes_even_without_the_flag() -> None:
    desk = Desk()
    assert refused(desk.limit(SELL, 1, "1", "101")) == 110017
    desk.market(BUY, 1, "1")
    order = desk.order(desk.limit(SELL, 1, "2", "101"))
    assert (order.qty, order.reduce_only) == (D(1), False)


def test_closing_orders_shrink_and_end_with_their_position() -> None:
    desk = Desk()
    desk.market(BUY, 1, "10")
    first, second = desk.limit(SELL, 1, "10", "101", reduce=True), desk.limit(SELL, 1, "8", "102", reduce=True)
    desk.market(SELL, 1, "4", reduce=True)
    assert (desk.order(first).qty, desk.order(second).qty) == (D(6), D(6))
    desk.print("101.1", "1", BUY)
    assert (desk.order(first).leaves_qty, desk.order(second).leaves_qty) == (D(5), D(5))
    desk.venue.drain()
    desk.print("101.5", "50", BUY)
    assert desk.order(first).status is OrderStatus.FILLED
    order = desk.order(second)
    assert (order.status, order.cancel_type, order.cum_exec_qty) == (
        OrderStatus.CANCELLED,
        CancelType.BY_REDUCE_ONLY,
        D(0),
    )
    ends = [r for r in desk.drain(OrderReport) if not r.status.is_open]
    assert [r.order_id for r in ends] == [accepted(first), accepted(second)]
    assert desk.position(1).size == 0


def test_a_print_that_flattens_the_leg_gives_nothing_to_its_other_closing_orders() -> None:
    desk = Desk()
    desk.market(BUY, 1, "10")
    desk.limit(SELL, 1, "10", "101", reduce=True)
    desk.limit(SELL, 1, "10", "101", reduce=True)
    desk.print("105", "100", BUY)
    assert desk.position(1).size == 0
    assert desk.venue.orders_open("a") == []


def test_the_other_leg_is_untouched() -> None:
    desk = Desk()
    desk.market(BUY, 1, "10")
    desk.market(SELL, 2, "10")
    short_tp = desk.limit(BUY, 2, "10", "98", reduce=True)
    desk.market(SELL, 1, "10", reduce=True)
    assert desk.order(short_tp).qty == 10


def test_qty_zero_with_close_on_trigger_closes_everything() -> None:
    desk = Desk()
    desk.market(BUY, 1, "3")
    assert refused(desk.market(SELL, 1, "0", reduce=True)) == 10001
    assert desk.order(desk.market(SELL, 1, "0", reduce=True, close=True)).cum_exec_qty == 3


def test_the_minimum_notional_holds_for_closing_orders_unless_told_otherwise() -> None:
    for strict, code in ((True, 110094), (False, None)):
        desk = Desk(require_min_notional_on_reduce=strict)
        desk.limit(BUY, 1, "5", "100")
        desk.print("99.9", "0.04", SELL)
        answer = desk.limit(SELL, 1, "0.04", "101", reduce=True)
        assert refused(answer) == code if code else accepted(answer)


def test_amending_a_closing_order_stays_within_the_position() -> None:
    desk = Desk()
    desk.market(BUY, 1, "10")
    answer = desk.limit(SELL, 1, "5", "101", reduce=True)
    desk.print("101.1", "1", BUY)
    accepted(desk.amend(answer, qty="500"))
    assert (desk.order(answer).qty, desk.order(answer).leaves_qty) == (D(10), D(9))


def test_one_way_positions_net_and_turn() -> None:
    desk = Desk(hedge=False)
    desk.market(BUY, 0, "4")
    tp = desk.limit(SELL, 0, "4", "105", reduce=True)
    desk.market(SELL, 0, "10")
    position = desk.position(0)
    assert (position.side, position.size, position.entry_price) == (SELL, D(6), D("99.9"))
    execution = desk.executions()[-1]
    assert (execution.closed_size, execution.exec_pnl) == (D(4), D("-0.8"))
    assert desk.order(tp).cancel_type is CancelType.BY_REDUCE_ONLY


def test_one_way_needs_margin_only_for_what_it_adds() -> None:
    desk = Desk(hedge=False, balance="103")
    desk.market(BUY, 0, "10")
    accepted(desk.limit(SELL, 0, "10", "101"))
    assert refused(desk.limit(SELL, 0, "11", "101")) == 110007
