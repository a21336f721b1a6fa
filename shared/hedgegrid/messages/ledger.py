"""Messages of `{acct}:ledger`: what was earned and why, written inside the strategy commit.

Σ FillBooked(gross − fee) − Σ FundingBooked(amount) of a (symbol, leg) equals the growth of Bybit's `cumRealisedPnl`
since BaselineTaken.
"""

from decimal import Decimal

import msgspec

from hedgegrid.domain.order import ExecType, Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.base import Message
from hedgegrid.messages.control import MismatchAnswer


class LedgerRow(Message, frozen=True, kw_only=True):
    symbol: str
    ts_event: int


class BaselineTaken(LedgerRow, frozen=True, kw_only=True):
    """The venue's all-time `cumRealisedPnl` of the leg when the bot's state was born."""

    leg: Leg
    cum_realised: Decimal


class FillBooked(LedgerRow, frozen=True, kw_only=True):
    leg: Leg
    cycle: int
    level: int
    purpose: Purpose | None
    """None for a fill no order of ours asked for."""
    client_order_id: str
    trade_id: str
    exec_type: ExecType
    qty: Decimal
    px: Decimal
    gross: Decimal
    fee: Decimal
    is_maker: bool


class FundingBooked(LedgerRow, frozen=True, kw_only=True):
    leg: Leg
    cycle: int
    trade_id: str
    amount: Decimal
    rate: Decimal


class CycleClosed(LedgerRow, frozen=True, kw_only=True):
    """One round of a leg from its first entry to flat. `net` = gross − entry_fees − exit_fees − funding."""

    leg: Leg
    cycle: int
    opened_ms: int
    levels: int
    qty: Decimal
    entry_px: Decimal
    exit_px: Decimal
    gross: Decimal
    entry_fees: Decimal
    exit_fees: Decimal
    funding: Decimal
    net: Decimal


class DifferenceFound(LedgerRow, frozen=True, kw_only=True):
    """Our realised result and the venue's disagree by `amount` (venue − ours); never hidden."""

    leg: Leg
    ours: Decimal
    venue: Decimal
    amount: Decimal


class OpeningDenied(LedgerRow, frozen=True, kw_only=True):
    """We refused an entry or averaging order of our own; told once per reason and ten minutes."""

    leg: Leg
    purpose: Purpose
    level: int
    qty: Decimal
    px: Decimal
    reason: str
    """The setting that forbids it, with its figures."""


class ConfigChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field, as text; "" where it was or is absent."""

    field: str
    old: str
    new: str
    next_cycle: bool
    """True: an open cycle keeps the old value until it is flat."""


class ConfigChanged(LedgerRow, frozen=True, kw_only=True):
    """The bot runs by other settings than before; nothing is reset."""

    changes: tuple[ConfigChange, ...]


class MismatchFound(LedgerRow, frozen=True, kw_only=True):
    """Both sides of a position that the books do not explain; the bot is HALTED until the operator answers."""

    leg: Leg
    our_qty: Decimal
    our_entry_px: Decimal
    venue_qty: Decimal
    venue_entry_px: Decimal
    text: str


class MismatchResolved(LedgerRow, frozen=True, kw_only=True):
    """What came of the operator's answer."""

    action: MismatchAnswer
    outcome: str
    reason: str
    actor: str


class StateChanged(LedgerRow, frozen=True, kw_only=True):
    state: TradingState
    reason: str
    actor: str


LedgerMessage = (
    BaselineTaken
    | FillBooked
    | FundingBooked
    | CycleClosed
    | DifferenceFound
    | OpeningDenied
    | ConfigChanged
    | MismatchFound
    | MismatchResolved
    | StateChanged
)
