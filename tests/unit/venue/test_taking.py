"""Orders that meet displayed liquidity when they arrive."""

from decimal import Decimal as D

import pytest

from hedgegrid.domain.order import OrderType, TimeInForce
from hedgegrid.venue.reports import (
    CancelType,
    ExecutionReport,
    OrderReport,
    OrderStatus,
    PositionReport,
    RejectReason,
    WalletReport,
)
from tests.unit.venue.desk import BUY, SELL, Desk


def fills(desk: Desk) -> list[tuple[D, D]]:
    return [(e.exec_price, e.exec_qty) for e in desk.executions()]


def test_a_market_order_takes_the_quote_then_levels_one_tick_apart() -> None:
    desk = Desk()
    desk.market(BUY, 1, "25")
    assert fills(desk) == [(D("100.1"), D(10)), (D("100.2"), D(10)), (D("100.3"), D(5))]


def test_a_market_sell_walks_down() -> None:
    desk = Desk()
    desk.market(SELL, 2, "12")
    assert fills(desk) == [(D("99.9"), D(10)), (D("99.8"), D(2))]


def test_one_command_reports_order_executions_position_wallet_once_under_one_seq() -> None:
    desk = Desk()
    answer = desk.market(BUY, 1, "12")
    reports = desk.venue.drain()
    assert [type(r) for r in reports] == [OrderReport, ExecutionReport, ExecutionReport, PositionReport, WalletReport]
    assert {r.seq for r in reports if not isinstance(r, WalletReport)} == {desk.order(answer).seq}
    order = desk.order(answer)
    assert (order.status, order.order_type, order.time_in_force) == (
        OrderStatus.FILLED,
        OrderType.MARKET,
        TimeInForce.IOC,
    )
    assert order.cum_exec_value == D("1201.4")
    assert order.cum_exec_fee == D("1201.4") * D("0.00055")
    assert order.avg_price == D("100.11666667")
    assert order.price == D("101")


def test_taken_liquidity_is_gone_until_the_quote_changes() -> None:
    desk = Desk()
    desk.market(BUY, 1, "10")
    desk.market(BUY, 1, "4")
    desk.quote("99.9", "10", "100.1", "10")
    desk.market(BUY, 1, "10")
    desk.quote("99.9", "10", "100.1", "11")
    desk.market(BUY, 1, "1")
    assert fills(desk) == [
        (D("100.1"), D(10)),
        (D("100.2"), D(4)),
        (D("100.2"), D(6)),
        (D("100.3"), D(4)),
        (D("100.1"), D(1)),
    ]


def test_behind_a_partly_taken_level_the_next_ones_are_whole() -> None:
    desk = Desk()
    desk.market(BUY, 1, "4")
    desk.market(BUY, 1, "20")
    assert fills(desk)[1:] == [(D("100.1"), D(6)), (D("100.2"), D(10)), (D("100.3"), D(4))]


def test_a_market_order_stops_at_the_price_band() -> None:
    desk = Desk()
    answer = desk.market(BUY, 1, "110")
    order = desk.order(answer)
    assert order.status is OrderStatus.CANCELLED
    assert order.reject_reason is RejectReason.NO_IMMEDIATE_QTY
    assert (order.cum_exec_qty, order.leaves_qty) == (D(100), D(0))
    assert max(price for price, _ in fills(desk)) == D("101")


def test_a_market_order_without_any_quote_is_cancelled() -> None:
    desk = Desk()
    desk.quote("0", "0", "0", "0")
    order = desk.order(desk.market(BUY, 1, "1"))
    assert (order.status, order.cum_exec_qty) == (OrderStatus.CANCELLED, D(0))


def test_a_marketable_limit_takes_up_to_its_price_and_rests() -> None:
    desk = Desk()
    answer = desk.limit(BUY, 1, "30", "100.2")
    assert fills(desk) == [(D("100.1"), D(10)), (D("100.2"), D(10))]
    order = desk.order(answer)
    assert (order.status, order.leaves_qty) == (OrderStatus.PARTIALLY_FILLED, D(10))
    desk.quote("99.9", "10", "100.1", "10")
    assert desk.order(answer).leaves_qty == D(10)


def test_ioc_cancels_the_rest_and_keeps_its_fills() -> None:
    desk = Desk()
    order = desk.order(desk.limit(BUY, 1, "12", "100.1", tif=TimeInForce.IOC))
    assert (order.status, order.cum_exec_qty, order.qty) == (OrderStatus.CANCELLED, D(10), D(12))
    assert order.cancel_type is CancelType.UNKNOWN


def test_ioc_that_meets_nothing_is_cancelled_at_once() -> None:
    desk = Desk()
    order = desk.order(desk.limit(BUY, 1, "1", "100", tif=TimeInForce.IOC))
    assert (order.status, order.reject_reason) == (OrderStatus.CANCELLED, RejectReason.NO_IMMEDIATE_QTY)


@pytest.mark.parametrize(("qty", "filled"), [("20", D(20)), ("20.01", D(0))])
def test_fok_fills_whole_or_not_at_all(qty: str, filled: D) -> None:
    desk = Desk()
    order = desk.order(desk.limit(BUY, 1, qty, "100.2", tif=TimeInForce.FOK))
    assert order.cum_exec_qty == filled
    assert order.status is (OrderStatus.FILLED if filled else OrderStatus.CANCELLED)
    desk.market(BUY, 1, "1")
    assert fills(desk)[-1][0] == (D("100.3") if filled else D("100.1"))


def test_post_only_that_would_take_is_accepted_then_cancelled() -> None:
    desk = Desk()
    order = desk.order(desk.limit(BUY, 1, "1", "100.1", tif=TimeInForce.POST_ONLY))
    assert (order.status, order.reject_reason, order.cum_exec_qty) == (
        OrderStatus.CANCELLED,
        RejectReason.POST_ONLY_WILL_TAKE,
        D(0),
    )
    assert [r.status for r in desk.drain(OrderReport)] == [OrderStatus.CANCELLED]
    assert desk.wallet().order_im == 0


def test_post_only_on_the_passive_side_rests() -> None:
    desk = Desk()
    assert desk.order(desk.limit(BUY, 1, "1", "100", tif=TimeInForce.POST_ONLY)).status is OrderStatus.NEW


def test_a_limit_price_outside_the_band_is_moved_to_its_edge() -> None:
    desk = Desk()
    assert desk.order(desk.limit(BUY, 1, "1", "150")).price == D("101")
    assert desk.order(desk.limit(SELL, 2, "1", "50")).price == D("99")
    assert desk.order(desk.limit(BUY, 1, "1", "50")).price == D("50")


def test_the_band_follows_the_index_up_to_y() -> None:
    desk = Desk()
    desk.mark("100", index="101.5")
    ticker = desk.venue.ticker("ABCUSDT")
    assert (ticker.price_limit_buy, ticker.price_limit_sell) == (D("101.5"), D("99"))
    desk.mark("100", index="150")
    assert desk.venue.ticker("ABCUSDT").price_limit_buy == D("102")


def test_a_print_takes_what_the_quote_displays_but_no_more_than_its_best_level() -> None:
    desk = Desk()
    desk.print("100.1", "4", BUY)
    desk.print("100", "50", BUY)
    desk.market(BUY, 1, "8")
    assert fills(desk) == [(D("100.1"), D(6)), (D("100.2"), D(2))]
    desk.quote("99.9", "10", "100.1", "11")
    desk.print("100.5", "500", BUY)
    desk.market(BUY, 1, "8")
    assert fills(desk) == [(D("100.2"), D(8))]


def test_the_band_widens_with_the_premium_of_the_last_30_seconds() -> None:
    desk = Desk()

    def band() -> tuple[D | None, D | None]:
        ticker = desk.venue.ticker("ABCUSDT")
        return ticker.price_limit_buy, ticker.price_limit_sell

    assert band() == (D(101), D(99))
    desk.now_ms += 1000
    desk.quote("100.9", "1", "101.1", "1")
    assert band() == (D("101.5"), D(99))
    desk.quote("109.9", "1", "110.1", "1")
    assert band() == (D("101.5"), D(99))
    desk.now_ms += 30_000
    desk.quote("98.9", "1", "99.1", "1")
    assert band() == (D(101), D(98))
    assert desk.order(desk.limit(BUY, 1, "1", "150")).price == D(101)
