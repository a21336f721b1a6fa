"""Carries a bot's commands to the simulated venue as the executor would, and answers with the executor's events."""

import msgspec

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.order import Leg
from hedgegrid.messages.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    RequestSnapshot,
    SubmitOrder,
)
from hedgegrid.messages.events import (
    AccountEvent,
    AmendRejected,
    CancelRejected,
    CommandKind,
    OrderAccepted,
    OrderAcked,
    OrderRejected,
    SnapshotTaken,
    WalletChanged,
)
from hedgegrid.strategy.backtest.translation import execution_event, order_event, position_event, wallet_event
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.requests import NewOrder, OrderChange, OrderRef


class Desk:
    """One bot's way to the venue."""

    def __init__(self, venue: Venue, account: str) -> None:
        self._venue = venue
        self._account = account

    def carry_out(self, command: Command, now_ms: int) -> list[AccountEvent]:
        """Give the command to the venue; returns what the executor would say about it (not the venue's pushes)."""
        match command:
            case SubmitOrder():
                return [self._submit(command, now_ms)]
            case AmendOrder():
                return [self._amend(command, now_ms)]
            case CancelOrder():
                return [self._cancel(command, now_ms)]
            case CancelAllOrders():
                self._venue.cancel_all(self._account, command.symbol, now_ms)
                return []
            case RequestSnapshot():
                return [self.snapshot(command, now_ms)]

    def snapshot(self, command: RequestSnapshot, now_ms: int) -> SnapshotTaken:
        venue, account, symbol = self._venue, self._account, command.symbol
        opened = [order_event(report) for report in venue.orders_open(account, symbol)]
        ended = [order_event(report) for report in venue.orders_closed(account, symbol)]
        executions = sorted(venue.executions(account, symbol), key=lambda report: report.seq)
        parts = [parse_client_order_id(order.client_order_id) for order in (*opened, *ended)]
        return SnapshotTaken(
            symbol=symbol,
            reason=command.reason,
            instrument=venue.instrument(symbol),
            positions=tuple(position_event(venue.position(account, symbol, leg.value)) for leg in Leg),
            open_orders=tuple(order for order in opened if isinstance(order, OrderAccepted)),
            ended_orders=tuple(order for order in reversed(ended) if not isinstance(order, OrderAccepted)),
            executions=tuple(execution_event(report) for report in executions),
            wallet=self.wallet(now_ms),
            highest_life=max((part.life for part in parts if part), default=0),
            request=command.request,
            ts_event=now_ms,
        )

    def wallet(self, now_ms: int) -> WalletChanged:
        """The wallet as asked for now; the venue's own stamp is that of its last change."""
        return msgspec.structs.replace(wallet_event(self._venue.wallet(self._account)), ts_init=now_ms)

    def _submit(self, command: SubmitOrder, now_ms: int) -> AccountEvent:
        answer = self._venue.submit(
            self._account,
            NewOrder(
                symbol=command.symbol,
                side=command.side,
                order_type=command.order_type,
                qty=command.qty,
                price=command.price,
                time_in_force=command.time_in_force,
                position_idx=command.leg.value,
                reduce_only=command.reduce_only,
                order_link_id=command.client_order_id,
            ),
            now_ms,
        )
        if isinstance(answer, Refused):
            return OrderRejected(
                symbol=command.symbol,
                client_order_id=command.client_order_id,
                code=answer.code,
                reason=answer.text,
                ts_event=now_ms,
            )
        return self._acked(command, CommandKind.SUBMIT, now_ms)

    def _amend(self, command: AmendOrder, now_ms: int) -> AccountEvent:
        change = OrderChange(
            symbol=command.symbol, order_link_id=command.client_order_id, qty=command.qty, price=command.price
        )
        answer = self._venue.amend(self._account, change, now_ms)
        if isinstance(answer, Refused):
            return AmendRejected(
                symbol=command.symbol,
                client_order_id=command.client_order_id,
                code=answer.code,
                reason=answer.text,
                ts_event=now_ms,
            )
        return self._acked(command, CommandKind.AMEND, now_ms)

    def _cancel(self, command: CancelOrder, now_ms: int) -> AccountEvent:
        which = OrderRef(symbol=command.symbol, order_link_id=command.client_order_id)
        answer = self._venue.cancel(self._account, which, now_ms)
        if isinstance(answer, Refused):
            return CancelRejected(
                symbol=command.symbol,
                client_order_id=command.client_order_id,
                code=answer.code,
                reason=answer.text,
                ts_event=now_ms,
            )
        return self._acked(command, CommandKind.CANCEL, now_ms)

    def _acked(self, command: SubmitOrder | AmendOrder | CancelOrder, kind: CommandKind, now_ms: int) -> OrderAcked:
        return OrderAcked(symbol=command.symbol, client_order_id=command.client_order_id, command=kind, ts_event=now_ms)
