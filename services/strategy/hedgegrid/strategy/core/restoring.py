"""Merging the venue's snapshot: at birth it is all there is, later it repairs what the streams did not tell."""

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.order import Leg
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import CancelOrder
from hedgegrid.messages.events import (
    FundingPaid,
    OrderFilled,
    OrderRejected,
    PositionChanged,
    SnapshotReason,
    SnapshotTaken,
)
from hedgegrid.messages.ledger import BaselineTaken, DifferenceFound
from hedgegrid.strategy.core.booking import SEEN_KEPT, book_fill, book_funding
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.lifecycle import apply_order_news, retire_unproven
from hedgegrid.strategy.core.rebuilding import rebuild_cycle
from hedgegrid.strategy.core.state import LegState, OrderPhase

MISMATCHES_TOLERATED = 3
ASK_AGAIN_MS = 1_000
QUIET_BEFORE_COMPARING_MS = 2_000


def merge_snapshot(draft: Draft, snapshot: SnapshotTaken) -> None:
    asked = draft.state.snapshot_asked and snapshot.request == draft.state.request
    if asked:
        draft.change(snapshot_asked=False, instrument=snapshot.instrument)
    if draft.state.life == 0:
        if asked:
            _be_born(draft, snapshot)
        return
    for execution in snapshot.executions:
        if isinstance(execution, FundingPaid):
            book_funding(draft, execution)
        elif _may_be_ours(draft, execution):
            book_fill(draft, execution)
    for ended in snapshot.ended_orders:
        if not isinstance(ended, OrderRejected):
            apply_order_news(draft, ended)
    for accepted in snapshot.open_orders:
        apply_order_news(draft, accepted)
    if asked:
        _drop_vanished(draft, snapshot)
        _compare_positions(draft, snapshot)
    _compare_results(draft, snapshot)


def _may_be_ours(draft: Draft, fill: OrderFilled) -> bool:
    """A snapshot repeats the past of earlier lives and of people; only what this life did can be missing."""
    parts = parse_client_order_id(fill.client_order_id)
    return parts is not None and parts.life == draft.state.life


def _drop_vanished(draft: Draft, snapshot: SnapshotTaken) -> None:
    """Orders the venue acknowledged and now shows nowhere are over, as far as anybody can say."""
    shown = {order.client_order_id for order in (*snapshot.open_orders, *snapshot.ended_orders)}
    for leg in draft.state.legs:
        for order in leg.orders:
            if order.client_order_id not in shown and order.phase is not OrderPhase.SUBMITTING:
                retire_unproven(draft, leg.leg, order)


def _compare_positions(draft: Draft, snapshot: SnapshotTaken) -> None:
    for position in snapshot.positions:
        note_position(draft, position)
    differences = [
        f"{leg.leg.word}: ours {leg.book.qty}, venue {leg.venue_qty}"
        for leg in draft.state.legs
        if leg.venue_qty is not None and leg.venue_qty != leg.book.qty
    ]
    if not differences:
        draft.change(reconciled=True, mismatches=0)
        return
    mismatches = draft.state.mismatches + 1
    draft.change(mismatches=mismatches, ask_after_ms=draft.now_ms + ASK_AGAIN_MS * mismatches)
    if mismatches == MISMATCHES_TOLERATED:
        draft.set_trading_state(
            TradingState.HALTED, f"positions differ after {mismatches} snapshots: {'; '.join(differences)}", "strategy"
        )


def _compare_results(draft: Draft, snapshot: SnapshotTaken) -> None:
    """Show any difference between our realised result and the venue's as a row of its own, once.

    Only after a quiet moment: what was booked while the snapshot was being taken may be on either side of it.
    """
    if snapshot.ts_event - draft.state.booked_ms < QUIET_BEFORE_COMPARING_MS:
        return
    for position in snapshot.positions:
        leg = draft.leg(position.leg)
        ours = leg.baseline + leg.book.realised
        if position.qty != leg.book.qty or position.cum_realised == ours:
            continue
        amount = position.cum_realised - ours
        draft.ledger.append(
            DifferenceFound(
                symbol=draft.state.symbol,
                leg=position.leg,
                ours=ours,
                venue=position.cum_realised,
                amount=amount,
                ts_event=draft.now_ms,
            )
        )
        draft.change_leg(position.leg, baseline=leg.baseline + amount)


def note_position(draft: Draft, position: PositionChanged) -> None:
    """Remember the venue's newest word on a leg's quantity; an older word (lower `seq`) is ignored."""
    leg = draft.leg(position.leg)
    if position.seq < leg.venue_seq:
        return
    draft.change_leg(position.leg, venue_qty=position.qty, venue_seq=position.seq)


def _be_born(draft: Draft, snapshot: SnapshotTaken) -> None:
    left_over = [order for order in snapshot.open_orders if parse_client_order_id(order.client_order_id)]
    if len(left_over) < len(snapshot.open_orders):
        draft.set_trading_state(TradingState.HALTED, "orders of somebody else rest on this symbol", "strategy")
    if left_over:
        draft.commands.extend(
            CancelOrder(symbol=draft.state.symbol, leg=order.leg, client_order_id=order.client_order_id)
            for order in left_over
        )
        draft.ask_snapshot(SnapshotReason.START)  # the bot is born when none of its earlier lives' orders is left
        return
    draft.change(life=snapshot.highest_life + 1, reconciled=True)
    fills = [row for row in snapshot.executions if isinstance(row, OrderFilled)]
    for leg in Leg:
        _adopt_leg(draft, leg, snapshot, [fill for fill in fills if fill.leg is leg])
    newest_ms = max((row.ts_event for row in snapshot.executions), default=0)
    draft.change(newest_execution_ms=newest_ms)


def _adopt_leg(draft: Draft, leg: Leg, snapshot: SnapshotTaken, fills: list[OrderFilled]) -> None:
    position = next((p for p in snapshot.positions if p.leg is leg), None)
    seen = tuple(row.trade_id for row in snapshot.executions if row.leg is leg)[-SEEN_KEPT:]
    cum_realised = position.cum_realised if position else LegBook(leg=leg).realised
    state = LegState(book=LegBook(leg=leg), baseline=cum_realised, seen_ids=seen)
    if position is not None and position.qty > 0:
        rebuilt = rebuild_cycle(position, fills)
        if rebuilt is None:
            draft.set_trading_state(
                TradingState.HALTED,
                f"the venue holds {position.qty} on the {leg.word} leg and its executions do not explain it",
                "strategy",
            )
        else:
            levels, cycle = rebuilt
            book = LegBook(leg=leg, qty=position.qty, entry_value=position.qty * position.entry_px)
            state = LegState(book=book, baseline=cum_realised, seen_ids=seen, levels=levels, cycle=cycle)
    draft.change(**{leg.word: state})
    if position is not None:
        note_position(draft, position)
    draft.ledger.append(
        BaselineTaken(symbol=draft.state.symbol, leg=leg, cum_realised=cum_realised, ts_event=draft.now_ms)
    )
