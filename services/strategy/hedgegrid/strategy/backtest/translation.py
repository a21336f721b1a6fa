"""What the simulated venue reports, said in the messages that gateway and executor would have sent."""

from hedgegrid.domain.order import ExecType, Leg
from hedgegrid.messages.events import (
    AccountEvent,
    FundingPaid,
    OrderAccepted,
    OrderCanceled,
    OrderCompleted,
    OrderFilled,
    OrderRejected,
    PositionChanged,
    WalletChanged,
)
from hedgegrid.venue.reports import (
    ExecutionReport,
    OrderReport,
    OrderStatus,
    PositionReport,
    Report,
    WalletReport,
)


def event_of(report: Report) -> AccountEvent:
    match report:
        case OrderReport():
            return order_event(report)
        case ExecutionReport():
            return execution_event(report)
        case PositionReport():
            return position_event(report)
        case WalletReport():
            return wallet_event(report)


def order_event(report: OrderReport) -> OrderAccepted | OrderCompleted | OrderCanceled | OrderRejected:
    leg = Leg(report.position_idx)
    if report.status.is_open:
        return OrderAccepted(
            symbol=report.symbol,
            client_order_id=report.order_link_id,
            venue_order_id=report.order_id,
            leg=leg,
            side=report.side,
            qty=report.qty,
            price=report.price,
            cum_qty=report.cum_exec_qty,
            reduce_only=report.reduce_only,
            ts_event=report.updated_ms,
            ts_init=report.updated_ms,
        )
    if report.status is OrderStatus.FILLED:
        return OrderCompleted(
            symbol=report.symbol,
            client_order_id=report.order_link_id,
            venue_order_id=report.order_id,
            leg=leg,
            cum_qty=report.cum_exec_qty,
            avg_px=report.avg_price or report.price,
            ts_event=report.updated_ms,
            ts_init=report.updated_ms,
        )
    return OrderCanceled(
        symbol=report.symbol,
        client_order_id=report.order_link_id,
        venue_order_id=report.order_id,
        leg=leg,
        cum_qty=report.cum_exec_qty,
        reason=report.reject_reason.value,
        ts_event=report.updated_ms,
        ts_init=report.updated_ms,
    )


def execution_event(report: ExecutionReport) -> OrderFilled | FundingPaid:
    leg = Leg(report.position_idx)
    if report.exec_type is ExecType.FUNDING:
        return FundingPaid(
            symbol=report.symbol,
            leg=leg,
            trade_id=report.exec_id,
            qty=report.exec_qty,
            mark_px=report.exec_price,
            rate=report.fee_rate,
            amount=report.exec_fee,
            ts_event=report.exec_ms,
            ts_init=report.exec_ms,
        )
    return OrderFilled(
        symbol=report.symbol,
        client_order_id=report.order_link_id,
        venue_order_id=report.order_id,
        leg=leg,
        trade_id=report.exec_id,
        side=report.side,
        exec_type=report.exec_type,
        last_qty=report.exec_qty,
        last_px=report.exec_price,
        closed_qty=report.closed_size,
        leaves_qty=report.leaves_qty,
        fee=report.exec_fee,
        gross=report.exec_pnl,
        is_maker=report.is_maker,
        seq=report.seq,
        ts_event=report.exec_ms,
        ts_init=report.exec_ms,
    )


def position_event(report: PositionReport) -> PositionChanged:
    return PositionChanged(
        symbol=report.symbol,
        leg=Leg(report.position_idx),
        qty=report.size,
        entry_px=report.entry_price,
        mark_px=report.mark_price,
        liq_px=report.liq_price,
        leverage=report.leverage,
        cum_realised=report.cum_realised_pnl,
        seq=report.seq,
        ts_event=report.updated_ms,
        ts_init=report.updated_ms,
    )


def wallet_event(report: WalletReport) -> WalletChanged:
    return WalletChanged(
        equity=report.equity,
        wallet_balance=report.wallet_balance,
        available=report.available_balance,
        im_rate=report.account_im_rate,
        mm_rate=report.account_mm_rate,
        ts_event=report.updated_ms,
        ts_init=report.updated_ms,
    )
