"""Booking of fills, funding and settlement into positions and wallet, and the reports that follow."""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.money import ZERO, to_money_step
from hedgegrid.domain.order import ExecType, OrderType, Side
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.conditions import StopOrderType
from hedgegrid.venue.identity import IdSource
from hedgegrid.venue.orders import Order
from hedgegrid.venue.positions import FillEffect, Position
from hedgegrid.venue.reports import (
    CancelType,
    CreateType,
    ExecutionReport,
    OrderStatus,
    RejectReason,
    Report,
)
from hedgegrid.venue.views import order_report, position_report, wallet_report


class Settlement:
    """Owns the queue of reports; fees are fractions of the executed value.

    `after_fills` is called once an order's fills are published, with the order, them, and the time in ms.
    """

    def __init__(self, maker_fee: Decimal, taker_fee: Decimal, seed: int) -> None:
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.reports: list[Report] = []
        self.after_fills: Callable[[Order, list[ExecutionReport], int], None] = _nothing_follows
        self._exec_ids = IdSource(seed, "execution")

    def fill(
        self,
        order: Order,
        price: Decimal,
        qty: Decimal,
        *,
        is_maker: bool,
        seq: int,
        ts_ms: int,
        exec_type: ExecType = ExecType.TRADE,
    ) -> ExecutionReport:
        """Book a fill of an order into position and wallet; the order's status is left to `conclude`."""
        slot, account = order.slot, order.slot.account
        position = slot.positions[order.position_idx]
        rate = self.maker_fee if is_maker else self.taker_fee
        value = price * qty
        fee = to_money_step(value * rate)
        effect = position.apply(order.side, qty, price, fee, ts_ms)
        position.seq = seq
        account.balance += effect.gross - fee
        account.updated_ms = ts_ms
        _count(order, qty, price, fee, effect)
        execution = ExecutionReport(
            account=account.name,
            exec_id=self._exec_ids.next_id(),
            exec_type=exec_type,
            order_id=order.order_id,
            order_link_id=order.link_id,
            symbol=slot.market.symbol,
            side=order.side,
            position_idx=order.position_idx,
            order_type=order.order_type,
            order_price=order.price,
            order_qty=order.qty,
            leaves_qty=order.remaining,
            exec_price=price,
            exec_qty=qty,
            exec_value=value,
            exec_fee=fee,
            fee_rate=rate,
            exec_pnl=effect.gross,
            closed_size=effect.closed_size,
            is_maker=is_maker,
            mark_price=slot.mark_for(position),
            exec_ms=ts_ms,
            seq=seq,
            create_type=order.create_type,
            stop_order_type=order.stop_order_type,
            size_after=position.signed_size,
            balance_after=account.balance,
        )
        account.executions.append(execution)
        return execution

    def conclude(self, order: Order, executions: list[ExecutionReport], seq: int, ts_ms: int) -> None:
        """Settle an order's status after a change and publish it, its executions, its position and the wallet."""
        if order.status.is_active:
            if not order.remaining:
                order.status = OrderStatus.FILLED
            elif order.cum_qty:
                order.status = OrderStatus.PARTIALLY_FILLED
        order.seq = seq
        order.updated_ms = ts_ms
        slot = order.slot
        if order.is_open:
            slot.reserve(order)
        else:
            slot.ended(order)
        self.reports.append(order_report(order))
        self.reports.extend(executions)
        self.publish_position(slot, order.position_idx)
        if executions:
            self.publish_wallet(slot.account)
            self.after_fills(order, executions, ts_ms)

    def withdraw(self, order: Order, cancel_type: CancelType, ts_ms: int) -> None:
        """Cancel an open order, active or waiting for its trigger."""
        market = order.slot.market
        market.withdraw(order)
        by_user = cancel_type is CancelType.BY_USER
        order.end(cancel_type, RejectReason.PER_CANCEL_REQUEST if by_user else RejectReason.NO_ERROR)
        self.conclude(order, [], market.next_seq(), ts_ms)

    def refuse_cancel(self, order: Order) -> None:
        """Publish a filled order once more, with the refusal of the cancel that came too late."""
        order.cancel_type = CancelType.BY_USER
        order.reject_reason = RejectReason.ORDER_DOES_NOT_EXIST
        self.reports.append(order_report(order))

    def fund(self, slot: Slot, position: Position, rate: Decimal, seq: int, ts_ms: int) -> None:
        """Pay or receive funding on one open position at the mark; longs pay when `rate` > 0.

        As in a captured row, `exec_fee` = `exec_value` × `fee_rate`: the rate's sign is the holder's cost.
        """
        book = position.book
        mark = slot.mark_for(position)
        value = book.qty * mark
        cost_rate = rate * book.leg.sign
        amount = to_money_step(value * cost_rate)
        position.fund(amount, ts_ms)
        row = _PositionRow(ExecType.FUNDING, book.leg.opening_side, mark, book.qty, amount, cost_rate, ZERO)
        self._publish_row(slot, position, row, seq, ts_ms)

    def settle(self, slot: Slot, position: Position, price: Decimal, seq: int, ts_ms: int) -> None:
        """Close a position of a delisted symbol at its settlement price; no fee is taken, no order is made."""
        side, qty = position.book.leg.closing_side, position.size
        effect = position.apply(side, qty, price, ZERO, ts_ms)
        row = _PositionRow(ExecType.DELIVERY, side, price, qty, ZERO, ZERO, effect.gross)
        self._publish_row(slot, position, row, seq, ts_ms)

    def _publish_row(self, slot: Slot, position: Position, row: "_PositionRow", seq: int, ts_ms: int) -> None:
        """Book an execution that has no order into the wallet, and publish it."""
        account, symbol = slot.account, slot.market.symbol
        position.seq = seq
        account.balance += row.gross - row.fee
        account.updated_ms = ts_ms
        settles = row.exec_type is ExecType.DELIVERY
        execution = ExecutionReport(
            account=account.name,
            exec_id=self._exec_ids.next_id(),
            exec_type=row.exec_type,
            order_id=f"{ts_ms // 1000}-{symbol}-{account.name}-{row.side}",
            order_link_id="",
            symbol=symbol,
            side=row.side,
            position_idx=position.idx,
            order_type=OrderType.MARKET if settles else None,
            order_price=ZERO,
            order_qty=ZERO,
            leaves_qty=ZERO,
            exec_price=row.price,
            exec_qty=row.qty,
            exec_value=row.price * row.qty,
            exec_fee=row.fee,
            fee_rate=row.fee_rate,
            exec_pnl=row.gross,
            closed_size=row.qty if settles else ZERO,
            is_maker=False,
            mark_price=slot.mark_for(position),
            exec_ms=ts_ms,
            seq=seq,
            create_type=CreateType.BY_SETTLE if settles else None,
            stop_order_type=StopOrderType.NONE,
            size_after=position.signed_size,
            balance_after=account.balance,
        )
        account.executions.append(execution)
        self.reports.append(execution)
        self.publish_position(slot, position.idx)
        self.publish_wallet(account)

    def publish_position(self, slot: Slot, idx: int) -> None:
        self.reports.append(position_report(slot, slot.positions[idx], self.taker_fee))

    def publish_wallet(self, account: Account) -> None:
        self.reports.append(wallet_report(account, self.taker_fee))


class _PositionRow(NamedTuple):
    """What happened to a position without an order; `fee` > 0 was paid, `gross` is what closing realised."""

    exec_type: ExecType
    side: Side
    price: Decimal
    qty: Decimal
    fee: Decimal
    fee_rate: Decimal
    gross: Decimal


def _nothing_follows(_order: Order, _executions: list[ExecutionReport], _ts_ms: int) -> None:
    pass


def _count(order: Order, qty: Decimal, price: Decimal, fee: Decimal, effect: FillEffect) -> None:
    """Add a fill to the order's sums."""
    order.cum_qty += qty
    order.cum_value += qty * price
    order.cum_fee += fee
    order.fill_count += 1
    if effect.closed_size:
        order.closed_size += effect.closed_size
        order.closed_entry_value += effect.entry_value
        order.closed_exit_value += effect.closed_size * price
        order.closed_gross += effect.gross
        order.closed_open_fee += effect.open_fee
        order.closed_close_fee += effect.close_fee
