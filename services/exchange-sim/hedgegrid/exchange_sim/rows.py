"""Rows of Bybit V5: a venue report in, the documented object out (same content for REST and private pushes).

Sources: docs/v5/order/open-order, order/execution, position, position/close-pnl, account/wallet-balance,
websocket/private/*; placeholders as captured on mainnet and demo 2025/2026.
"""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.money import ZERO, plain, to_money_step
from hedgegrid.venue.reports import (
    ExecutionReport,
    OrderReport,
    PositionReport,
    TransactionReport,
    TransactionType,
    WalletReport,
)

Row = dict[str, Any]


def order_row(order: OrderReport) -> Row:
    """REST row of an order; what an order does not have carries the placeholders of captured linear rows."""
    return _order_core(order) | _stop_fields(order)


def _stop_fields(order: OrderReport) -> Row:
    """What makes an order conditional, and the take-profit and stop-loss attached to it."""
    trigger, tpsl = order.trigger, order.tpsl
    return {
        "stopOrderType": order.stop_order_type.value,
        "triggerPrice": plain(trigger.price) if trigger else "",
        "triggerDirection": trigger.direction.value if trigger else 0,
        "triggerBy": trigger.by.value if trigger else "",
        "takeProfit": _or_none(tpsl.take_profit) if tpsl else "",
        "stopLoss": _or_none(tpsl.stop_loss) if tpsl else "",
        "tpslMode": tpsl.mode.value if tpsl else "UNKNOWN",
        "tpLimitPrice": plain(tpsl.tp_limit_price) if tpsl and tpsl.tp_limit_price else "0",
        "slLimitPrice": plain(tpsl.sl_limit_price) if tpsl and tpsl.sl_limit_price else "0",
        "tpTriggerBy": tpsl.tp_trigger_by.value if tpsl and tpsl.take_profit else "",
        "slTriggerBy": tpsl.sl_trigger_by.value if tpsl and tpsl.stop_loss else "",
    }


def _or_none(price: Decimal | None) -> str:
    return "" if price is None else plain(price)


def _order_core(order: OrderReport) -> Row:
    return {
        "orderId": order.order_id,
        "orderLinkId": order.order_link_id,
        "parentOrderLinkId": order.parent_order_link_id,
        "blockTradeId": "",
        "symbol": order.symbol,
        "price": plain(order.price),
        "qty": plain(order.qty),
        "side": order.side.value,
        "isLeverage": "",
        "positionIdx": order.position_idx,
        "orderStatus": order.status.value,
        "createType": order.create_type.value,
        "cancelType": order.cancel_type.value,
        "rejectReason": order.reject_reason.value,
        "avgPrice": "" if order.avg_price is None else plain(order.avg_price),
        "leavesQty": plain(order.leaves_qty),
        "leavesValue": plain(order.leaves_value),
        "cumExecQty": plain(order.cum_exec_qty),
        "cumExecValue": plain(order.cum_exec_value),
        "cumExecFee": plain(order.cum_exec_fee),
        "cumFeeDetail": {"USDT": plain(order.cum_exec_fee)} if order.cum_exec_fee else {},
        "timeInForce": order.time_in_force.value,
        "orderType": order.order_type.value,
        "orderIv": "",
        "marketUnit": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "0",
        "ocoTriggerBy": "",
        "lastPriceOnCreated": "" if order.last_price_on_created is None else plain(order.last_price_on_created),
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": order.close_on_trigger,
        "placeType": "",
        "smpType": "None",
        "smpGroup": 0,
        "smpOrderId": "",
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


_HISTORY = {"extraFees": "", "rpiTakerAccess": False, "rpiMatchedQty": "0"}


def order_history_row(order: OrderReport) -> Row:
    return order_row(order) | _HISTORY


def order_push(order: OrderReport) -> Row:
    """Item of the `order` topic."""
    return order_row(order) | {
        "category": "linear",
        "closedPnl": plain(order.closed_pnl),
        "feeCurrency": "",
        "brokerOrderPrice": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


def execution_row(fill: ExecutionReport) -> Row:
    """REST row of an execution; a funding row prints order type `UNKNOWN`."""
    return {
        "symbol": fill.symbol,
        "orderId": fill.order_id,
        "orderLinkId": fill.order_link_id,
        "side": fill.side.value,
        "orderPrice": plain(fill.order_price),
        "orderQty": plain(fill.order_qty),
        "leavesQty": plain(fill.leaves_qty),
        "createType": fill.create_type.value if fill.create_type else "",
        "orderType": fill.order_type.value if fill.order_type else "UNKNOWN",
        "stopOrderType": fill.stop_order_type.value or "UNKNOWN",
        "execFee": plain(fill.exec_fee),
        "execId": fill.exec_id,
        "execPrice": plain(fill.exec_price),
        "execQty": plain(fill.exec_qty),
        "execType": fill.exec_type.value,
        "execValue": plain(fill.exec_value),
        "execTime": str(fill.exec_ms),
        "feeCurrency": "",
        "isMaker": fill.is_maker,
        "feeRate": plain(fill.fee_rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": plain(fill.mark_price),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": plain(fill.closed_size),
        "extraFees": "",
        "seq": fill.seq,
    }


def execution_push(fill: ExecutionReport) -> Row:
    """Item of the `execution` topic; `execPnl` is the gross result of the part that closed."""
    return execution_row(fill) | {
        "category": "linear",
        "isLeverage": "0",
        "marketUnit": "",
        "execPnl": plain(fill.exec_pnl),
        "feeCurrency": "USDT",
        "extraFees": [],
    }


def fast_execution_push(fill: ExecutionReport) -> Row:
    """Item of `execution.fast`: no fee, no leavesQty, and no link id on maker fills."""
    return {
        "category": "linear",
        "symbol": fill.symbol,
        "execId": fill.exec_id,
        "execPrice": plain(fill.exec_price),
        "execQty": plain(fill.exec_qty),
        "orderId": fill.order_id,
        "isMaker": fill.is_maker,
        "orderLinkId": "" if fill.is_maker else fill.order_link_id,
        "side": fill.side.value,
        "execTime": str(fill.exec_ms),
        "seq": fill.seq,
    }


def _position_common(position: PositionReport) -> Row:
    flat = position.side is None
    break_even = position.break_even_price
    return {
        "positionIdx": position.position_idx,
        "riskId": position.risk_id,
        "riskLimitValue": plain(position.risk_limit_value),
        "symbol": position.symbol,
        "side": "" if position.side is None else position.side.value,
        "size": plain(position.size),
        "positionValue": plain(position.position_value),
        "autoAddMargin": 0,
        "positionStatus": position.status.value,
        "leverage": plain(position.leverage),
        "breakEvenPrice": "" if break_even is None else plain(to_money_step(break_even)),
        "markPrice": plain(position.mark_price),
        "liqPrice": "" if position.liq_price is None else plain(position.liq_price),
        "positionIM": "" if flat else plain(position.position_im),
        "positionIMByMp": "" if flat else plain(position.position_im),
        "positionMM": "" if flat else plain(position.position_mm),
        "positionMMByMp": "" if flat else plain(position.position_mm),
        "takeProfit": plain(position.take_profit),
        "stopLoss": plain(position.stop_loss),
        "trailingStop": plain(position.trailing_stop),
        "sessionAvgPrice": "",
        "unrealisedPnl": plain(position.unrealised_pnl),
        "curRealisedPnl": plain(position.cur_realised_pnl),
        "cumRealisedPnl": plain(position.cum_realised_pnl),
        "adlRankIndicator": 0 if flat else 2,
        "createdTime": str(position.created_ms),
        "updatedTime": str(position.updated_ms),
        "seq": position.seq,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "tpslMode": "Full",
        "bustPrice": "",
        "positionBalance": "0",
        "tradeMode": 0,
    }


def position_row(position: PositionReport) -> Row:
    """REST row: the entry price is called `avgPrice` here."""
    return _position_common(position) | {
        "avgPrice": plain(position.entry_price),
        "openTime": position.open_ms,
    }


def position_push(position: PositionReport) -> Row:
    """Item of the `position` topic: the same price is called `entryPrice` here."""
    return _position_common(position) | {"entryPrice": plain(position.entry_price), "category": "linear"}


def closed_pnl_row(order: OrderReport) -> Row:
    """REST row of an order that closed something; `side` is the side of that order."""
    size = order.closed_size
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "side": order.side.value,
        "qty": plain(order.qty),
        "orderPrice": plain(order.price),
        "orderType": order.order_type.value,
        "execType": "Trade",
        "closedSize": plain(size),
        "cumEntryValue": plain(order.closed_entry_value),
        "avgEntryPrice": plain(_average(order.closed_entry_value, size)),
        "cumExitValue": plain(order.closed_exit_value),
        "avgExitPrice": plain(_average(order.closed_exit_value, size)),
        "closedPnl": plain(order.closed_pnl),
        "fillCount": str(order.fill_count),
        "leverage": plain(order.leverage),
        "openFee": plain(order.closed_open_fee),
        "closeFee": plain(order.closed_close_fee),
        "createdTime": str(order.created_ms),
        "updatedTime": str(order.updated_ms),
    }


def _average(value: Decimal, size: Decimal) -> Decimal:
    return to_money_step(value / size) if size else ZERO


def transaction_row(entry: TransactionReport) -> Row:
    """Row of the transaction log; `funding` is "" where there is none, as on the venue."""
    is_funding = entry.type is TransactionType.SETTLEMENT
    return {
        "transSubType": "",
        "id": entry.id,
        "symbol": entry.symbol,
        "side": entry.side.value,
        "funding": plain(entry.funding) if is_funding else "",
        "orderLinkId": entry.order_link_id,
        "orderId": entry.order_id,
        "fee": plain(entry.fee),
        "change": plain(entry.change),
        "cashFlow": plain(entry.cash_flow),
        "transactionTime": str(entry.transaction_ms),
        "type": entry.type.value,
        "feeRate": plain(entry.fee_rate),
        "bonusChange": "",
        "size": plain(abs(entry.size)),
        "qty": plain(entry.qty),
        "cashBalance": plain(entry.cash_balance),
        "currency": "USDT",
        "category": "linear",
        "tradePrice": plain(entry.trade_price),
        "tradeId": entry.trade_id,
        "extraFees": "",
    }


def wallet_row(wallet: WalletReport) -> Row:
    """Item of wallet-balance's `list` and of the `wallet` topic; totals are USD, 1 USDT taken as 1 USD."""
    equity, balance = plain(wallet.equity), plain(wallet.wallet_balance)
    im_rate, mm_rate = plain(wallet.account_im_rate), plain(wallet.account_mm_rate)
    im, mm = plain(wallet.initial_margin), plain(wallet.maintenance_margin)
    coin = {
        "coin": "USDT",
        "equity": equity,
        "usdValue": equity,
        "walletBalance": balance,
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": "0",
        "accruedInterest": "0",
        "totalOrderIM": plain(wallet.order_im),
        "totalPositionIM": plain(wallet.position_im),
        "totalPositionMM": mm,
        "unrealisedPnl": plain(wallet.unrealised_pnl),
        "cumRealisedPnl": plain(wallet.cum_realised_pnl),
        "bonus": "0",
        "collateralSwitch": True,
        "marginCollateral": True,
        "locked": "0",
        "spotHedgingQty": "0",
        "spotBorrow": "0",
    }
    return {
        "accountIMRate": im_rate,
        "accountIMRateByMp": im_rate,
        "accountMMRate": mm_rate,
        "accountMMRateByMp": mm_rate,
        "totalEquity": equity,
        "totalWalletBalance": balance,
        "totalMarginBalance": plain(wallet.margin_balance),
        "totalAvailableBalance": plain(wallet.available_balance),
        "totalPerpUPL": plain(wallet.unrealised_pnl),
        "totalInitialMargin": im,
        "totalInitialMarginByMp": im,
        "totalMaintenanceMargin": mm,
        "totalMaintenanceMarginByMp": mm,
        "coin": [coin],
        "accountLTV": "0",
        "accountType": "UNIFIED",
    }
