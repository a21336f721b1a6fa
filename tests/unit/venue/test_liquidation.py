"""Liquidation of an account, step by step, and auto-deleveraging."""

from dataclasses import replace
from decimal import Decimal as D

from hedgegrid.domain.order import ExecType
from hedgegrid.domain.risk import RiskTier
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.reports import (
    CancelType,
    CreateType,
    ExecutionReport,
    OrderReport,
    OrderStatus,
    PositionReport,
    PositionStatus,
    Report,
    WalletReport,
)
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, instrument, refused

TAKER = D("0.00055")
TIERS = (
    RiskTier(limit_value=D(1000), im_rate=D("0.02"), mm_rate=D("0.01"), mm_deduction=D(0), max_leverage=D(50)),
    RiskTier(limit_value=D(9000), im_rate=D("0.1"), mm_rate=D("0.05"), mm_deduction=D(40), max_leverage=D(10)),
)


def executions(reports: list[Report]) -> list[ExecutionReport]:
    return [r for r in reports if isinstance(r, ExecutionReport)]


def test_nothing_happens_above_the_maintenance_margin_and_all_at_it() -> None:
    desk = Desk(balance="60")
    desk.market(BUY, 1, "5")
    price = desk.position(1).liq_price
    assert price is not None
    desk.venue.drain()
    desk.mark(str(price))
    assert desk.venue.drain() == []
    desk.mark(str(price - D("0.1")))
    assert desk.position(1).size == 0


def test_a_single_position_is_taken_over_at_its_bankruptcy_price_and_the_wallet_keeps_what_remains() -> None:
    desk = Desk(balance="60")
    desk.market(BUY, 1, "5")
    wallet = desk.wallet().wallet_balance
    desk.venue.drain()
    desk.mark("88.5")
    reports = desk.venue.drain()
    [row] = executions(reports)
    assert (row.exec_type, row.create_type, row.side, row.exec_qty) == (
        ExecType.BUST_TRADE,
        CreateType.BY_TAKE_OVER,
        SELL,
        D(5),
    )
    assert row.exec_fee == row.exec_value * TAKER
    # One tick lower would have cost more than there was.
    remains = wallet + row.exec_pnl - row.exec_fee
    assert desk.wallet().wallet_balance == remains
    assert 0 <= remains < D("0.1") * 5
    order = desk.venue.order_by_id("a", row.order_id)
    assert order is not None
    assert (order.status, order.price, order.reduce_only) == (OrderStatus.FILLED, row.exec_price, True)
    states = [r.status for r in reports if isinstance(r, PositionReport)]
    assert states == [PositionStatus.LIQ, PositionStatus.NORMAL]
    assert isinstance(reports[-1], WalletReport)


def test_a_short_is_taken_over_too() -> None:
    desk = Desk(balance="60")
    desk.market(SELL, 2, "5")
    desk.mark("115")
    assert desk.position(2).size == 0
    assert 0 <= desk.wallet().wallet_balance < D("0.5")


def test_a_gap_beyond_bankruptcy_costs_no_more_than_there_was() -> None:
    desk = Desk(balance="60")
    desk.market(BUY, 1, "5")
    desk.venue.drain()
    desk.mark("50")
    [row] = executions(desk.venue.drain())
    assert row.exec_price > 50
    assert 0 <= desk.wallet().wallet_balance < D("0.5")


def test_orders_go_first_those_that_hold_margin_as_prepare_liq() -> None:
    desk = Desk(balance="80")
    desk.market(BUY, 1, "5")
    entry = desk.limit(BUY, 1, "1", "80")
    take = desk.limit(SELL, 1, "5", "120", reduce=True)
    stop = desk.stop(SELL, 1, "5", "70", reduce=True)
    other = desk.stop(BUY, 1, "1", "130")
    desk.venue.drain()
    desk.mark("80")
    reports = desk.venue.drain()
    assert [(desk.order(o).status, desk.order(o).cancel_type) for o in (entry, take, stop, other)] == [
        (OrderStatus.CANCELLED, CancelType.BY_PREPARE_LIQ),
        (OrderStatus.CANCELLED, CancelType.ALL_BEFORE_LIQ),
        (OrderStatus.DEACTIVATED, CancelType.ALL_BEFORE_LIQ),
        (OrderStatus.DEACTIVATED, CancelType.ALL_BEFORE_LIQ),
    ]
    kinds = [r.create_type for r in reports if isinstance(r, OrderReport)]
    assert kinds[-1] is CreateType.BY_TAKE_OVER


def laddered(balance: str) -> Desk:
    desk = Desk()
    desk.venue = Venue([replace(instrument(), risk_tiers=TIERS)])
    desk.venue.open_account("a", D(balance), hedge_mode=True)
    desk.mark("100")
    desk.quote("99.9", "100", "100.1", "100")
    desk.market(BUY, 1, "40")
    desk.quote("94.9", "100", "95.1", "100")
    desk.venue.drain()
    return desk


def test_a_large_position_is_first_reduced_at_market_to_the_lower_tier() -> None:
    desk = laddered("450")
    desk.mark("92")
    reports = desk.venue.drain()
    assert {(r.exec_type, r.create_type) for r in executions(reports)} == {(ExecType.TRADE, CreateType.BY_LIQ)}
    kept = desk.position(1).size
    assert kept == D("10.86")
    assert kept * 92 <= 1000 < (kept + D("0.01")) * 92
    assert desk.position(1).status is PositionStatus.NORMAL
    assert desk.wallet().margin_balance > desk.wallet().maintenance_margin > 0
    states = [r.status for r in reports if isinstance(r, PositionReport)]
    assert (states[0], states[-1]) == (PositionStatus.LIQ, PositionStatus.NORMAL)


def test_without_liquidity_it_is_taken_over_whole() -> None:
    desk = laddered("450")
    desk.quote("0", "0", "0", "0")
    desk.mark("92")
    reports = desk.venue.drain()
    assert [r.exec_type for r in executions(reports)] == [ExecType.BUST_TRADE]
    assert desk.position(1).size == 0
    tried = [r.status for r in reports if isinstance(r, OrderReport)]
    assert tried == [OrderStatus.CANCELLED, OrderStatus.FILLED]


def test_every_position_of_the_account_is_in_it() -> None:
    desk = Desk(balance="120")
    desk.market(BUY, 1, "5")
    desk.symbol = "XYZUSDT"
    desk.mark("100")
    desk.quote("99.9", "10", "100.1", "10")
    desk.market(SELL, 2, "5")
    desk.venue.drain()
    desk.mark("122.5")
    rows = executions(desk.venue.drain())
    assert [(r.symbol, r.exec_type) for r in rows] == [
        ("XYZUSDT", ExecType.BUST_TRADE),
        ("ABCUSDT", ExecType.BUST_TRADE),
    ]
    assert 0 <= desk.wallet().wallet_balance < 1


def test_funding_can_liquidate() -> None:
    desk = Desk(balance="60")
    desk.market(BUY, 1, "5")
    desk.venue.drain()
    desk.funding("0.11")
    assert [r.exec_type for r in executions(desk.venue.drain())] == [ExecType.FUNDING, ExecType.BUST_TRADE]


def test_without_a_mark_the_last_price_decides() -> None:
    desk = Desk(balance="60")
    desk.venue = Venue([instrument()])
    desk.venue.open_account("a", D(60), hedge_mode=True)
    desk.quote("99.9", "10", "100.1", "10")
    desk.market(BUY, 1, "5")
    desk.print("80", "1", SELL)
    assert desk.position(1).size == 0


def test_a_forced_liquidation_costs_the_maintenance_margin() -> None:
    desk = Desk()
    desk.market(BUY, 1, "5")
    resting = desk.limit(BUY, 1, "1", "95")
    before, margin = desk.wallet().margin_balance, desk.wallet().maintenance_margin
    desk.venue.drain()
    accepted(desk.venue.force_liquidation("a", "ABCUSDT", 1, desk.tick()))
    assert desk.order(resting).cancel_type is CancelType.BY_PREPARE_LIQ
    assert desk.position(1).size == 0
    cost = before - desk.wallet().wallet_balance
    assert margin - D("0.5") < cost <= margin
    assert refused(desk.venue.force_liquidation("a", "ABCUSDT", 1, desk.tick())) == 10001


def test_adl_closes_a_part_at_its_price_for_the_maker_fee() -> None:
    desk = Desk()
    desk.market(BUY, 1, "5")
    resting = desk.limit(BUY, 1, "1", "95")
    waiting = desk.stop(SELL, 1, "5", "90", reduce=True)
    desk.venue.drain()
    accepted(desk.venue.force_adl("a", "ABCUSDT", 1, D(2), desk.tick(), D(104)))
    reports = desk.venue.drain()
    [row] = executions(reports)
    assert (row.exec_type, row.create_type, row.exec_qty, row.exec_price) == (
        ExecType.ADL_TRADE,
        CreateType.BY_ADL,
        D(2),
        D(104),
    )
    assert row.exec_fee == D(208) * D("0.0002")
    assert desk.order(resting).cancel_type is CancelType.ALL_BEFORE_ADL
    assert desk.order(waiting).status is OrderStatus.UNTRIGGERED
    states = [r.status for r in reports if isinstance(r, PositionReport)]
    assert (states[1], states[-1]) == (PositionStatus.ADL, PositionStatus.NORMAL)
    assert refused(desk.venue.force_adl("a", "ABCUSDT", 1, D("NaN"), desk.tick())) == 10001
    assert refused(desk.venue.force_adl("a", "ABCUSDT", 1, None, desk.tick(), D(0))) == 110003
    accepted(desk.venue.force_adl("a", "ABCUSDT", 1, None, desk.tick()))
    assert desk.position(1).size == 0
    assert refused(desk.venue.force_adl("a", "ABCUSDT", 1, None, desk.tick())) == 10001
