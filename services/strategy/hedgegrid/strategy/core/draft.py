"""The work sheet of one step: collects changes, commands and ledger rows, then freezes into a Decision."""

from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import Command, RequestSnapshot
from hedgegrid.messages.events import SnapshotReason
from hedgegrid.messages.ledger import LedgerMessage, OpeningDenied, StateChanged
from hedgegrid.strategy.core.common_config import CommonConfig
from hedgegrid.strategy.core.permission import effective_state, stricter
from hedgegrid.strategy.core.state import Backoff, BotState, LegState, WorkingOrder

if TYPE_CHECKING:
    from hedgegrid.strategy.core.leg_strategy import LegStrategy

C = TypeVar("C", bound=CommonConfig)
S = TypeVar("S", bound=BotState)

SNAPSHOT_OVERLAP_MS = 600_000
"""How far before the newest known execution a snapshot looks back: REST lists lag (bybit-v5.md §1.8)."""
RETRY_FIRST_MS = 1_000
RETRY_LONGEST_MS = 60_000
CLOSING_RETRY_LONGEST_MS = 10_000
DENIED_TRY_AGAIN_MS = 60_000
DENIED_TELL_AGAIN_MS = 600_000


class Decision(msgspec.Struct, frozen=True):
    """Result of a step. `state` is the very object given when nothing changed."""

    state: BotState
    commands: tuple[Command, ...] = ()
    ledger: tuple[LedgerMessage, ...] = ()


class Draft(Generic[C, S]):
    def __init__(
        self,
        strategy: "LegStrategy[C, S]",
        config: C,
        state: S,
        now_ms: int,
        cause_ns: int = 0,
        last_px: Decimal | None = None,
    ) -> None:
        self.strategy = strategy
        self.config = config
        self.state = state
        self.now_ms = now_ms
        self.cause_ns = cause_ns
        self.last_px = last_px
        """Of the tick of this step; None in any other step."""
        self.commands: list[Command] = []
        self.ledger: list[LedgerMessage] = []

    @property
    def instrument(self) -> Instrument:
        if self.state.instrument is None:
            raise AssertionError("planning before the first snapshot")
        return self.state.instrument

    @property
    def effective(self) -> TradingState:
        return effective_state(self.state)

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

    def hold_back(self, leg: Leg, purpose: Purpose) -> None:
        """After a refusal wait before trying again, twice as long each time; closing never waits for opening."""
        kind = "closing" if purpose.closes else "opening"
        backoff: Backoff = getattr(self.leg(leg), kind)
        longest_ms = CLOSING_RETRY_LONGEST_MS if purpose.closes else RETRY_LONGEST_MS
        pause_ms = min(longest_ms, RETRY_FIRST_MS * 2 ** min(backoff.failures, 10))
        changed = Backoff(failures=backoff.failures + 1, until_ms=self.now_ms + pause_ms)
        self.change_leg(leg, **{kind: changed})

    def deny(self, leg: Leg, purpose: Purpose, level: int, qty: Decimal, price: Decimal, why: str) -> None:
        """Refuse an opening order of our own: tried again after a minute, told when the reason is new or ten old."""
        before = self.leg(leg)
        self.change_leg(leg, opening=Backoff(until_ms=self.now_ms + DENIED_TRY_AGAIN_MS))
        reason = why.partition(":")[0]
        if before.denied == reason and self.now_ms - before.denied_ms < DENIED_TELL_AGAIN_MS:
            return
        self.change_leg(leg, denied=reason, denied_ms=self.now_ms)
        self.ledger.append(
            OpeningDenied(
                symbol=self.state.symbol,
                leg=leg,
                purpose=purpose,
                level=level,
                qty=qty,
                px=price,
                reason=why,
                ts_event=self.now_ms,
            )
        )

    def set_trading_state(self, state: TradingState, why: str, actor: str) -> None:
        if (state, why) == (self.state.trading_state, self.state.why):
            return
        self.change(trading_state=state, why=why)
        self.ledger.append(
            StateChanged(symbol=self.state.symbol, state=state, reason=why, actor=actor, ts_event=self.now_ms)
        )

    def restrict(self, state: TradingState, why: str) -> None:
        """Move to `state` on the strategy's own account, unless the bot is in a stricter one already."""
        current = self.state.trading_state
        if stricter(current, state) is not state:
            return
        if state is TradingState.HALTED and current is not TradingState.HALTED:
            self.change(halted_from=current)
        self.set_trading_state(state, why, "strategy")

    def freeze(self) -> Decision:
        return Decision(self.state, tuple(self.commands), tuple(self.ledger))
