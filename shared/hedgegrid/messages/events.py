"""Messages of `{acct}:events`: ordered, never lost. Written by ws-gateway (venue pushes) and executor (outcomes)."""

from decimal import Decimal
from enum import StrEnum

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import ExecType, Leg, Side
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale


class CommandKind(StrEnum):
    SUBMIT = "submit"
    AMEND = "amend"
    CANCEL = "cancel"


class DenyReason(StrEnum):
    """Why we refused a command ourselves, before anything was sent."""

    DRY_RUN = "DRY_RUN"
    STALE = "STALE"
    NOT_RECONCILED = "NOT_RECONCILED"
    HALTED = "HALTED"
    RISK_LIMIT = "RISK_LIMIT"
    INVALID = "INVALID"
    INTERLOCKED = "INTERLOCKED"
    """A safety condition does not hold; the text names it."""
    COLLAR = "COLLAR"
    """The price is too far from the market, or there is no fresh price to judge it by."""
    PACE = "PACE"
    """Too many orders a minute, or open at once."""
    KILLED = "KILLED"


class OrderEvent(Message, frozen=True, kw_only=True):
    symbol: str
    client_order_id: str
    ts_event: int


class OrderAcked(OrderEvent, frozen=True, kw_only=True):
    """The venue took a command for processing (asynchronous: it says nothing about resting or filling)."""

    command: CommandKind
    venue_order_id: str = ""
    cause_ns: int = 0
    decided_ns: int = 0
    sent_ns: int = 0
    acked_ns: int = 0


class OrderRejected(OrderEvent, frozen=True, kw_only=True):
    """Definitive: the venue refused the order, or it is proven never to have arrived (`code` 0)."""

    code: int
    reason: str


class OrderDenied(OrderEvent, frozen=True, kw_only=True):
    """We refused the command before sending; for an amend or cancel the order itself is untouched."""

    command: CommandKind
    reason: DenyReason
    text: str = ""


class AmendRejected(OrderEvent, frozen=True, kw_only=True):
    """The order keeps its old terms, or is already gone; `code` as the venue gave it."""

    code: int
    reason: str


class CancelRejected(OrderEvent, frozen=True, kw_only=True):
    """The cancel changed nothing, most often because the order is already gone (110001)."""

    code: int
    reason: str


class OrderAccepted(OrderEvent, frozen=True, kw_only=True):
    """The order is on the book with these terms (order topic: New, PartiallyFilled, Untriggered)."""

    leg: Leg
    venue_order_id: str
    side: Side
    qty: Decimal
    price: Decimal
    cum_qty: Decimal
    reduce_only: bool
    ts_init: int


class OrderFilled(OrderEvent, frozen=True, kw_only=True):
    """One execution, the money event. `fee` > 0 was paid; `gross` is the result of the closed part before fees."""

    leg: Leg
    venue_order_id: str
    trade_id: str
    side: Side
    exec_type: ExecType
    last_qty: Decimal
    last_px: Decimal
    closed_qty: Decimal
    leaves_qty: Decimal
    fee: Decimal
    gross: Decimal
    is_maker: bool
    seq: int
    ts_init: int


class OrderCompleted(OrderEvent, frozen=True, kw_only=True):
    """Order topic `Filled`: nothing is left; its executions add up to `cum_qty`."""

    leg: Leg
    venue_order_id: str
    cum_qty: Decimal
    avg_px: Decimal
    ts_init: int


class OrderCanceled(OrderEvent, frozen=True, kw_only=True):
    """The order ended unfilled or partly filled (`cum_qty` may be > 0), by us, by rule or by the venue."""

    leg: Leg
    venue_order_id: str
    cum_qty: Decimal
    reason: str
    ts_init: int


class PositionChanged(Message, frozen=True, kw_only=True):
    """Absolute view of a leg by the venue; also pushed when nothing about it changed."""

    symbol: str
    leg: Leg
    qty: Decimal
    entry_px: Decimal
    mark_px: Decimal
    liq_px: Decimal | None
    leverage: Decimal
    cum_realised: Decimal
    """All-time net result of symbol and leg, fees and funding inside."""
    seq: int
    ts_event: int
    ts_init: int


class WalletChanged(Message, frozen=True, kw_only=True):
    """Account totals. Rates are fractions; None where the margin mode has no such figure (isolated)."""

    equity: Decimal
    wallet_balance: Decimal
    available: Decimal | None
    im_rate: Decimal | None
    mm_rate: Decimal | None
    ts_event: int
    ts_init: int


class FundingPaid(Message, frozen=True, kw_only=True):
    """Funding of one leg; `amount` > 0 was paid, < 0 received."""

    symbol: str
    leg: Leg
    trade_id: str
    qty: Decimal
    mark_px: Decimal
    rate: Decimal
    amount: Decimal
    ts_event: int
    ts_init: int


class SnapshotReason(StrEnum):
    START = "start"
    RECONNECT = "reconnect"
    GAP = "gap"
    AUDIT = "audit"


class SnapshotTaken(Message, frozen=True, kw_only=True):
    """The venue's answer to RequestSnapshot, taken over REST while no command of the symbol was being sent.

    `open_orders` is complete; `ended_orders` and `executions` hold what REST shows from the time asked for on, oldest
    first. `highest_life` is the largest life found in any of our ids, so that a new life never reuses one.
    """

    symbol: str
    reason: SnapshotReason
    instrument: Instrument
    positions: tuple[PositionChanged, ...]
    open_orders: tuple[OrderAccepted, ...]
    ended_orders: tuple[OrderCompleted | OrderCanceled | OrderRejected, ...]
    executions: tuple[OrderFilled | FundingPaid, ...]
    wallet: WalletChanged
    highest_life: int
    request: int
    """Number of the RequestSnapshot this answers; 0 = nobody asked."""
    ts_event: int


class SnapshotFailed(Message, frozen=True, kw_only=True):
    """REST gave no complete view; nothing may be concluded from it."""

    symbol: str
    reason: SnapshotReason
    request: int
    text: str
    ts_event: int


class TradingStateChanged(Message, frozen=True, kw_only=True):
    """A bot (or, with symbol None, the whole account) moved to another trading state."""

    symbol: str | None
    state: TradingState
    reason: str
    actor: str
    ts_event: int


class RiskStageChanged(Message, frozen=True, kw_only=True):
    """The account guard's word to every bot of the account; written by the executor.

    Holds until the next one. At REDUCE each higher `round` asks every leg to shrink once more to `keep` of what it then
    holds.
    """

    stage: RiskStage
    cause: str
    """What was measured and which threshold it crossed, for people."""
    round: int = 0
    keep: Decimal = Decimal(1)
    """Fraction of a leg's quantity, 0…1."""
    equity: Decimal | None = None
    """USDT; None while blind."""
    im_rate: Decimal | None = None
    mm_rate: Decimal | None = None
    ts_event: int


class QuarantineChanged(Message, frozen=True, kw_only=True):
    """A symbol is closed to everything that adds exposure (`active`), or open again; written by the executor.

    It begins when an order has had no known outcome for too long, and ends when the last one of the symbol has one.
    """

    symbol: str
    active: bool
    orders: tuple[str, ...] = ()
    """Client order ids whose outcome is unknown."""
    ts_event: int


class KillSwitchChanged(Message, frozen=True, kw_only=True):
    """The account's kill switch was thrown, raised or (level None) cleared; written by the executor."""

    level: KillLevel | None
    source: str
    """`control`, `file`, `signal`, or `redis` for a latch that outlived its file."""
    reason: str
    ts_event: int


AccountEvent = (
    OrderAcked
    | OrderRejected
    | OrderDenied
    | AmendRejected
    | CancelRejected
    | OrderAccepted
    | OrderFilled
    | OrderCompleted
    | OrderCanceled
    | PositionChanged
    | WalletChanged
    | FundingPaid
    | SnapshotTaken
    | SnapshotFailed
    | TradingStateChanged
    | RiskStageChanged
    | QuarantineChanged
    | KillSwitchChanged
    | FeedConnected
    | FeedLost
    | FeedStale
)
