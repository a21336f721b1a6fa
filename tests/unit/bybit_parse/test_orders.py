"""Order and execution rows → events: status, leg, money, and what to do with gaps and nonsense."""

from decimal import Decimal

import pytest

from hedgegrid.bybit import parse
from hedgegrid.domain.order import ExecType, Leg, Side
from hedgegrid.messages.events import (
    FundingPaid,
    OrderAccepted,
    OrderCanceled,
    OrderCompleted,
    OrderFilled,
    OrderRejected,
)
from tests.unit.bybit_parse.rows import execution, order, without


@pytest.mark.parametrize("status", ["New", "PartiallyFilled", "Untriggered"])
def test_order_on_the_book_is_accepted(status: str) -> None:
    assert parse.order_event(order(orderStatus=status, cumExecQty="0.004"), 9) == OrderAccepted(
        symbol="BTCUSDT",
        client_order_id="link-1",
        ts_event=1001,
        leg=Leg.LONG,
        venue_order_id="o-1",
        side=Side.BUY,
        qty=Decimal("0.010"),
        price=Decimal("100.50"),
        cum_qty=Decimal("0.004"),
        reduce_only=False,
        ts_init=9,
    )


def test_filled_order_is_completed() -> None:
    event = parse.order_event(order(orderStatus="Filled", cumExecQty="0.01", avgPrice="100.2"), 9)
    assert isinstance(event, OrderCompleted)
    assert (event.cum_qty, event.avg_px) == (Decimal("0.01"), Decimal("100.2"))


def test_missing_average_price_comes_from_the_value() -> None:
    row = order(orderStatus="Filled", cumExecQty="0.02", avgPrice="", cumExecValue="2.01")
    event = parse.order_event(row, 9)
    assert isinstance(event, OrderCompleted)
    assert event.avg_px == Decimal("100.5")


@pytest.mark.parametrize(
    ("cancel", "reject", "reason"),
    [
        ("CancelByUser", "EC_NoError", "CancelByUser"),
        ("UNKNOWN", "EC_PostOnlyWillTakeLiquidity", "EC_PostOnlyWillTakeLiquidity"),
        ("CancelByUser", "EC_PerCancelRequest", "CancelByUser/EC_PerCancelRequest"),
        ("", "", ""),
        (None, None, ""),
    ],
)
@pytest.mark.parametrize("status", ["Cancelled", "Deactivated"])
def test_cancelled_order_keeps_its_fills_and_reason(
    status: str, cancel: str | None, reject: str | None, reason: str
) -> None:
    row = order(orderStatus=status, cumExecQty="0.003", cancelType=cancel, rejectReason=reject)
    event = parse.order_event(row, 9)
    assert isinstance(event, OrderCanceled)
    assert (event.cum_qty, event.reason) == (Decimal("0.003"), reason)


def test_rejected_order() -> None:
    event = parse.order_event(order(orderStatus="Rejected", rejectReason="EC_BalanceNotEnough"), 9)
    assert isinstance(event, OrderRejected)
    assert (event.code, event.reason) == (0, "EC_BalanceNotEnough")


def test_triggered_order_and_other_markets_say_nothing() -> None:
    assert parse.order_event(order(orderStatus="Triggered"), 9) is None
    assert parse.order_event(order(category="spot"), 9) is None


def test_foreign_order_has_no_client_order_id() -> None:
    event = parse.order_event(without(order(), "order_link_id"), 9)
    assert isinstance(event, OrderAccepted)
    assert event.client_order_id == ""


@pytest.mark.parametrize(
    ("idx", "side", "reduce_only", "leg"),
    [
        (1, "Sell", True, Leg.LONG),
        (2, "Buy", True, Leg.SHORT),
        ("2", "Sell", False, Leg.SHORT),
        (0, "Buy", False, Leg.LONG),
        (0, "Sell", False, Leg.SHORT),
        (0, "Sell", True, Leg.LONG),
        (None, "Buy", True, Leg.SHORT),
    ],
)
def test_leg_of_an_order(idx: int | str | None, side: str, reduce_only: bool, leg: Leg) -> None:
    assert parse.order_leg(order(positionIdx=idx, side=side, reduceOnly=reduce_only)) is leg


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"orderStatus": "Odd"}, "orderStatus='Odd'"),
        ({"positionIdx": 7}, "positionIdx=7"),
        ({"side": "Both", "positionIdx": 0}, "side='Both'"),
        ({"qty": ""}, "qty=''"),
        ({"qty": "1e"}, "qty='1e'"),
        ({"price": "NaN"}, "price='NaN'"),
        ({"price": "-Infinity"}, "price='-Infinity'"),
        ({"updatedTime": "soon"}, "updatedTime='soon'"),
        ({"symbol": ""}, "symbol=''"),
    ],
)
def test_nonsense_is_named(fields: dict[str, object], named: str) -> None:
    with pytest.raises(parse.ParseError) as caught:
        parse.order_event(order(**fields), 9)
    assert named in str(caught.value)


def test_time_falls_back_to_creation_then_receipt() -> None:
    created = parse.order_event(without(order(), "updated_time"), 9)
    received = parse.order_event(without(order(), "updated_time", "created_time"), 9)
    assert isinstance(created, OrderAccepted)
    assert isinstance(received, OrderAccepted)
    assert (created.ts_event, received.ts_event) == (1000, 9)


@pytest.mark.parametrize(
    ("side", "closed", "leg"),
    [
        ("Buy", "0", Leg.LONG),
        ("Buy", "0.01", Leg.SHORT),
        ("Sell", "", Leg.SHORT),
        ("Sell", "0.01", Leg.LONG),
    ],
)
def test_fill(side: str, closed: str, leg: Leg) -> None:
    event = parse.execution_event(execution(side=side, closedSize=closed, execPnl="0.25"), 9)
    assert isinstance(event, OrderFilled)
    assert event.leg is leg
    assert event.gross == Decimal("0.25")
    assert event.fee == Decimal("0.00055")
    assert (event.trade_id, event.seq, event.ts_event, event.is_maker) == ("e-1", 77, 2000, True)


@pytest.mark.parametrize("kind", ["AdlTrade", "BustTrade"])
def test_forced_fills_are_fills(kind: str) -> None:
    event = parse.execution_event(execution(execType=kind), 9)
    assert isinstance(event, OrderFilled)
    assert event.exec_type is ExecType(kind)


def test_unknown_kind_of_execution_is_an_error_not_a_skip() -> None:
    with pytest.raises(parse.ParseError, match="execType='BlockTrade'"):
        parse.execution_event(execution(execType="BlockTrade"), 9)
    assert parse.execution_event(execution(category="option", execType="BlockTrade"), 9) is None


def test_closing_fill_without_its_result_is_an_error() -> None:
    row = without(execution(closedSize="0.01"), "exec_pnl")
    with pytest.raises(parse.ParseError, match="execPnl=None"):
        parse.execution_event(row, 9)


def test_rest_fill_takes_the_result_from_the_caller_only_where_something_was_closed() -> None:
    closing = without(execution(closedSize="0.01"), "exec_pnl")
    opening = without(execution(closedSize="0"), "exec_pnl")
    assert parse.needs_gross(closing)
    assert not parse.needs_gross(opening)
    closed = parse.rest_execution_event(closing, Decimal("1.5"), 9)
    opened = parse.rest_execution_event(opening, Decimal("1.5"), 9)
    assert isinstance(closed, OrderFilled)
    assert isinstance(opened, OrderFilled)
    assert (closed.gross, opened.gross) == (Decimal("1.5"), Decimal(0))


@pytest.mark.parametrize(
    ("side", "fee", "rate", "leg"),
    [("Buy", "0.5", "0.0001", Leg.LONG), ("Sell", "-0.5", "-0.0001", Leg.SHORT)],
)
def test_funding_belongs_to_the_position_on_its_side(side: str, fee: str, rate: str, leg: Leg) -> None:
    row = execution(execType="Funding", side=side, execFee=fee, feeRate=rate, orderLinkId="", execQty="2")
    assert not parse.needs_gross(row)
    assert parse.execution_event(row, 9) == FundingPaid(
        symbol="BTCUSDT",
        leg=leg,
        trade_id="e-1",
        qty=Decimal(2),
        mark_px=Decimal("100.5"),
        rate=Decimal(rate),
        amount=Decimal(fee),
        ts_event=2000,
        ts_init=9,
    )
