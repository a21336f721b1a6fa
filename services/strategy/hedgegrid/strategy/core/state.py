"""Everything a bot knows, whatever its strategy; a commit writes those of its fields that changed."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, OrderType, Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import MismatchAnswer

SCHEMA = 3
"""Raised when an older state cannot be read as it is; `stored_state.py` reads the older ones."""
MISMATCHES_TOLERATED = 3
"""Snapshots in a row that may disagree with the books before the bot halts."""


class OrderPhase(StrEnum):
    """Where an order of ours stands. Only LIVE orders may be given a new command."""

    SUBMITTING = "submitting"
    """Commanded; no outcome known."""
    ACKED = "acked"
    """Submit or amend taken for processing, what came of it not seen on the order topic yet."""
    LIVE = "live"
    AMENDING = "amending"
    CANCELING = "canceling"
    ENDED = "ended"
    """Terminal, with executions still to arrive up to `final_qty`."""


class WorkingOrder(msgspec.Struct, frozen=True, kw_only=True):
    client_order_id: str
    purpose: Purpose
    level: int
    order_type: OrderType
    qty: Decimal
    price: Decimal | None
    phase: OrderPhase
    since_ms: int
    """Our wall clock when the phase began."""
    worst_px: Decimal = ZERO
    """Highest price a fill of an opening order is counted at before it is there (`exposure.py`)."""
    cum_qty: Decimal = ZERO
    trade_ids: tuple[str, ...] = ()
    final_qty: Decimal | None = None
    new_qty: Decimal | None = None
    """With `new_price` the terms of an amend, until the venue tells that they hold."""
    new_price: Decimal | None = None
    told_ms: int = 0
    """Venue time of its newest word on terms: an older one, told late or twice, does not bring them back."""

    @property
    def is_market(self) -> bool:
        return self.order_type is OrderType.MARKET

    @property
    def key(self) -> tuple[Purpose, int]:
        return self.purpose, self.level


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What a level of the open cycle holds; `value` = Σ price × qty. Levels are sorted by `number`, 0 the first."""

    number: int
    qty: Decimal
    value: Decimal

    @property
    def px(self) -> Decimal:
        return self.value / self.qty


class Cycle(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of the open cycle of a leg, in quote coin; quantities in base coin."""

    number: int = 1
    after_ms: int = 0
    """Our clock when the cycle before it closed; 0 = there was none."""
    opened_ms: int = 0
    entry_qty: Decimal = ZERO
    entry_value: Decimal = ZERO
    entry_fees: Decimal = ZERO
    exit_qty: Decimal = ZERO
    exit_value: Decimal = ZERO
    exit_fees: Decimal = ZERO
    gross: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def paid(self) -> Decimal:
        """What the cycle has cost so far: fees and funding less what closed parts earned."""
        return self.entry_fees + self.exit_fees + self.funding - self.gross


class Backoff(msgspec.Struct, frozen=True, kw_only=True):
    """After refusals in a row nothing of the kind is tried until `until_ms` (our wall clock)."""

    failures: int = 0
    until_ms: int = 0


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """An execution that no working order answers for."""

    ts_event: int
    trade_id: str


class LegState(msgspec.Struct, frozen=True, kw_only=True):
    book: LegBook
    cycle: Cycle = Cycle()
    levels: tuple[Level, ...] = ()
    orders: tuple[WorkingOrder, ...] = ()
    unproven: tuple[WorkingOrder, ...] = ()
    """Orders taken as ended without the venue's word on every fill; a late fill of theirs is still booked."""
    seen: tuple[Seen, ...] = ()
    """Newest funding, and fills that no order of ours asked for (`seen.py`)."""
    seen_before_ms: int = 0
    """Of such executions everything before this venue time is known."""
    venue_qty: Decimal | None = None
    venue_seq: int = -1
    venue_since_ms: int = 0
    """Our wall clock when the venue's quantity began to differ from the book's; 0 = agrees."""
    foreign_qty: Decimal = ZERO
    """Venue − book that the operator told us to ignore."""
    baseline: Decimal = ZERO
    """The venue's all-time realised result when this state was born."""
    break_even_px: Decimal | None = None
    """Where closing everything at market leaves the open cycle at zero, fees and funding included; None when flat."""
    reduce_to: Decimal | None = None
    """Quantity that the account guard wants this leg cut to; None = nothing is asked."""
    opening: Backoff = Backoff()
    closing: Backoff = Backoff()
    denied: str = ""
    """Why an opening order was last denied by our own caps; told again only after a while."""
    denied_ms: int = 0

    @property
    def leg(self) -> Leg:
        return self.book.leg

    @property
    def ours_at_venue(self) -> Decimal | None:
        """The venue's word on what the book should hold."""
        return None if self.venue_qty is None else self.venue_qty - self.foreign_qty

    @property
    def differs(self) -> bool:
        return self.venue_qty is not None and self.ours_at_venue != self.book.qty

    def order(self, purpose: Purpose, level: int) -> WorkingOrder | None:
        return next((order for order in self.orders if order.purpose is purpose and order.level == level), None)


class Resolution(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's answer to a mismatch, carried out with the next snapshot."""

    action: MismatchAnswer
    actor: str
    reason: str


class BotState(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str
    schema: int = SCHEMA
    life: int = 0
    """Counts births of this state; 0 = not born: the venue has not been asked yet."""
    sequence: int = 0
    config: dict[str, str] = {}
    """The config this bot runs by, as text by field; empty = none yet."""
    trading_state: TradingState = TradingState.ACTIVE
    why: str = ""
    halted_from: TradingState = TradingState.ACTIVE
    """State before the strategy itself halted; an answered mismatch returns there."""
    stage: RiskStage = RiskStage.NORMAL
    """The account guard's last word."""
    stage_round: int = 0
    quarantined: bool = False
    """The executor cannot say what became of an order of this symbol: nothing may be added."""
    resolving: Resolution | None = None
    instrument: Instrument | None = None
    reconciled: bool = False
    snapshot_asked: bool = False
    """The snapshot of number `request` is awaited; no command is given until it is there."""
    request: int = 0
    ask_after_ms: int = 0
    mismatches: int = 0
    """Snapshots in a row that disagreed with the book."""
    newest_execution_ms: int = 0
    """Venue time of the newest fill or funding booked."""
    booked_ms: int = 0
    """Our clock at the last booking."""
    duplicates: int = 0
    foreign_orders: tuple[str, ...] = ()
    """The venue's ids of orders that no bot of ours made and that rested at the last snapshot."""
    long: LegState = LegState(book=LegBook(leg=Leg.LONG))
    short: LegState = LegState(book=LegBook(leg=Leg.SHORT))
    quiet_above: Decimal = ZERO
    quiet_below: Decimal = ZERO
    wake_ms: int = 0
    """A tick strictly between the two prices and before `wake_ms` changes nothing (`quiet.py`)."""

    @property
    def legs(self) -> tuple[LegState, LegState]:
        return self.long, self.short
