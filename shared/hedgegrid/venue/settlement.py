"""Booking of fills and funding, the reports that follow, and the upkeep of closing orders."""

from decimal import Decimal

from hedgegrid.domain.money import ZERO, to_money_step
from hedgegrid.domain.order import ExecType
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.identity import IdSource
from hedgegrid.venue.orders import Order
from hedgegrid.venue.positions import FillEffect, Position
from hedgegrid.venue.reports import (
    CancelType,
    ExecutionReport,
    OrderStatus,
    RejectReason,
    Report,
)
from hedgegrid.venue.views import order_report, position_report, wallet_report


class Settlement:
    """Owns the queue of reports; fees are fractions of the executed value."""

    def __init__(self, maker_fee: Decimal, taker_fee: Decimal, seed: int) -> None:
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.reports: list[Report] = []
        self._exec_ids = IdSource(seed, "execution")

    def fill(
        self, order: Order, price: Decimal, qty: Decimal, *, is_maker: bool, seq: int, ts_ms: int
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
            exec_type=ExecType.TRADE,
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
        )
        account.executions.append(execution)
        return execution

    def conclude(self, order: Order, executions: list[ExecutionReport], seq: int, ts_ms: int) -> None:
        """Settle an order's status after a change and publish it, its executions, its position and the wallet."""
        if order.is_open:
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
        if any(execution.closed_size for execution in executions):
            self._fit_closing_orders(slot, ts_ms)

    def fund(self, slot: Slot, position: Position, rate: Decimal, seq: int, ts_ms: int) -> None:
        """Pay or receive funding on one open position at the mark; longs pay when `rate` > 0.

        As in a captured row, `exec_fee` = `exec_value` × `fee_rate`: the rate's sign is the holder's cost.
        """
        account, book = slot.account, position.book
        mark = slot.mark_for(position)
        value = book.qty * mark
        cost_rate = rate * book.leg.sign
        amount = to_money_step(value * cost_rate)
        position.fund(amount, ts_ms)
        position.seq = seq
        account.balance -= amount
        account.updated_ms = ts_ms
        side = book.leg.opening_side
        execution = ExecutionReport(
            account=account.name,
            exec_id=self._exec_ids.next_id(),
            exec_type=ExecType.FUNDING,
            order_id=f"{ts_ms // 1000}-{slot.market.symbol}-{account.name}-{side}",
            order_link_id="",
            symbol=slot.market.symbol,
            side=side,
            position_idx=position.idx,
            order_type=None,
            order_price=ZERO,
            order_qty=ZERO,
            leaves_qty=ZERO,
            exec_price=mark,
            exec_qty=book.qty,
            exec_value=value,
            exec_fee=amount,
            fee_rate=cost_rate,
            exec_pnl=ZERO,
            closed_size=ZERO,
            is_maker=False,
            mark_price=mark,
            exec_ms=ts_ms,
            seq=seq,
        )
        account.executions.append(execution)
        self.reports.append(execution)
        self.publish_position(slot, position.idx)
        self.publish_wallet(account)

    def publish_position(self, slot: Slot, idx: int) -> None:
        self.reports.append(position_report(slot, slot.positions[idx], self.taker_fee))

    def publish_wallet(self, account: Account) -> None:
        self.reports.append(wallet_report(account, self.taker_fee))

    def _fit_closing_orders(self, slot: Slot, ts_ms: int) -> None:
        """Shrink every closing order to what is left of its position; cancel it when nothing is left.

        Bybit does not document how several closing orders share a position; here each one alone may close all of it.
        """
        for order in list(slot.closing.values()):
            room = slot.positions[order.position_idx].reducible_by(order.side)
            if order.remaining <= room:
                continue
            if room:
                order.qty = order.cum_qty + room
            else:
                slot.market.book.side(order.side).remove(order)
                order.end(CancelType.BY_REDUCE_ONLY, RejectReason.NO_ERROR)
            self.conclude(order, [], slot.market.next_seq(), ts_ms)


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
