"""Rows about orders and executions → events."""

from decimal import Decimal

from hedgegrid.bybit.parse_fields import (
    ZERO,
    ParseError,
    decimal,
    decimal_or_none,
    decimal_or_zero,
    integer_or_none,
    member,
    text,
)
from hedgegrid.bybit.parse_rows import ExecutionRow, OrderRow
from hedgegrid.domain.order import ExecType, Leg, Side, leg_of_fill
from hedgegrid.messages.events import (
    FundingPaid,
    OrderAccepted,
    OrderCanceled,
    OrderCompleted,
    OrderFilled,
    OrderRejected,
)

_RESTING = frozenset({"New", "PartiallyFilled", "Untriggered"})
_ENDED_EARLY = frozenset({"Cancelled", "Deactivated", "PartiallyFilledCanceled"})
_NO_REASON = frozenset({None, "", "UNKNOWN", "EC_NoError"})


def order_event(row: OrderRow, ts_init: int) -> OrderAccepted | OrderCompleted | OrderCanceled | OrderRejected | None:
    """What an order row says about the order's life; None for the passing state `Triggered` and for spot or options.

    `client_order_id` is "" for orders that were not placed by a client with an id.

    Raises:
        ParseError: a needed field is missing or unreadable, or the status is unknown.
    """
    status = row.order_status
    if not row.is_linear:
        return None
    if status in _RESTING:
        return _accepted(row, ts_init)
    if status == "Filled":
        return OrderCompleted(
            symbol=text("symbol", row.symbol),
            client_order_id=row.order_link_id or "",
            ts_event=_order_time(row, ts_init),
            leg=order_leg(row),
            venue_order_id=row.order_id or "",
            cum_qty=decimal("cumExecQty", row.cum_exec_qty),
            avg_px=_average_price(row),
            ts_init=ts_init,
        )
    if status in _ENDED_EARLY:
        return OrderCanceled(
            symbol=text("symbol", row.symbol),
            client_order_id=row.order_link_id or "",
            ts_event=_order_time(row, ts_init),
            leg=order_leg(row),
            venue_order_id=row.order_id or "",
            cum_qty=decimal_or_zero("cumExecQty", row.cum_exec_qty),
            reason=_end_reason(row),
            ts_init=ts_init,
        )
    if status == "Rejected":
        return OrderRejected(
            symbol=text("symbol", row.symbol),
            client_order_id=row.order_link_id or "",
            ts_event=_order_time(row, ts_init),
            code=0,
            reason=_end_reason(row) or "rejected without a reason",
        )
    if status == "Triggered":
        return None
    raise ParseError("orderStatus", status, "unknown status")


def order_leg(row: OrderRow) -> Leg:
    """Leg of an order: its positionIdx, or in one-way mode (0) the leg its side opens or, reduce-only, closes.

    Raises:
        ParseError: positionIdx or side is unknown.
    """
    idx = integer_or_none("positionIdx", row.position_idx)
    if idx in (1, 2):
        return Leg(idx)
    if idx in (0, None):
        return leg_of_fill(member(Side, "side", row.side), bool(row.reduce_only))
    raise ParseError("positionIdx", row.position_idx, "unknown, expected 0, 1 or 2")


def execution_event(row: ExecutionRow, ts_init: int) -> OrderFilled | FundingPaid | None:
    """A row of the `execution` topic: a fill with the venue's own gross result, or a funding payment.

    `execPnl` is the closing result before fees. REST rows have none: see `rest_execution_event`. None only for spot
    and options: an `execType` this version does not know (BlockTrade, MovePosition, …) changes positions, so it is an
    error that someone must see and not a row to skip.

    Raises:
        ParseError: a needed field is missing or unreadable, the type is unknown, or a closing row has no `execPnl`.
    """
    if not row.is_linear:
        return None
    if row.exec_type == ExecType.FUNDING:
        return _funding(row, ts_init)
    gross = decimal_or_none("execPnl", row.exec_pnl)
    if gross is None:
        if needs_gross(row):
            raise ParseError("execPnl", row.exec_pnl, "missing, but needed where something was closed")
        gross = ZERO
    return _filled(row, gross, ts_init)


def needs_gross(row: ExecutionRow) -> bool:
    """True for a REST row that closed something: only closed-pnl or the own average entry knows its result."""
    if not row.is_linear or row.exec_type == ExecType.FUNDING:
        return False
    if decimal_or_none("execPnl", row.exec_pnl) is not None:
        return False
    return decimal_or_zero("closedSize", row.closed_size) > 0


def rest_execution_event(row: ExecutionRow, gross: Decimal, ts_init: int) -> OrderFilled | FundingPaid | None:
    """A row of `GET /v5/execution/list`, which lacks `execPnl`.

    Args:
        row: the row.
        gross: result of the closed part before fees, worked out by the caller (from closed-pnl, or from the bot's own
            average entry) where `needs_gross(row)`; elsewhere it is not looked at and the result is exactly zero.
        ts_init: ms UTC when the answer came.

    Raises:
        ParseError: as for `execution_event`.
    """
    if not needs_gross(row):
        return execution_event(row, ts_init)
    return _filled(row, gross, ts_init)


def _accepted(row: OrderRow, ts_init: int) -> OrderAccepted:
    return OrderAccepted(
        symbol=text("symbol", row.symbol),
        client_order_id=row.order_link_id or "",
        ts_event=_order_time(row, ts_init),
        leg=order_leg(row),
        venue_order_id=row.order_id or "",
        side=member(Side, "side", row.side),
        qty=decimal("qty", row.qty),
        price=decimal_or_zero("price", row.price),
        cum_qty=decimal_or_zero("cumExecQty", row.cum_exec_qty),
        reduce_only=bool(row.reduce_only),
        ts_init=ts_init,
    )


def _filled(row: ExecutionRow, gross: Decimal, ts_init: int) -> OrderFilled:
    side = member(Side, "side", row.side)
    closed_qty = decimal_or_zero("closedSize", row.closed_size)
    exec_time = integer_or_none("execTime", row.exec_time)
    seq = integer_or_none("seq", row.seq)
    return OrderFilled(
        symbol=text("symbol", row.symbol),
        client_order_id=row.order_link_id or "",
        ts_event=ts_init if exec_time is None else exec_time,
        leg=leg_of_fill(side, closed_qty > 0),
        venue_order_id=row.order_id or "",
        trade_id=text("execId", row.exec_id),
        side=side,
        exec_type=member(ExecType, "execType", row.exec_type),
        last_qty=decimal("execQty", row.exec_qty),
        last_px=decimal("execPrice", row.exec_price),
        closed_qty=closed_qty,
        leaves_qty=decimal_or_zero("leavesQty", row.leaves_qty),
        fee=decimal_or_zero("execFee", row.exec_fee),
        gross=gross,
        is_maker=bool(row.is_maker),
        seq=-1 if seq is None else seq,
        ts_init=ts_init,
    )


def _funding(row: ExecutionRow, ts_init: int) -> FundingPaid:
    """The row's side is that of the position (Buy = long), and its `feeRate` is signed for that position.

    Evidence: recorded rows of the everyday rate 0.0001 show `side` Sell with feeRate -0.0001 and a negative execFee
    (shorts receive), and a transaction log's Sell row with size -1000 shows the same sign.
    """
    exec_time = integer_or_none("execTime", row.exec_time)
    return FundingPaid(
        symbol=text("symbol", row.symbol),
        leg=leg_of_fill(member(Side, "side", row.side), False),
        trade_id=text("execId", row.exec_id),
        qty=decimal_or_zero("execQty", row.exec_qty),
        mark_px=decimal_or_zero("execPrice", row.exec_price),
        rate=decimal_or_zero("feeRate", row.fee_rate),
        amount=decimal("execFee", row.exec_fee),
        ts_event=ts_init if exec_time is None else exec_time,
        ts_init=ts_init,
    )


def _order_time(row: OrderRow, ts_init: int) -> int:
    for field, value in (("updatedTime", row.updated_time), ("createdTime", row.created_time)):
        time_ms = integer_or_none(field, value)
        if time_ms is not None:
            return time_ms
    return ts_init


def _average_price(row: OrderRow) -> Decimal:
    average = decimal_or_zero("avgPrice", row.avg_price)
    if average:
        return average
    qty = decimal_or_zero("cumExecQty", row.cum_exec_qty)
    return decimal_or_zero("cumExecValue", row.cum_exec_value) / qty if qty else ZERO


def _end_reason(row: OrderRow) -> str:
    """`cancelType`, `rejectReason` or both with a slash between; placeholders are left out."""
    return "/".join(part for part in (row.cancel_type, row.reject_reason) if part and part not in _NO_REASON)
