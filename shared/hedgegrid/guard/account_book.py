"""A fold of an account's events into what the guard must know: positions, orders that may fill, wallet, and doubts."""

from collections.abc import Mapping
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.guard.view import AccountView, HeldLeg, LegKey, Mark, OpeningOrder, Wallet
from hedgegrid.messages.commands import AmendOrder, SubmitOrder
from hedgegrid.messages.events import (
    AccountEvent,
    CommandKind,
    OrderAccepted,
    OrderAcked,
    OrderCanceled,
    OrderCompleted,
    OrderDenied,
    OrderFilled,
    OrderRejected,
    PositionChanged,
    SnapshotTaken,
    WalletChanged,
)
from hedgegrid.messages.feed import FeedConnected, FeedLost

PRIVATE = "private"


class AccountBook:
    """Only the account's configured symbols count; positions in others show in the venue's own rates alone."""

    def __init__(self, leverages: Mapping[str, Decimal], now_ms: int) -> None:
        self._leverages = dict(leverages)
        self._started_ms = now_ms
        self._legs: dict[LegKey, HeldLeg] = {}
        self._seqs: dict[LegKey, int] = {}
        self._orders: dict[str, OpeningOrder] = {}
        self._in_flight: set[str] = set()
        """Orders given to the venue whose outcome is not known."""
        self._wallet: Wallet | None = None
        self.marks: dict[str, Mark] = {}
        """Marks that positions were told with; ticks are newer as a rule."""
        self.instruments: dict[str, Instrument] = {}
        self._doubted = set(self._leverages)
        """Symbols that only a snapshot can vouch for."""
        self._unsure_since_ms: int | None = now_ms
        self._connected = True

    def view(self) -> AccountView:
        """What is known now."""
        return AccountView(
            legs=dict(self._legs),
            orders=tuple(self._orders.values()),
            wallet=self._wallet,
            instruments=dict(self.instruments),
            leverages=self._leverages,
            unsure_since_ms=self._unsure_since_ms,
            started_ms=self._started_ms,
        )

    def open_orders(self, symbol: str) -> int:
        """How many of a symbol are known."""
        return sum(order.symbol == symbol for order in self._orders.values())

    def expect(self, command: SubmitOrder | AmendOrder) -> None:
        """The command may reach the venue from now on: count what it could add, until its outcome is heard."""
        order_id = command.client_order_id
        if isinstance(command, SubmitOrder):
            if not command.reduce_only:
                self._in_flight.add(order_id)
                self._orders[order_id] = OpeningOrder(command.symbol, command.leg, command.qty, command.price)
            return
        known = self._orders.get(order_id)
        if known is not None and known.price is not None:
            qty, price = max(known.qty, command.qty), max(known.price, command.price)
            self._orders[order_id] = known._replace(qty=qty, price=price)

    def apply(self, event: AccountEvent, now_ms: int) -> None:
        """Take one event in; anything that says nothing of risk is ignored."""
        match event:
            case PositionChanged():
                self._position(event)
            case WalletChanged():
                self._heard_of_wallet(event)
            case OrderAccepted():
                self._accepted(event)
            case OrderFilled() if event.client_order_id in self._orders:
                self._shrink(event.client_order_id, event.leaves_qty)
            case OrderAcked(command=CommandKind.SUBMIT):
                self._in_flight.discard(event.client_order_id)
            case OrderDenied(command=CommandKind.SUBMIT) | OrderRejected():
                self._drop(event.client_order_id)
            case OrderCompleted() | OrderCanceled():
                self._drop(event.client_order_id or event.venue_order_id)
            case SnapshotTaken():
                self._snapshot(event)
            case FeedLost() | FeedConnected() if event.feed == PRIVATE:
                self._connected = isinstance(event, FeedConnected)
                self._doubt(now_ms)
            case _:
                pass

    def gap(self, now_ms: int) -> None:
        """Events may be missing: nothing is certain until every symbol had a snapshot."""
        self._doubt(now_ms)

    def exclude(self, symbol: str) -> None:
        """The venue does not list the symbol: nothing can be held in it, and no snapshot will ever vouch for it."""
        self._leverages.pop(symbol, None)
        self._doubted.discard(symbol)

    def _doubt(self, now_ms: int) -> None:
        self._doubted = set(self._leverages)
        if self._unsure_since_ms is None:
            self._unsure_since_ms = now_ms

    def _position(self, event: PositionChanged) -> None:
        key = (event.symbol, event.leg)
        if event.symbol not in self._leverages or event.seq < self._seqs.get(key, -1):
            return
        self._seqs[key] = event.seq
        self._legs[key] = HeldLeg(event.qty, event.entry_px, event.leverage, event.cum_realised)
        if event.mark_px > ZERO:
            self.marks[event.symbol] = Mark(event.mark_px, event.ts_init)

    def _heard_of_wallet(self, event: WalletChanged) -> None:
        if self._wallet is None or event.ts_init >= self._wallet.at_ms:
            self._wallet = Wallet(event.wallet_balance, event.im_rate, event.mm_rate, event.ts_init)

    def _accepted(self, event: OrderAccepted) -> None:
        order_id = event.client_order_id or event.venue_order_id
        self._in_flight.discard(order_id)
        if event.reduce_only or event.symbol not in self._leverages:
            return
        self._orders[order_id] = OpeningOrder(event.symbol, event.leg, event.qty - event.cum_qty, event.price)

    def _shrink(self, order_id: str, leaves: Decimal) -> None:
        if leaves > ZERO:
            self._orders[order_id] = self._orders[order_id]._replace(qty=leaves)
        else:
            self._drop(order_id)

    def _drop(self, order_id: str) -> None:
        self._in_flight.discard(order_id)
        self._orders.pop(order_id, None)

    def _snapshot(self, event: SnapshotTaken) -> None:
        symbol = event.symbol
        self.instruments[symbol] = event.instrument
        for order_id in [o for o, order in self._orders.items() if order.symbol == symbol]:
            if order_id not in self._in_flight:
                self._drop(order_id)
        for ended in event.ended_orders:
            self._drop(ended.client_order_id)  # a foreign one was dropped above
        for order in event.open_orders:
            self._accepted(order)
        for position in event.positions:
            self._position(position)
        self._heard_of_wallet(event.wallet)
        self._doubted.discard(symbol)
        if self._connected and not self._doubted:
            self._unsure_since_ms = None
