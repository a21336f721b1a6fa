"""Resting orders and the prints and quotes that fill them."""

from decimal import Decimal as D

from hedgegrid.venue.reports import ExecutionReport, OrderReport, OrderStatus, PositionReport, WalletReport
from tests.unit.venue.desk import BUY, SELL, Desk, accepted


def test_a_print_through_the_price_fills_at_the_limit_as_maker() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.venue.drain()
    desk.print("98.5", "7", SELL)
    reports = desk.venue.drain()
    assert [type(r) for r in reports] == [OrderReport, ExecutionReport, PositionReport, WalletReport]
    execution = reports[1]
    assert isinstance(execution, ExecutionReport)
    assert (execution.exec_price, execution.exec_qty, execution.is_maker) == (D(99), D(5), True)
    assert execution.exec_fee == D(495) * D("0.0002")
    assert desk.order(answer).status is OrderStatus.FILLED


def test_a_print_on_the_passive_side_of_the_order_leaves_it_alone() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.print("99.1", "100", SELL)
    desk.print("99", "100", BUY)
    assert desk.order(answer).status is OrderStatus.NEW


def test_joining_the_best_quote_waits_behind_what_is_displayed() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99.9")
    desk.print("99.9", "8", SELL)
    assert desk.order(answer).cum_exec_qty == 0
    desk.print("99.9", "4", SELL)
    assert (desk.order(answer).cum_exec_qty, desk.order(answer).status) == (D(2), OrderStatus.PARTIALLY_FILLED)
    desk.print("99.9", "10", SELL)
    assert desk.order(answer).status is OrderStatus.FILLED


def test_inside_the_spread_an_order_is_first() -> None:
    desk = Desk()
    inside = desk.limit(BUY, 1, "5", "100")
    desk.print("100", "3", SELL)
    assert desk.order(inside).cum_exec_qty == 3


def test_behind_the_best_quote_a_level_is_taken_to_hold_as_much_as_the_best() -> None:
    desk = Desk()
    behind = desk.limit(BUY, 1, "5", "99")
    desk.print("99", "10", SELL)
    assert desk.order(behind).status is OrderStatus.NEW
    desk.print("99", "2", SELL)
    assert desk.order(behind).cum_exec_qty == 2
    desk.print("98.9", "9", SELL)
    assert desk.order(behind).status is OrderStatus.FILLED


def test_without_a_quote_no_queue_is_known() -> None:
    desk = Desk()
    desk.quote("0", "0", "0", "0")
    answer = desk.limit(BUY, 1, "5", "99")
    desk.print("99", "3", SELL)
    assert desk.order(answer).cum_exec_qty == 3


def test_volume_is_shared_in_price_time_priority() -> None:
    desk = Desk()
    late_better = [desk.limit(BUY, 1, "2", "98"), desk.limit(BUY, 1, "2", "98"), desk.limit(BUY, 1, "2", "98.5")]
    desk.print("97", "5", SELL)
    assert [desk.order(o).cum_exec_qty for o in late_better] == [D(2), D(1), D(2)]


def test_one_queue_ahead_counts_once_for_orders_of_one_level() -> None:
    desk = Desk()
    first, second = desk.limit(BUY, 1, "2", "99.9"), desk.limit(BUY, 1, "2", "99.9")
    desk.print("99.9", "12", SELL)
    assert desk.order(first).status is OrderStatus.FILLED
    desk.print("99.9", "2", SELL)
    assert desk.order(second).status is OrderStatus.FILLED


def test_a_later_order_waits_for_the_queue_it_met_not_for_what_traded_before() -> None:
    desk = Desk()
    first = desk.limit(BUY, 1, "2", "99.9")
    desk.print("99.9", "8", SELL)
    second = desk.limit(BUY, 1, "2", "99.9")
    desk.print("99.9", "4", SELL)
    assert desk.order(first).status is OrderStatus.FILLED
    desk.print("99.9", "8", SELL)
    assert desk.order(second).cum_exec_qty == 0
    desk.print("99.9", "2", SELL)
    assert desk.order(second).status is OrderStatus.FILLED


def test_part_fills_are_whole_lots() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.print("98", "1.239", SELL)
    assert desk.order(answer).cum_exec_qty == D("1.23")


def test_volume_is_shared_between_accounts_never_doubled() -> None:
    desk = Desk()
    desk.venue.open_account("b", D(10000), hedge_mode=True)
    mine, theirs = desk.limit(BUY, 1, "4", "99"), desk.limit(BUY, 1, "4", "99", account="b")
    desk.print("98", "5", SELL)
    assert desk.order(mine).cum_exec_qty == 4
    other = desk.venue.order_by_id("b", accepted(theirs))
    assert other is not None
    assert other.cum_exec_qty == 1


def test_legs_of_one_account_never_match_each_other() -> None:
    desk = Desk()
    desk.market(BUY, 1, "1")
    desk.market(SELL, 2, "1")
    desk.quote("99", "10", "101", "10")
    long_tp = desk.limit(SELL, 1, "1", "100", reduce=True)
    short_tp = desk.limit(BUY, 2, "1", "100", reduce=True)
    assert desk.order(long_tp).status is OrderStatus.NEW
    assert desk.order(short_tp).status is OrderStatus.NEW
    desk.print("100", "1", BUY)
    assert desk.order(long_tp).status is OrderStatus.FILLED
    assert desk.order(short_tp).status is OrderStatus.NEW


def test_a_quote_through_the_order_fills_up_to_its_size_once() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.quote("98", "1", "98.9", "3")
    desk.quote("98", "1", "98.9", "3")
    assert desk.order(answer).cum_exec_qty == 3
    assert desk.executions()[-1].exec_price == D(99)
    desk.quote("98", "1", "98.8", "3")
    assert desk.order(answer).status is OrderStatus.FILLED


def test_a_quote_at_the_order_s_price_counts_as_through() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "5", "99")
    desk.quote("98", "1", "99", "3")
    assert desk.order(answer).cum_exec_qty == 3


def test_a_quote_through_a_resting_sell() -> None:
    desk = Desk()
    answer = desk.limit(SELL, 2, "5", "101")
    desk.quote("101", "9", "101.2", "1")
    assert desk.order(answer).status is OrderStatus.FILLED


def test_what_a_resting_order_took_from_the_quote_is_gone_for_takers() -> None:
    desk = Desk()
    desk.limit(BUY, 1, "3", "99")
    desk.quote("98", "1", "98.9", "3")
    desk.venue.drain()
    desk.market(BUY, 1, "1")
    assert desk.executions()[0].exec_price == D(99)
