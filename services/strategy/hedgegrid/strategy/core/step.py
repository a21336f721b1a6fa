"""One step of the dual-sided grid: a pure function of config, state and event."""

from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import (
    FundingPaid,
    OrderFilled,
    PositionChanged,
    RiskStageChanged,
    SnapshotFailed,
    SnapshotReason,
    SnapshotTaken,
    TradingStateChanged,
    WalletChanged,
)
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.booking import book_fill, book_funding
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.draft import Decision, Draft
from hedgegrid.strategy.core.inputs import CoreInput, GapFound, WorkerStarted
from hedgegrid.strategy.core.lifecycle import apply_order_news
from hedgegrid.strategy.core.planning import plan
from hedgegrid.strategy.core.quiet import doubt_deadline_ms, settle_quiet_range
from hedgegrid.strategy.core.restoring import ASK_AGAIN_MS, merge_snapshot, note_position
from hedgegrid.strategy.core.state import BotState

PRIVATE = "private"


def step(config: DualGridConfig, state: BotState, event: CoreInput) -> Decision:
    """Take one event in; never raises for anything the venue, a person or a lost message can do.

    The clock of a step is our receive time of its event (`ts_init`, or `ts_event` of what we wrote ourselves).
    """
    if isinstance(event, QuoteTick):
        return _on_tick(config, state, event)
    draft = Draft(config, state, _now_ms(event))
    _apply(draft, event)
    if draft.state is state:
        return Decision(state)
    _note_doubts(draft)
    plan(draft, None)
    settle_quiet_range(draft)
    return draft.freeze()


def _on_tick(config: DualGridConfig, state: BotState, tick: QuoteTick) -> Decision:
    if state.quiet_above < tick.last_px < state.quiet_below and tick.ts_init < state.wake_ms:
        return Decision(state)
    draft = Draft(config, state, tick.ts_init, tick.cause_ns)
    if not state.reconciled:
        if not state.snapshot_asked and tick.ts_init >= state.ask_after_ms:
            draft.ask_snapshot(SnapshotReason.GAP if state.life else SnapshotReason.START)
    elif tick.ts_init >= doubt_deadline_ms(draft):
        draft.ask_snapshot(SnapshotReason.GAP)
    plan(draft, tick)
    settle_quiet_range(draft)
    return Decision(state) if draft.state == state else draft.freeze()


def _apply(draft: Draft, event: CoreInput) -> None:
    if isinstance(event, WorkerStarted):
        draft.change(snapshot_asked=False)
        draft.ask_snapshot(SnapshotReason.START)
        return
    if isinstance(event, SnapshotTaken):
        merge_snapshot(draft, event)
        return
    if isinstance(event, SnapshotFailed):
        if event.request == draft.state.request:
            draft.change(snapshot_asked=False, ask_after_ms=draft.now_ms + ASK_AGAIN_MS)
        return
    if isinstance(event, SetTradingState | TradingStateChanged):
        draft.set_trading_state(event.state, event.reason, event.actor)
        return
    if draft.state.life == 0:
        return  # before birth the snapshot tells everything; news of an earlier life would be counted twice
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
        case GapFound():
            draft.change(snapshot_asked=False)
            draft.ask_snapshot(SnapshotReason.GAP)
        case WalletChanged() | RiskStageChanged() | FeedConnected() | FeedLost() | FeedStale():
            pass
        case QuoteTick():
            raise AssertionError("ticks take their own way")
        case _:
            apply_order_news(draft, event)


def _note_doubts(draft: Draft) -> None:
    """Start or stop the clock of a leg whose quantity differs from the venue's word."""
    for leg in draft.state.legs:
        differs = leg.venue_qty is not None and leg.venue_qty != leg.book.qty
        if differs != bool(leg.venue_since_ms):
            draft.change_leg(leg.leg, venue_since_ms=draft.now_ms if differs else 0)


def _now_ms(event: CoreInput) -> int:
    return getattr(event, "ts_init", event.ts_event)
