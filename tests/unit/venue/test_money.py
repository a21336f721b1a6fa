"""Fees, realised results, funding, wallet and margin, to the last digit."""

from decimal import Decimal as D

from hedgegrid.domain.order import ExecType, OrderType
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.reports import ExecutionReport, OrderReport, PositionReport, WalletReport
from hedgegrid.venue.requests import MarketQuote, MarketTrade, MarkPrice, NewOrder
from tests.unit.venue.desk import BUY, SELL, Desk, instrument


def test_the_opening_fee_is_realised_at_the_open() -> None:
    """A fresh short worth 112.2495 shows cumRealisedPnl -0.06173723 (ccxt#18712): 0.055 % of it."""
    desk = Desk()
    desk.quote("74.8", "10", "74.9", "10")
    desk.mark("74.8")
    desk.market(SELL, 2, "1.5")
    position = desk.position(2)
    assert position.cum_realised_pnl == -D("112.2") * D("0.00055")
    assert position.cur_realised_pnl == position.cum_realised_pnl
    assert desk.wallet().wallet_balance == D(100000) + position.cum_realised_pnl


def test_fees_are_rounded_to_eight_decimals_half_even() -> None:
    venue = Venue([instrument()], maker_fee=D("0.000000105"))
    venue.open_account("a", D(1000))
    for price in (D(99), D(97)):
        venue.submit("a", NewOrder(symbol="ABCUSDT", side=BUY, order_type=OrderType.LIMIT, qty=D(1), price=price), 1)
    venue.on_trade(MarketTrade(symbol="ABCUSDT", price=D(90), qty=D(2), taker_side=SELL, ts_ms=2))
    # 0.000010395 and 0.000010185: both halves go to the even digit.
    assert [e.exec_fee for e in venue.executions("a")] == [D("0.00001018"), D("0.00001040")]


def test_a_round_trip_in_parts_adds_up() -> None:
    desk = Desk()
    desk.market(BUY, 1, "3")
    tp = desk.limit(SELL, 1, "3", "101", reduce=True)
    desk.print("101.1", "1", BUY)
    desk.print("101.1", "1.5", BUY)
    desk.print("101.1", "9", BUY)
    executions = desk.executions()
    gross = sum(e.exec_pnl for e in executions)
    fees = sum(e.exec_fee for e in executions)
    assert gross == D("2.7")
    position, order = desk.position(1), desk.order(tp)
    assert position.cum_realised_pnl == gross - fees
    assert order.closed_pnl == gross - fees
    assert order.closed_exit_value - order.closed_entry_value == gross
    assert order.closed_open_fee + order.closed_close_fee == fees
    assert (order.closed_size, order.fill_count) == (D(3), 3)
    assert desk.wallet().wallet_balance == D(100000) + gross - fees


def test_a_closed_position_row_is_empty_but_keeps_its_results() -> None:
    desk = Desk()
    desk.market(BUY, 1, "3")
    desk.market(SELL, 1, "3", reduce=True)
    position = desk.position(1)
    assert position.side is None
    assert position.liq_price is None
    assert not position.size + position.entry_price + position.position_value
    assert not position.unrealised_pnl + position.position_im + position.position_mm
    assert position.cum_realised_pnl < 0
    before = position.cum_realised_pnl
    assert position.cur_realised_pnl == before
    desk.limit(BUY, 1, "3", "99")
    desk.print("98", "3", SELL)
    position = desk.position(1)
    assert position.cur_realised_pnl == -D(297) * D("0.0002")
    assert position.cum_realised_pnl == before + position.cur_realised_pnl


def test_funding_is_paid_by_longs_and_received_by_shorts_when_positive() -> None:
    desk = Desk()
    desk.market(BUY, 1, "2")
    desk.market(SELL, 2, "1")
    before = desk.wallet().wallet_balance
    desk.venue.drain()
    desk.funding("0.0001")
    reports = desk.venue.drain()
    assert [type(r) for r in reports] == [ExecutionReport, PositionReport, WalletReport] * 2
    paid, received = (r for r in reports if isinstance(r, ExecutionReport))
    assert (paid.exec_type, paid.side, paid.exec_fee, paid.exec_qty) == (ExecType.FUNDING, BUY, D("0.02"), D(2))
    assert (received.side, received.exec_fee) == (SELL, D("-0.01"))
    assert paid.exec_fee == paid.exec_value * paid.fee_rate
    assert received.exec_fee == received.exec_value * received.fee_rate
    assert desk.wallet().wallet_balance == before - D("0.01")
    assert desk.position(1).cum_realised_pnl == D("-0.02") - D("0.11011")


def test_order_closed_pnl_leaves_funding_out() -> None:
    desk = Desk()
    desk.market(BUY, 1, "2")
    desk.funding("0.01")
    answer = desk.market(SELL, 1, "2", reduce=True)
    order = desk.order(answer)
    assert order.closed_pnl == D("-0.4") - D("0.11011") - D("0.10989")
    assert desk.position(1).cum_realised_pnl == order.closed_pnl - D(2)


def test_the_wallet_is_silent_on_unrealised_results() -> None:
    desk = Desk()
    desk.market(BUY, 1, "2")
    desk.venue.drain()
    desk.mark("90")
    desk.limit(BUY, 1, "1", "89")
    assert desk.drain(WalletReport) == []
    assert desk.wallet().unrealised_pnl == D("-20.2")


def test_position_margin_as_captured() -> None:
    """BTCPERP 0.001 at 66473.5, mark 66472.02, 10×, fee 0.1 %, MM rate 0.4 %: IM 6.70702815, MM 0.32571423."""
    rules = instrument(qty_step=D("0.001"), min_qty=D("0.001"), max_leverage=D(125))
    venue = Venue([rules], taker_fee=D("0.001"))
    venue.open_account("a", D(1000))
    venue.on_mark(MarkPrice(symbol="ABCUSDT", mark_px=D("66472.02"), ts_ms=1))
    quote = MarketQuote(symbol="ABCUSDT", bid_px=D("66473.4"), bid_qty=D(1), ask_px=D("66473.5"), ask_qty=D(1), ts_ms=1)
    venue.on_quote(quote)
    venue.submit("a", NewOrder(symbol="ABCUSDT", side=BUY, order_type=OrderType.MARKET, qty=D("0.001")), 2)
    row = venue.position("a", "ABCUSDT", 0)
    assert (row.position_im, row.position_mm) == (D("6.70702815"), D("0.32571423"))
    assert row.unrealised_pnl == D("-0.00148")
    assert row.cum_realised_pnl == D("-0.0664735")
    assert row.break_even_price == D("66606.58008008")


def test_account_rates_are_truncated_to_four_decimals() -> None:
    desk = Desk(balance="1000")
    desk.market(BUY, 1, "2")
    wallet = desk.wallet()
    assert wallet.equity == wallet.wallet_balance + wallet.unrealised_pnl
    assert wallet.available_balance == wallet.margin_balance - wallet.initial_margin
    assert wallet.account_im_rate == D("0.0201")
    assert wallet.account_mm_rate == D("0.0020")
    exact = wallet.initial_margin / wallet.margin_balance
    assert 0 <= exact - wallet.account_im_rate < D("0.0001")


def test_the_liquidation_price_is_where_balance_meets_maintenance_margin() -> None:
    desk = Desk(balance="60")
    desk.market(BUY, 1, "5")
    price = desk.position(1).liq_price
    assert price is not None
    desk.mark(str(price))
    wallet = desk.wallet()
    assert abs(wallet.margin_balance - wallet.maintenance_margin) < D("0.5")
    desk.market(SELL, 2, "0.06")
    assert desk.position(2).liq_price is None


def test_order_rows_carry_the_closing_result_only_when_closing() -> None:
    desk = Desk()
    desk.market(BUY, 1, "1")
    assert [r.closed_pnl for r in desk.drain(OrderReport)] == [0]
