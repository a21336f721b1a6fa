"""Carries a bot's commands to the simulated venue as the executor would, and answers with the executor's events."""

import msgspec

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.order import Leg
from hedgegrid.messages.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    OrderCommand,
    RequestSnapshot,
    SubmitOrder,
)
from hedgegrid.messages.events import (
    AccountEvent,
    OrderAccepted,
    OrderAcked,
    SnapshotTaken,
    WalletChanged,
)
from hedgegrid.messages.replies import kind_of, rejection_of
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
            case SubmitOrder() | AmendOrder() | CancelOrder():
                answer = self._ask_venue(command, now_ms)
                if isinstance(answer, Refused):
                    return [rejection_of(command, answer.code, answer.text, now_ms)]
                return [_acked(command, now_ms)]
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

    def _ask_venue(self, command: SubmitOrder | AmendOrder | CancelOrder, now_ms: int) -> object:
        link_id = command.client_order_id
        match command:
            case SubmitOrder():
                order = NewOrder(
                    symbol=command.symbol,
                    side=command.side,
                    order_type=command.order_type,
                    qty=command.qty,
                    price=command.price,
                    time_in_force=command.time_in_force,
                    position_idx=command.leg.value,
                    reduce_only=command.reduce_only,
                    order_link_id=link_id,
                )
                return self._venue.submit(self._account, order, now_ms)
            case AmendOrder(symbol=symbol, qty=qty, price=price):
                change = OrderChange(symbol=symbol, order_link_id=link_id, qty=qty, price=price)
                return self._venue.amend(self._account, change, now_ms)
            case CancelOrder(symbol=symbol):
                return self._venue.cancel(self._account, OrderRef(symbol=symbol, order_link_id=link_id), now_ms)


def _acked(command: OrderCommand, now_ms: int) -> OrderAcked:
    return OrderAcked(
        symbol=command.symbol,
        client_order_id=command.client_order_id,
        command=kind_of(command),
        ts_event=now_ms,
    )
