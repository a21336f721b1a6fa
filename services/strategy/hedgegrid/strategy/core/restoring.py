"""Merging the venue's snapshot: what is missing is booked, what is gone is dropped, what disagrees is shown."""

from typing import Any

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import MismatchAnswer
from hedgegrid.messages.events import FundingPaid, OrderRejected, SnapshotReason, SnapshotTaken
from hedgegrid.messages.ledger import DifferenceFound
from hedgegrid.strategy.core.birth import be_born, note_position, report_mismatch
from hedgegrid.strategy.core.booking import book_fill, book_funding
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.foreign_orders import note_foreign_orders
from hedgegrid.strategy.core.kill_switch import is_emergency_close
from hedgegrid.strategy.core.lifecycle import apply_order_news, retire_unproven
from hedgegrid.strategy.core.lost_future import cancel_orphans, learn_sizes, own_parts, skip_used_ids
from hedgegrid.strategy.core.resolving import resolve_mismatch
from hedgegrid.strategy.core.state import MISMATCHES_TOLERATED, OrderPhase

ASK_AGAIN_MS = 1_000
SETTLED_MS = 5_000
"""The venue's lists are written late: what we did so recently may not be in them, and its absence proves nothing."""
QUIET_BEFORE_COMPARING_MS = 2_000


def merge_snapshot(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> None:
    asked = draft.state.snapshot_asked and snapshot.request == draft.state.request
    if asked:
        draft.change(snapshot_asked=False)
    if asked or snapshot.reason is SnapshotReason.AUDIT:  # which reads the trading rules anew
        draft.change(instrument=snapshot.instrument)
    if draft.state.life == 0:
        if asked:
            be_born(draft, snapshot)
        return
    # What was booked after the snapshot was taken is not in it: only a newer one can be taken as the whole truth.
    newer = asked and snapshot.ts_event > draft.state.newest_execution_ms
    resolution = draft.state.resolving if newer else None
    _book(draft, snapshot, asked)
    if resolution is not None and resolution.action is not MismatchAnswer.IGNORE:
        _compare_results(draft, snapshot)
        resolve_mismatch(draft, resolution, snapshot)
        return
    if asked:
        is_settled = _drop_vanished(draft, snapshot)
        skip_used_ids(draft, snapshot)
        cancel_orphans(draft, snapshot)
        note_foreign_orders(draft, snapshot)
        if resolution is not None:
            resolve_mismatch(draft, resolution, snapshot)
        _compare_positions(draft, snapshot)
        if not (is_settled and draft.state.resolving is None) and not draft.state.snapshot_asked:
            draft.change(reconciled=False, ask_after_ms=draft.now_ms + ASK_AGAIN_MS)
    _compare_results(draft, snapshot)


def _book(draft: Draft[Any, Any], snapshot: SnapshotTaken, asked: bool) -> None:
    """Executions first, so that an order does not end before its fills are counted. Of executions a snapshot repeats
    the past of earlier lives and of people; only what this life did, and the kill switch for it, can be missing."""
    learn_sizes(draft, snapshot)
    for execution in snapshot.executions:
        if isinstance(execution, FundingPaid):
            book_funding(draft, execution)
        elif own_parts(draft, execution.client_order_id) or is_emergency_close(draft, execution.client_order_id):
            book_fill(draft, execution, told_all=asked)
    for ended in snapshot.ended_orders:
        if not isinstance(ended, OrderRejected):
            apply_order_news(draft, ended)
    for accepted in snapshot.open_orders:
        apply_order_news(draft, accepted)


def _drop_vanished(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> bool:
    """Orders the venue acknowledged and now shows nowhere are over, as far as anybody can say. False if it may just
    not show them yet: then it must be asked again."""
    is_settled = True
    shown = {order.client_order_id for order in (*snapshot.open_orders, *snapshot.ended_orders)}
    for leg in draft.state.legs:
        for order in leg.orders:
            if order.client_order_id in shown or order.phase is OrderPhase.SUBMITTING:
                continue
            if _is_recent(draft, order.since_ms):
                is_settled = False
            else:
                retire_unproven(draft, leg.leg, order)
    return is_settled


def _is_recent(draft: Draft[Any, Any], at_ms: int) -> bool:
    return draft.now_ms - at_ms < SETTLED_MS


def _compare_positions(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> None:
    for position in snapshot.positions:
        note_position(draft, position)
    differing = [leg for leg in draft.state.legs if leg.differs]
    if not differing:
        if not draft.state.snapshot_asked:
            draft.change(reconciled=True)
        draft.change(mismatches=0)
        _let_go_of_unbookable(draft, snapshot)
        return
    if _is_recent(draft, draft.state.booked_ms):
        draft.change(ask_after_ms=draft.now_ms + ASK_AGAIN_MS)
        return
    mismatches = draft.state.mismatches + 1
    draft.change(mismatches=mismatches, ask_after_ms=draft.now_ms + ASK_AGAIN_MS * mismatches)
    if mismatches == MISMATCHES_TOLERATED:
        texts = [f"{leg.leg.word}: ours {leg.book.qty}, venue {leg.ours_at_venue}" for leg in differing]
        text = f"positions differ after {mismatches} snapshots: {'; '.join(texts)}"
        for position in snapshot.positions:
            if draft.leg(position.leg).differs:
                report_mismatch(draft, position, text)
        draft.restrict(TradingState.HALTED, text)


def _let_go_of_unbookable(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> None:
    """Every execution was told and the positions agree: what an order that the snapshot shows as ended still waits for
    can never be booked. The results differ by it, and that is told (`DifferenceFound`)."""
    ended = {order.client_order_id for order in snapshot.ended_orders}
    for leg in draft.state.legs:
        for order in leg.orders:
            is_over = order.phase is OrderPhase.ENDED and order.client_order_id in ended
            if is_over and not _is_recent(draft, order.since_ms):
                retire_unproven(draft, leg.leg, order)


def _compare_results(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> None:
    """Show any difference between our realised result and the venue's as a row of its own, once.

    Only after a quiet moment: what was booked while the snapshot was being taken may be on either side of it. And only
    where the positions agree, or are about to be taken over.
    """
    if snapshot.ts_event - draft.state.booked_ms < QUIET_BEFORE_COMPARING_MS:
        return
    for position in snapshot.positions:
        leg = draft.leg(position.leg)
        ours = leg.baseline + leg.book.realised
        agrees = position.qty == leg.book.qty + leg.foreign_qty
        if position.cum_realised == ours or not (agrees or draft.state.resolving):
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
