"""`{acct}:events` → orders, positions, wallet, private feed, snapshots, latencies."""

from typing import ClassVar

import msgspec

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import events as ev
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale
from hedgegrid.metrics.order_tracker import Orders, OrderTracker
from hedgegrid.metrics.projection import Projection
from hedgegrid.runtime.metric_names import Metrics

NS_PER_S = 1e9
WHOLE_ACCOUNT = ""
STATES = [str(state) for state in TradingState]
_TERMINAL = ev.OrderCompleted | ev.OrderCanceled | ev.OrderRejected


class EventMemory(msgspec.Struct):
    orders: Orders = msgspec.field(default_factory=Orders)
    position_seq: dict[str, int] = {}
    """By symbol and leg: the newest position seen; REST may show an older one than the socket did."""
    wallet_ms: int = 0
    """When the wallet figures were received; 0 = never."""
    lost: dict[str, tuple[int, int]] = {}
    """Session and time of a feed's last loss, until it is connected again."""
    stage: RiskStage = RiskStage.NORMAL
    stage_cause: str = ""
    stage_ms: int = 0
    """The account guard's last word, and when; 0 = none yet."""
    kill: KillLevel | None = None
    kill_reason: str = ""


class EventProjection(Projection[ev.AccountEvent]):
    MEMORY: ClassVar[type[msgspec.Struct]] = EventMemory
    memory: EventMemory

    def project(self, message: ev.AccountEvent) -> None:
        match message:
            case ev.PositionChanged():
                self._position(message)
            case ev.WalletChanged():
                self._wallet(message)
            case ev.SnapshotTaken():
                self._snapshot(message)
            case ev.SnapshotFailed():
                self.table.add(Metrics.snapshots, self.account, str(message.reason), "failed")
            case FeedConnected() | FeedLost() | FeedStale():
                self._feed(message)
            case ev.TradingStateChanged(symbol=None):
                self.table.choose(
                    Metrics.trading_state, self.account, WHOLE_ACCOUNT, among=STATES, chosen=str(message.state)
                )
            case ev.RiskStageChanged():
                memory = self.memory
                memory.stage, memory.stage_cause, memory.stage_ms = message.stage, message.cause, message.ts_event
            case ev.KillSwitchChanged():
                self.memory.kill = message.level
                self.memory.kill_reason = message.reason if message.level is not None else ""
            case ev.OrderEvent():
                self._order(message)

    def _order(self, message: ev.OrderEvent) -> None:
        order_id, symbol, leg = order_identity(message)
        match message:
            case ev.OrderAcked():
                if message.command is ev.CommandKind.SUBMIT:
                    self._orders.outcome(order_id, symbol, leg, "acked")
                self._latencies(message)
            case ev.OrderAccepted():
                self._orders.works(order_id, symbol, leg)
            case ev.OrderFilled():
                self._orders.outcome(order_id, symbol, leg, "filled")
            case ev.OrderDenied():
                self.table.add(Metrics.orders_denied, self.account, symbol, str(message.reason))
                if message.command is ev.CommandKind.SUBMIT:
                    self._orders.ends(order_id, symbol, leg, "denied")
            case ev.OrderCompleted() | ev.OrderCanceled() | ev.OrderRejected():
                self._orders.ends(order_id, symbol, leg, _word(message))

    def _latencies(self, acked: ev.OrderAcked) -> None:
        labels = (self.account, acked.symbol)
        spans = (
            (Metrics.tick_to_decision, acked.cause_ns, acked.decided_ns),
            (Metrics.tick_to_order_sent, acked.cause_ns, acked.sent_ns),
            (Metrics.order_ack, acked.sent_ns, acked.acked_ns),
        )
        for metric, start_ns, end_ns in spans:
            if 0 < start_ns <= end_ns:  # 0 = no such stamp, e.g. no tick caused it
                self.table.observe(metric, *labels, seconds=(end_ns - start_ns) / NS_PER_S)

    def _position(self, position: ev.PositionChanged) -> None:
        leg = position.leg.word
        key = f"{position.symbol} {leg}"
        if position.seq < self.memory.position_seq.get(key, 0):
            return
        self.memory.position_seq[key] = position.seq
        labels = (self.account, position.symbol, leg)
        self.table.set(Metrics.position_qty, *labels, value=position.qty)
        self.table.set(Metrics.entry_price, *labels, value=position.entry_px)
        self.table.set(Metrics.liquidation_price, *labels, value=position.liq_px if position.qty else None)

    def _wallet(self, wallet: ev.WalletChanged) -> None:
        if wallet.ts_init < self.memory.wallet_ms:
            return
        self.memory.wallet_ms = wallet.ts_init
        figures = (
            (Metrics.wallet_equity, wallet.equity),
            (Metrics.wallet_balance, wallet.wallet_balance),
            (Metrics.wallet_available, wallet.available),
            (Metrics.initial_margin_rate, wallet.im_rate),
            (Metrics.maintenance_margin_rate, wallet.mm_rate),
        )
        for metric, value in figures:
            self.table.set(metric, self.account, value=value)

    def _snapshot(self, snapshot: ev.SnapshotTaken) -> None:
        """The venue's own view: repairs what was missed while the feed was down."""
        self.table.add(Metrics.snapshots, self.account, str(snapshot.reason), "ok")
        for position in snapshot.positions:
            self._position(position)
        self._wallet(snapshot.wallet)
        for ended in snapshot.ended_orders:
            order_id, symbol, leg = order_identity(ended)
            if self._orders.knows(order_id):  # others ended long ago, or before our time
                self._orders.ends(order_id, symbol, leg, _word(ended))
        self._orders.keep_only(snapshot.symbol, {order_identity(order)[0] for order in snapshot.open_orders})
        for order in snapshot.open_orders:
            self._orders.works(*order_identity(order))

    def _feed(self, message: FeedConnected | FeedLost | FeedStale) -> None:
        feed = message.feed
        self.table.set(Metrics.feed_up, feed, self.account, value=int(isinstance(message, FeedConnected)))
        session, lost_ms = self.memory.lost.get(feed, (None, -1))
        if isinstance(message, FeedConnected) and message.ts_event > lost_ms:
            self.memory.lost.pop(feed, None)  # sessions count from 1 again in each gateway process
        if isinstance(message, FeedLost) and session != message.session:
            self.memory.lost[feed] = (message.session, message.ts_event)
            self.table.add(Metrics.feed_reconnects, feed, self.account, reason_label(message.reason))

    @property
    def _orders(self) -> OrderTracker:
        return OrderTracker(self.account, self.table, self.memory.orders)


def order_identity(message: ev.OrderEvent) -> tuple[str, str, str]:
    """Return id, symbol and leg word of an order; the leg is "" where neither event nor id tells it."""
    ours = parse_client_order_id(message.client_order_id)
    leg = getattr(message, "leg", None) or (ours.leg if ours else None)
    order_id = message.client_order_id or f"venue:{getattr(message, 'venue_order_id', '')}"
    return order_id, message.symbol, leg.word if leg else ""


def reason_label(reason: str) -> str:
    """Return the part of a reason that is fit for a label: no numbers or details that make each one new."""
    head = reason.split(":", 1)[0]
    return " ".join(word for word in head.split() if not any(c.isdigit() for c in word))[:40]


def _word(message: _TERMINAL) -> str:
    match message:
        case ev.OrderCompleted():
            return "completed"
        case ev.OrderCanceled():
            return "canceled"
        case ev.OrderRejected():
            return "rejected"
