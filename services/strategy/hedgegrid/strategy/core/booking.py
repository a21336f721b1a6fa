"""Money events: each execution and each funding payment is booked once, as what it is."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import ExecType, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.events import FundingPaid, OrderFilled, SnapshotReason
from hedgegrid.messages.ledger import CycleClosed, FillBooked, FundingBooked
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.kill_switch import CLOSED_BY_KILL_SWITCH, is_emergency_close
from hedgegrid.strategy.core.ladder import break_even_px
from hedgegrid.strategy.core.lost_future import order_of_lost_future, own_parts
from hedgegrid.strategy.core.seen import is_seen, remembered
from hedgegrid.strategy.core.state import Backoff, Cycle, LegState, Level, WorkingOrder

_UNASKED = {
    ExecType.TRADE: TradingState.HALTED,
    ExecType.BUST_TRADE: TradingState.HALTED,
    ExecType.DELIVERY: TradingState.HALTED,
    ExecType.ADL_TRADE: TradingState.TP_ONLY,
}
"""What a bot becomes when something is done to its position that no order of it asked for."""


def book_fill(draft: Draft[Any, Any], fill: OrderFilled, told_all: bool = False) -> None:
    """Book an execution of this symbol, whatever order it belongs to and however often it is told.

    With `told_all` it comes with everything that the venue knows, and nothing more can be learnt by asking.
    """
    order = _order_of(draft, fill)
    if order is None:
        order = order_of_lost_future(draft, fill)
        if order is not None and not told_all:
            draft.ask_snapshot(SnapshotReason.GAP)
    leg = draft.leg(fill.leg)
    if _is_known(draft, leg, order, fill):
        draft.change(duplicates=draft.state.duplicates + 1)
        return
    if fill.exec_type is ExecType.SETTLE:
        _book_settlement(draft, fill)
        return
    closes = fill.side is fill.leg.closing_side
    if closes and fill.last_qty > leg.book.qty:
        if not told_all:
            draft.ask_snapshot(SnapshotReason.GAP)  # the fill that opened it is missing; both will be in the answer
        return
    if closes:
        _book_exit(draft, fill, order)
    else:
        _book_entry(draft, fill, order)
    _note_time(draft, fill.ts_event)
    if order is not None:
        _advance(draft, fill, order)
    else:
        draft.change_leg(fill.leg, **remembered(draft.leg(fill.leg), fill.ts_event, fill.trade_id))
        draft.restrict(_UNASKED.get(fill.exec_type, TradingState.HALTED), _why_unasked(draft, fill))
    if draft.leg(fill.leg).book.qty == 0:
        _close_cycle(draft, fill)
    _settle_break_even(draft, draft.leg(fill.leg))


def _why_unasked(draft: Draft[Any, Any], fill: OrderFilled) -> str:
    if is_emergency_close(draft, fill.client_order_id):
        return CLOSED_BY_KILL_SWITCH
    return f"{fill.exec_type} of {fill.last_qty} on the {fill.leg.word} leg that no order of this bot asked for"


def book_funding(draft: Draft[Any, Any], funding: FundingPaid) -> None:
    leg = draft.leg(funding.leg)
    if is_seen(leg, funding.ts_event, funding.trade_id):
        draft.change(duplicates=draft.state.duplicates + 1)
        return
    cycle = msgspec.structs.replace(leg.cycle, funding=leg.cycle.funding + funding.amount)
    known = remembered(leg, funding.ts_event, funding.trade_id)
    leg = draft.change_leg(funding.leg, book=leg.book.funded(funding.amount), cycle=cycle, **known)
    _note_time(draft, funding.ts_event)
    _settle_break_even(draft, leg)
    draft.ledger.append(
        FundingBooked(
            symbol=draft.state.symbol,
            leg=funding.leg,
            cycle=cycle.number,
            trade_id=funding.trade_id,
            amount=funding.amount,
            rate=funding.rate,
            ts_event=funding.ts_event,
        )
    )


def is_complete(order: WorkingOrder) -> bool:
    """Terminal with every fill booked. Until the venue has told what became of an amend, no quantity is final."""
    if order.final_qty is not None:
        return order.cum_qty >= order.final_qty
    return order.cum_qty >= order.qty and order.new_qty is None


def _note_time(draft: Draft[Any, Any], ts_event: int) -> None:
    newest_ms = max(draft.state.newest_execution_ms, ts_event)
    booked_ms = max(draft.state.booked_ms, draft.now_ms)  # a snapshot may have been under way for long
    draft.change(newest_execution_ms=newest_ms, booked_ms=booked_ms)


def _order_of(draft: Draft[Any, Any], fill: OrderFilled) -> WorkingOrder | None:
    leg = draft.leg(fill.leg)
    for order in (*leg.orders, *leg.unproven):
        if order.client_order_id == fill.client_order_id:
            return order
    return None


def _is_known(draft: Draft[Any, Any], leg: LegState, order: WorkingOrder | None, fill: OrderFilled) -> bool:
    """An order leaves the state only when every fill of it is booked, so a fill of an order of this life that is not
    there any more is a repetition."""
    if order is not None:
        return fill.trade_id in order.trade_ids
    return own_parts(draft, fill.client_order_id) is not None or is_seen(leg, fill.ts_event, fill.trade_id)


def _book_entry(draft: Draft[Any, Any], fill: OrderFilled, order: WorkingOrder | None) -> None:
    leg = draft.leg(fill.leg)
    value = fill.last_qty * fill.last_px
    cycle = msgspec.structs.replace(
        leg.cycle,
        opened_ms=leg.cycle.opened_ms or fill.ts_event,
        entry_qty=leg.cycle.entry_qty + fill.last_qty,
        entry_value=leg.cycle.entry_value + value,
        entry_fees=leg.cycle.entry_fees + fill.fee,
    )
    number = _level_of(leg, order)
    levels = grown(leg.levels, number, fill.last_qty, value)
    book = leg.book.opened(fill.last_qty, fill.last_px, fill.fee)
    _change_traded(draft, fill, book=book, cycle=cycle, levels=levels)
    _to_ledger(draft, fill, order, number, cycle.number, ZERO)


def _book_exit(draft: Draft[Any, Any], fill: OrderFilled, order: WorkingOrder | None) -> None:
    leg = draft.leg(fill.leg)
    book, gross = leg.book.closed(fill.last_qty, fill.last_px, fill.fee, fill.gross)
    cycle = msgspec.structs.replace(
        leg.cycle,
        exit_qty=leg.cycle.exit_qty + fill.last_qty,
        exit_value=leg.cycle.exit_value + fill.last_qty * fill.last_px,
        exit_fees=leg.cycle.exit_fees + fill.fee,
        gross=leg.cycle.gross + gross,
    )
    number = leg.levels[-1].number if leg.levels else 0
    levels = draft.strategy.levels_after_exit(leg.levels, order, fill.last_qty)
    _change_traded(draft, fill, book=book, cycle=cycle, levels=levels)
    _to_ledger(draft, fill, order, number, cycle.number, gross)


def _change_traded(draft: Draft[Any, Any], fill: OrderFilled, **fields: object) -> None:
    """A leg that traded is a new situation: what was refused or denied before may be tried again at once."""
    draft.change_leg(fill.leg, opening=Backoff(), closing=Backoff(), denied="", **fields)


def _book_settlement(draft: Draft[Any, Any], fill: OrderFilled) -> None:
    """The venue paid out the result so far; quantity and levels stay."""
    leg = draft.leg(fill.leg)
    cycle = msgspec.structs.replace(
        leg.cycle, gross=leg.cycle.gross + fill.gross, exit_fees=leg.cycle.exit_fees + fill.fee
    )
    known = remembered(leg, fill.ts_event, fill.trade_id)
    leg = draft.change_leg(fill.leg, book=leg.book.settled(fill.gross, fill.fee), cycle=cycle, **known)
    _note_time(draft, fill.ts_event)
    _settle_break_even(draft, leg)
    _to_ledger(draft, fill, None, 0, cycle.number, fill.gross)


def _level_of(leg: LegState, order: WorkingOrder | None) -> int:
    """Level a fill belongs to; one that nobody asked for enlarges the last level."""
    if order is not None and not order.purpose.closes:
        return order.level
    return leg.levels[-1].number if leg.levels else 0


def grown(levels: tuple[Level, ...], number: int, qty: Decimal, value: Decimal) -> tuple[Level, ...]:
    """Levels after `qty` worth `value` was added to the one of that number."""
    found = next((level for level in levels if level.number == number), None)
    if found is not None:
        qty, value = qty + found.qty, value + found.value
    others = [level for level in levels if level.number != number]
    return tuple(sorted((*others, Level(number=number, qty=qty, value=value)), key=lambda level: level.number))


def _advance(draft: Draft[Any, Any], fill: OrderFilled, order: WorkingOrder) -> None:
    """Count the fill on its order and let the order go once everything of it is booked."""
    order = msgspec.structs.replace(
        order, cum_qty=order.cum_qty + fill.last_qty, trade_ids=(*order.trade_ids, fill.trade_id)
    )
    leg = draft.leg(fill.leg)
    if any(o.client_order_id == order.client_order_id for o in leg.unproven):
        others = (o for o in leg.unproven if o.client_order_id != order.client_order_id)
        draft.change_leg(fill.leg, unproven=(*others, order))
    elif order.final_qty is None and order.new_qty is None and order.cum_qty > order.qty:
        # A lost future made it larger; only the venue knows by how much.
        draft.put_order(fill.leg, msgspec.structs.replace(order, qty=order.cum_qty))
        draft.ask_snapshot(SnapshotReason.GAP)
    elif is_complete(order):
        draft.drop_order(fill.leg, order.client_order_id)
    else:
        draft.put_order(fill.leg, order)


def _close_cycle(draft: Draft[Any, Any], fill: OrderFilled) -> None:
    leg = draft.leg(fill.leg)
    cycle = leg.cycle
    draft.ledger.append(
        CycleClosed(
            symbol=draft.state.symbol,
            leg=fill.leg,
            cycle=cycle.number,
            opened_ms=cycle.opened_ms,
            levels=len(leg.levels),
            qty=cycle.entry_qty,
            entry_px=cycle.entry_value / cycle.entry_qty,
            exit_px=cycle.exit_value / cycle.exit_qty,
            gross=cycle.gross,
            entry_fees=cycle.entry_fees,
            exit_fees=cycle.exit_fees,
            funding=cycle.funding,
            net=-cycle.paid,
            ts_event=fill.ts_event,
        )
    )
    draft.change_leg(fill.leg, levels=(), reduce_to=None, cycle=Cycle(number=cycle.number + 1, after_ms=draft.now_ms))


def _settle_break_even(draft: Draft[Any, Any], leg: LegState) -> None:
    price = None
    if leg.book.qty:
        price = break_even_px(leg.leg, leg.book.qty, leg.book.entry_value, leg.cycle.paid, draft.config.taker_fee)
    draft.change_leg(leg.leg, break_even_px=price)


def _to_ledger(
    draft: Draft[Any, Any], fill: OrderFilled, order: WorkingOrder | None, level: int, cycle: int, gross: Decimal
) -> None:
    draft.ledger.append(
        FillBooked(
            symbol=draft.state.symbol,
            leg=fill.leg,
            cycle=cycle,
            level=level,
            purpose=_purpose_of(draft, fill, order),
            client_order_id=fill.client_order_id,
            trade_id=fill.trade_id,
            exec_type=fill.exec_type,
            qty=fill.last_qty,
            px=fill.last_px,
            gross=gross,
            fee=fill.fee,
            is_maker=fill.is_maker,
            ts_event=fill.ts_event,
        )
    )


def _purpose_of(draft: Draft[Any, Any], fill: OrderFilled, order: WorkingOrder | None) -> Purpose | None:
    if order is not None:
        return order.purpose
    return Purpose.EMERGENCY if is_emergency_close(draft, fill.client_order_id) else None
