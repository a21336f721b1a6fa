"""Reports built from the venue's own records. Averages and margins are rounded to eight decimals, sums are exact."""

from decimal import ROUND_DOWN, Decimal

from hedgegrid.domain.money import ZERO, to_money_step
from hedgegrid.domain.order import ExecType, Side
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.conditions import StopOrderType
from hedgegrid.venue.margin import account_margin, liquidation_price, position_im, position_mm, solvency
from hedgegrid.venue.market import Market
from hedgegrid.venue.orders import Order
from hedgegrid.venue.positions import Position
from hedgegrid.venue.reports import (
    ExecutionReport,
    OrderReport,
    PositionReport,
    TickerReport,
    TransactionReport,
    TransactionType,
    WalletReport,
)
from hedgegrid.venue.risk_limits import current_limit

_RATE_STEP = Decimal("0.0001")
_RATE_CAP = Decimal("9999.9999")
_LEAST_FEE = Decimal("0.00055")


def order_report(order: Order) -> OrderReport:
    leaves = order.remaining if order.is_open else ZERO
    return OrderReport(
        account=order.slot.account.name,
        order_id=order.order_id,
        order_link_id=order.link_id,
        symbol=order.slot.market.symbol,
        side=order.side,
        position_idx=order.position_idx,
        order_type=order.order_type,
        time_in_force=order.time_in_force,
        price=order.price,
        qty=order.qty,
        leaves_qty=leaves,
        leaves_value=leaves * order.price,
        cum_exec_qty=order.cum_qty,
        cum_exec_value=order.cum_value,
        cum_exec_fee=order.cum_fee,
        avg_price=to_money_step(order.cum_value / order.cum_qty) if order.cum_qty else None,
        status=order.status,
        cancel_type=order.cancel_type,
        reject_reason=order.reject_reason,
        reduce_only=order.reduce_only,
        close_on_trigger=order.close_on_trigger,
        last_price_on_created=order.last_price_on_created,
        created_ms=order.created_ms,
        updated_ms=order.updated_ms,
        closed_pnl=order.closed_pnl,
        closed_size=order.closed_size,
        closed_entry_value=order.closed_entry_value,
        closed_exit_value=order.closed_exit_value,
        closed_open_fee=order.closed_open_fee,
        closed_close_fee=order.closed_close_fee,
        fill_count=order.fill_count,
        leverage=order.slot.leverage,
        seq=order.seq,
        create_type=order.create_type,
        stop_order_type=order.stop_order_type,
        trigger=order.trigger,
        tpsl=order.tpsl,
        parent_order_link_id=order.parent_link_id,
    )


def position_report(slot: Slot, position: Position, taker_fee: Decimal) -> PositionReport:
    mark = slot.mark_for(position)
    liq_price = None
    im = mm = ZERO
    trailing = slot.stop(position.idx, StopOrderType.TRAILING_STOP)
    limit = current_limit(slot.market.instrument, slot.market.number, position.size * mark)
    if position.size:
        im, mm = position_im(position, slot, taker_fee), position_mm(position, slot, taker_fee)
        liq_price = liquidation_price(position, slot, solvency(slot.account, taker_fee))
    return PositionReport(
        account=slot.account.name,
        symbol=slot.market.symbol,
        position_idx=position.idx,
        side=position.side,
        size=position.size,
        entry_price=to_money_step(position.book.entry_px),
        position_value=position.book.entry_value,
        leverage=slot.leverage,
        mark_price=mark,
        unrealised_pnl=position.unrealised(mark),
        cur_realised_pnl=position.cur_realised,
        cum_realised_pnl=position.book.realised,
        position_im=to_money_step(im),
        position_mm=to_money_step(mm),
        liq_price=liq_price,
        break_even_price=break_even_price(position, taker_fee),
        created_ms=position.created_ms,
        updated_ms=position.updated_ms,
        open_ms=position.open_ms,
        seq=position.seq,
        risk_id=limit.risk_id,
        risk_limit_value=limit.tier.limit_value,
        status=position.status,
        take_profit=_trigger_price(slot.stop(position.idx, StopOrderType.TAKE_PROFIT)),
        stop_loss=_trigger_price(slot.stop(position.idx, StopOrderType.STOP_LOSS)),
        trailing_stop=trailing.trail.distance if trailing and trailing.trail else ZERO,
    )


def _trigger_price(stop: Order | None) -> Decimal:
    return stop.trigger.price if stop and stop.trigger else ZERO


def break_even_price(position: Position, taker_fee: Decimal) -> Decimal | None:
    """(entry value − realised) / (qty − |qty| × max(fee, 0.00055)), qty signed (Bybit); None when flat."""
    if not position.size:
        return None
    sign = position.book.leg.sign
    value = sign * position.book.entry_value - position.cur_realised
    return to_money_step(value / (sign * position.size - position.size * max(taker_fee, _LEAST_FEE)))


def wallet_report(account: Account, taker_fee: Decimal) -> WalletReport:
    margin = account_margin(account, taker_fee)
    return WalletReport(
        account=account.name,
        wallet_balance=account.balance,
        equity=margin.balance,
        margin_balance=margin.balance,
        available_balance=to_money_step(max(margin.available, ZERO)),
        unrealised_pnl=margin.unrealised,
        cum_realised_pnl=account.balance - account.deposit,
        order_im=to_money_step(margin.order_im),
        position_im=to_money_step(margin.position_im),
        initial_margin=to_money_step(margin.initial),
        maintenance_margin=to_money_step(margin.maintenance),
        account_im_rate=_rate(margin.initial, margin.balance),
        account_mm_rate=_rate(margin.maintenance, margin.balance),
        updated_ms=account.updated_ms,
    )


_TRANSACTION_TYPE = {
    ExecType.TRADE: TransactionType.TRADE,
    ExecType.FUNDING: TransactionType.SETTLEMENT,
    ExecType.BUST_TRADE: TransactionType.LIQUIDATION,
    ExecType.ADL_TRADE: TransactionType.ADL,
    ExecType.SETTLE: TransactionType.DELIVERY,
    ExecType.DELIVERY: TransactionType.DELIVERY,
}


def transaction_report(row: ExecutionReport) -> TransactionReport:
    """An execution as the wallet saw it."""
    is_funding = row.exec_type is ExecType.FUNDING
    return TransactionReport(
        account=row.account,
        id=row.exec_id,
        symbol=row.symbol,
        side=row.side,
        type=_TRANSACTION_TYPE[row.exec_type],
        transaction_ms=row.exec_ms,
        qty=row.exec_qty,
        size=row.size_after,
        trade_price=row.exec_price,
        funding=-row.exec_fee if is_funding else ZERO,
        fee=ZERO if is_funding else row.exec_fee,
        cash_flow=row.exec_pnl,
        change=row.exec_pnl - row.exec_fee,
        cash_balance=row.balance_after,
        fee_rate=row.fee_rate,
        trade_id=row.exec_id,
        order_id=row.order_id,
        order_link_id=row.order_link_id,
    )


def ticker_report(market: Market) -> TickerReport:
    return TickerReport(
        symbol=market.symbol,
        last_price=market.last,
        mark_price=market.mark,
        index_price=market.index,
        bid_price=market.bid.best,
        bid_size=market.bid.qty,
        ask_price=market.ask.best,
        ask_size=market.ask.qty,
        funding_rate=market.funding_rate,
        price_limit_buy=market.bound(Side.BUY),
        price_limit_sell=market.bound(Side.SELL),
        updated_ms=market.updated_ms,
    )


def _rate(margin: Decimal, balance: Decimal) -> Decimal:
    """Ratio truncated to 4 decimals; the cap stands for a balance that is used up."""
    if not margin:
        return ZERO
    if balance <= 0 or margin / balance > _RATE_CAP:
        return _RATE_CAP
    return (margin / balance).quantize(_RATE_STEP, rounding=ROUND_DOWN)
