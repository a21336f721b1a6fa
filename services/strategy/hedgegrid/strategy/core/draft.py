"""The work sheet of one step: collects changes, commands and ledger rows, then freezes into a Decision."""

import msgspec

from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import Command, RequestSnapshot
from hedgegrid.messages.events import SnapshotReason
from hedgegrid.messages.ledger import LedgerMessage, StateChanged
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.state import BotState, LegState, WorkingOrder

SNAPSHOT_OVERLAP_MS = 600_000
"""How far before the newest known execution a snapshot looks back: REST lists lag (bybit-v5.md §1.8)."""
RETRY_FIRST_MS = 1_000
RETRY_LONGEST_MS = 60_000


class Decision(msgspec.Struct, frozen=True):
    """Result of a step. `state` is the very object given when nothing changed."""

    state: BotState
    commands: tuple[Command, ...] = ()
    ledger: tuple[LedgerMessage, ...] = ()


class Draft:
    def __init__(self, config: DualGridConfig, state: BotState, now_ms: int, cause_ns: int = 0) -> None:
        self.config = config
        self.state = state
        self.now_ms = now_ms
        self.cause_ns = cause_ns
        self.commands: list[Command] = []
        self.ledger: list[LedgerMessage] = []

    @property
    def instrument(self) -> Instrument:
        if self.state.instrument is None:
            raise AssertionError("planning before the first snapshot")
        return self.state.instrument

    def change(self, **fields: object) -> None:
        self.state = msgspec.structs.replace(self.state, **fields)

    def leg(self, leg: Leg) -> LegState:
        return self.state.long if leg is Leg.LONG else self.state.short

    def change_leg(self, leg: Leg, **fields: object) -> LegState:
        changed = msgspec.structs.replace(self.leg(leg), **fields)
        self.change(**{leg.word: changed})
        return changed

    def put_order(self, leg: Leg, order: WorkingOrder) -> None:
        """Add an order, or replace the one with its id."""
        others = tuple(o for o in self.leg(leg).orders if o.client_order_id != order.client_order_id)
        self.change_leg(leg, orders=(*others, order))

    def drop_order(self, leg: Leg, client_order_id: str) -> None:
        kept = tuple(o for o in self.leg(leg).orders if o.client_order_id != client_order_id)
        self.change_leg(leg, orders=kept)

    def next_id(self, leg: Leg, purpose: Purpose, level: int) -> str:
        sequence = self.state.sequence + 1
        self.change(sequence=sequence)
        return str(ClientOrderId(self.state.life, self.state.symbol, leg, purpose, level, sequence))

    def ask_snapshot(self, reason: SnapshotReason) -> None:
        """Ask the venue for the truth and place nothing until it answers."""
        self.change(reconciled=False)
        if self.state.snapshot_asked:
            return
        since_ms = max(0, self.state.newest_execution_ms - SNAPSHOT_OVERLAP_MS)
        request = self.state.request + 1
        self.commands.append(
            RequestSnapshot(symbol=self.state.symbol, reason=reason, request=request, executions_since_ms=since_ms)
        )
        self.change(snapshot_asked=True, request=request)

    def hold_back(self, leg: Leg) -> None:
        """After a refusal wait before trying again, twice as long each time."""
        failures = self.leg(leg).failures + 1
        pause_ms = min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** min(failures - 1, 10))
        self.change_leg(leg, failures=failures, retry_after_ms=self.now_ms + pause_ms)

    def set_trading_state(self, state: TradingState, why: str, actor: str) -> None:
        if (state, why) == (self.state.trading_state, self.state.why):
            return
        self.change(trading_state=state, why=why)
        self.ledger.append(
            StateChanged(symbol=self.state.symbol, state=state, reason=why, actor=actor, ts_event=self.now_ms)
        )

    def freeze(self) -> Decision:
        return Decision(self.state, tuple(self.commands), tuple(self.ledger))
