"""One step of a bot: a pure function of strategy, config, state and event."""

from typing import TYPE_CHECKING, Any

from hedgegrid.messages.control import ClearKillSwitch, ResolveMismatch, SetTradingState, ThrowKillSwitch
from hedgegrid.messages.events import (
    FundingPaid,
    KillSwitchChanged,
    OrderAccepted,
    OrderFilled,
    PositionChanged,
    QuarantineChanged,
    RiskStageChanged,
    SnapshotFailed,
    SnapshotReason,
    SnapshotTaken,
    TradingStateChanged,
    WalletChanged,
)
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.birth import note_position
from hedgegrid.strategy.core.booking import book_fill, book_funding
from hedgegrid.strategy.core.config_change import note_config
from hedgegrid.strategy.core.draft import C, Decision, Draft, S
from hedgegrid.strategy.core.foreign_orders import look_into_foreign_order
from hedgegrid.strategy.core.guard_stage import take_stage
from hedgegrid.strategy.core.inputs import CoreInput, GapFound, WorkerStarted
from hedgegrid.strategy.core.kill_switch import take_kill
from hedgegrid.strategy.core.lifecycle import apply_order_news
from hedgegrid.strategy.core.planning import plan
from hedgegrid.strategy.core.quiet import doubt_deadline_ms, settle_quiet_range
from hedgegrid.strategy.core.resolving import take_answer
from hedgegrid.strategy.core.restoring import ASK_AGAIN_MS, merge_snapshot

if TYPE_CHECKING:
    from hedgegrid.strategy.core.leg_strategy import LegStrategy

PRIVATE = "private"


def step(strategy: "LegStrategy[C, S]", config: C, state: S, event: CoreInput) -> Decision:
    """Take one event in; never raises for anything the venue, a person or a lost message can do.

    The clock of a step is our receive time of its event (`ts_init`, or `ts_event` of what we wrote ourselves).
    """
    if isinstance(event, QuoteTick):
        return _on_tick(strategy, config, state, event)
    draft = Draft(strategy, config, state, _now_ms(event))
    _apply(draft, event)
    if draft.state is state:
        return Decision(state, (), tuple(draft.ledger))
    _note_doubts(draft)
    plan(draft, None)
    settle_quiet_range(draft)
    return draft.freeze()


def _on_tick(strategy: "LegStrategy[C, S]", config: C, state: S, tick: QuoteTick) -> Decision:
    if state.quiet_above < tick.last_px < state.quiet_below and tick.ts_init < state.wake_ms:
        return Decision(state)
    draft = Draft(strategy, config, state, tick.ts_init, tick.cause_ns, tick.last_px)
    if not state.reconciled:
        if not state.snapshot_asked and tick.ts_init >= state.ask_after_ms:
            draft.ask_snapshot(SnapshotReason.GAP if state.life else SnapshotReason.START)
    elif tick.ts_init >= doubt_deadline_ms(draft):
        draft.ask_snapshot(SnapshotReason.GAP)
    elif draft.effective.may_take_profit:
        strategy.observe(draft, tick)
    plan(draft, tick)
    settle_quiet_range(draft)
    return Decision(state) if draft.state == state else draft.freeze()


def _apply(draft: Draft[Any, Any], event: CoreInput) -> None:
    match event:
        case WorkerStarted():
            note_config(draft)
            draft.change(snapshot_asked=False)
            draft.ask_snapshot(SnapshotReason.START)
        case GapFound():
            draft.change(snapshot_asked=False)
            draft.ask_snapshot(SnapshotReason.GAP if draft.state.life else SnapshotReason.START)
        case SnapshotTaken():
            merge_snapshot(draft, event)
        case SnapshotFailed():
            if event.request == draft.state.request:
                draft.change(snapshot_asked=False, ask_after_ms=draft.now_ms + ASK_AGAIN_MS)
        case SetTradingState() | TradingStateChanged():
            draft.change(halted_from=event.state)  # where an answered mismatch leads back to
            draft.set_trading_state(event.state, event.reason, event.actor)
        case RiskStageChanged():
            take_stage(draft, event)
        case QuarantineChanged():
            draft.change(quarantined=event.active)
        case ResolveMismatch():
            take_answer(draft, event)
        case ThrowKillSwitch():
            take_kill(draft, event.level, event.reason, event.actor)
        case KillSwitchChanged() if event.level is not None:
            take_kill(draft, event.level, event.reason, f"executor ({event.source})")
        case WalletChanged() | FeedStale() | ClearKillSwitch() | KillSwitchChanged():
            pass
        case _ if draft.state.life:  # before birth the snapshot tells everything; older news would be counted twice
            _apply_to_living(draft, event)


def _apply_to_living(draft: Draft[Any, Any], event: CoreInput) -> None:
    match event:
        case OrderFilled():
            book_fill(draft, event)
        case FundingPaid():
            book_funding(draft, event)
        case PositionChanged():
            note_position(draft, event)
        case FeedLost() if event.feed == PRIVATE:
            draft.change(reconciled=False, ask_after_ms=2**62)
        case FeedConnected() if event.feed == PRIVATE:
            draft.change(snapshot_asked=False)
            draft.ask_snapshot(SnapshotReason.RECONNECT)
        case FeedConnected() | FeedLost():
            pass
        case OrderAccepted():
            look_into_foreign_order(draft, event)
            apply_order_news(draft, event)
        case QuoteTick():
            raise AssertionError("ticks take their own way")
        case _:
            apply_order_news(draft, event)  # type: ignore[arg-type]


def _note_doubts(draft: Draft[Any, Any]) -> None:
    """Start or stop the clock of a leg whose quantity differs from the venue's word."""
    for leg in draft.state.legs:
        if leg.differs != bool(leg.venue_since_ms):
            draft.change_leg(leg.leg, venue_since_ms=draft.now_ms if leg.differs else 0)


def _now_ms(event: CoreInput) -> int:
    return getattr(event, "ts_init", event.ts_event)
