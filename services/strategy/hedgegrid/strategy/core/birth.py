"""How a bot without a state of its own begins: with what the venue holds, its levels rebuilt from executions.

An answered mismatch is a birth too: the bot forgets its books and takes the venue's.
"""

from typing import Any

import msgspec

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.order import Leg
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import CancelOrder
from hedgegrid.messages.events import OrderFilled, PositionChanged, SnapshotReason, SnapshotTaken
from hedgegrid.messages.ledger import BaselineTaken, MismatchFound
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.foreign_orders import note_foreign_orders
from hedgegrid.strategy.core.rebuilding import rebuild_cycle, single_level
from hedgegrid.strategy.core.seen import trimmed
from hedgegrid.strategy.core.state import Cycle, LegState, Level, Seen


def be_born(draft: Draft[Any, Any], snapshot: SnapshotTaken, accept_all: bool = False) -> bool:
    """Begin a life from an asked snapshot; False while orders of an earlier life must be cancelled first.

    With `accept_all` a position that the executions do not explain is taken as one entry at its average.
    """
    left_over = [order for order in snapshot.open_orders if parse_client_order_id(order.client_order_id)]
    note_foreign_orders(draft, snapshot, accepted=accept_all)
    if left_over:
        draft.commands.extend(
            CancelOrder(symbol=draft.state.symbol, leg=order.leg, client_order_id=order.client_order_id)
            for order in left_over
        )
        draft.ask_snapshot(SnapshotReason.START)  # a life begins when none of an earlier one's orders is left
        return False
    life = max(snapshot.highest_life, draft.state.life) + 1
    draft.change(life=life, sequence=0, reconciled=True, mismatches=0)
    for leg in Leg:
        _take_leg(draft, leg, snapshot, accept_all)
    newest_ms = max((row.ts_event for row in snapshot.executions), default=0)
    draft.change(newest_execution_ms=max(newest_ms, draft.state.newest_execution_ms))
    return True


def note_position(draft: Draft[Any, Any], position: PositionChanged) -> None:
    """Remember the venue's newest word on a leg's quantity; an older word (lower `seq`) is ignored."""
    leg = draft.leg(position.leg)
    if position.seq < leg.venue_seq:
        return
    draft.change_leg(position.leg, venue_qty=position.qty, venue_seq=position.seq)


def _take_leg(draft: Draft[Any, Any], leg: Leg, snapshot: SnapshotTaken, accept_all: bool) -> None:
    position = next((p for p in snapshot.positions if p.leg is leg), None)
    rows = sorted((row for row in snapshot.executions if row.leg is leg), key=lambda row: row.ts_event)
    book, cycle = LegBook(leg=leg), Cycle()
    levels: tuple[Level, ...] = ()
    if position is not None and position.qty > 0:
        rebuilt = rebuild_cycle(draft, position, [row for row in rows if isinstance(row, OrderFilled)])
        if rebuilt is None and accept_all:
            rebuilt = single_level(position)
        if rebuilt is None:
            _halt_unexplained(draft, position)
        else:
            levels, cycle = rebuilt
            book = LegBook(leg=leg, qty=position.qty, entry_value=position.qty * position.entry_px)
    before = draft.leg(leg).cycle
    cycle = msgspec.structs.replace(cycle, number=before.number, after_ms=before.after_ms)
    cum_realised = position.cum_realised if position else LegBook(leg=leg).realised
    draft.change(**{leg.word: LegState(book=book, baseline=cum_realised, levels=levels, cycle=cycle)})
    # What is listed is inside the baseline, and so is everything older.
    known = trimmed([Seen(row.ts_event, row.trade_id) for row in rows], rows[-1].ts_event if rows else 0)
    draft.change_leg(leg, **known)
    if position is not None:
        note_position(draft, position)
    draft.ledger.append(
        BaselineTaken(symbol=draft.state.symbol, leg=leg, cum_realised=cum_realised, ts_event=draft.now_ms)
    )


def _halt_unexplained(draft: Draft[Any, Any], position: PositionChanged) -> None:
    text = f"the venue holds {position.qty} on the {position.leg.word} leg and its executions do not explain it"
    report_mismatch(draft, position, text)
    draft.restrict(TradingState.HALTED, text)


def report_mismatch(draft: Draft[Any, Any], position: PositionChanged, text: str) -> None:
    """A ledger row with both sides of a leg."""
    book = draft.leg(position.leg).book
    draft.ledger.append(
        MismatchFound(
            symbol=draft.state.symbol,
            leg=position.leg,
            our_qty=book.qty,
            our_entry_px=book.entry_px,
            venue_qty=position.qty,
            venue_entry_px=position.entry_px,
            text=text,
            ts_event=draft.now_ms,
        )
    )
