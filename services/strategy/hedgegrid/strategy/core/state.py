"""Everything a bot knows; serialised whole at every commit."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, OrderType, Purpose
from hedgegrid.domain.trading_state import TradingState

SCHEMA = 1


class OrderPhase(StrEnum):
    """Where an order of ours stands. Only LIVE orders may be given a new command."""

    SUBMITTING = "submitting"
    """Commanded; no outcome known."""
    ACKED = "acked"
    """Taken for processing, not seen on the order topic yet."""
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
    cum_qty: Decimal = ZERO
    trade_ids: tuple[str, ...] = ()
    final_qty: Decimal | None = None
    new_qty: Decimal | None = None
    new_price: Decimal | None = None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One filled entry of the open cycle; `value` = Σ price × qty."""

    qty: Decimal
    value: Decimal

    @property
    def px(self) -> Decimal:
        return self.value / self.qty


class Cycle(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of the open cycle of a leg, in quote coin; quantities in base coin."""

    number: int = 1
    opened_ms: int = 0
    entry_qty: Decimal = ZERO
    entry_value: Decimal = ZERO
    entry_fees: Decimal = ZERO
    exit_qty: Decimal = ZERO
    exit_value: Decimal = ZERO
    exit_fees: Decimal = ZERO
    gross: Decimal = ZERO
    funding: Decimal = ZERO


class LegState(msgspec.Struct, frozen=True, kw_only=True):
    book: LegBook
    cycle: Cycle = Cycle()
    levels: tuple[Level, ...] = ()
    orders: tuple[WorkingOrder, ...] = ()
    unproven: tuple[WorkingOrder, ...] = ()
    """Orders taken as ended without the venue's word on every fill; a late fill of theirs is still booked."""
    seen_ids: tuple[str, ...] = ()
    """Newest trade ids of funding and of fills that no order of ours asked for."""
    venue_qty: Decimal | None = None
    venue_seq: int = -1
    venue_since_ms: int = 0
    """Our wall clock when the venue's quantity began to differ from the book's; 0 = agrees."""
    baseline: Decimal = ZERO
    """The venue's all-time realised result when this state was born."""
    failures: int = 0
    retry_after_ms: int = 0

    @property
    def leg(self) -> Leg:
        return self.book.leg


class BotState(msgspec.Struct, frozen=True, kw_only=True):
    symbol: str
    schema: int = SCHEMA
    life: int = 0
    """Counts births of this state; 0 = not born: the venue has not been asked yet."""
    sequence: int = 0
    trading_state: TradingState = TradingState.ACTIVE
    why: str = ""
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
    long: LegState = LegState(book=LegBook(leg=Leg.LONG))
    short: LegState = LegState(book=LegBook(leg=Leg.SHORT))
    quiet_above: Decimal = ZERO
    quiet_below: Decimal = ZERO
    wake_ms: int = 0
    """A tick strictly between the two prices and before `wake_ms` changes nothing (`quiet.py`)."""

    @property
    def legs(self) -> tuple[LegState, LegState]:
        return self.long, self.short
