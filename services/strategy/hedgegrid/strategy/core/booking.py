"""Money events: each execution and each funding payment is booked once, as what it is."""

from decimal import Decimal

import msgspec

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.events import FundingPaid, OrderFilled, SnapshotReason
from hedgegrid.messages.ledger import CycleClosed, FillBooked, FundingBooked
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.state import Cycle, LegState, Level, OrderPhase, WorkingOrder

SEEN_KEPT = 64


def book_fill(draft: Draft, fill: OrderFilled) -> None:
    """Book an execution of this symbol, whatever order it belongs to and however often it is told."""
    leg = draft.leg(fill.leg)
    order = _order_of(leg, fill.client_order_id)
    if _is_known(draft, leg, order, fill):
        draft.change(duplicates=draft.state.duplicates + 1)
        return
    closes = fill.side is fill.leg.closing_side
    if closes and fill.last_qty > leg.book.qty:
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
        _remember(draft, fill.leg, fill.trade_id)
        draft.set_trading_state(
            TradingState.HALTED,
            f"{fill.exec_type} of {fill.last_qty} on the {fill.leg.word} leg that no order of this bot asked for",
            "strategy",
        )
    if draft.leg(fill.leg).book.qty == 0:
        _close_cycle(draft, fill)


def book_funding(draft: Draft, funding: FundingPaid) -> None:
    leg = draft.leg(funding.leg)
    if funding.trade_id in leg.seen_ids:
        draft.change(duplicates=draft.state.duplicates + 1)
        return
    _remember(draft, funding.leg, funding.trade_id)
    cycle = msgspec.structs.replace(leg.cycle, funding=leg.cycle.funding + funding.amount)
    draft.change_leg(funding.leg, book=leg.book.funded(funding.amount), cycle=cycle)
    _note_time(draft, funding.ts_event)
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


def _note_time(draft: Draft, ts_event: int) -> None:
    newest_ms = max(draft.state.newest_execution_ms, ts_event)
    draft.change(newest_execution_ms=newest_ms, booked_ms=draft.now_ms)


def _order_of(leg: LegState, client_order_id: str) -> WorkingOrder | None:
    for order in (*leg.orders, *leg.unproven):
        if order.client_order_id == client_order_id:
            return order
    return None


def _is_known(draft: Draft, leg: LegState, order: WorkingOrder | None, fill: OrderFilled) -> bool:
    """An order leaves the state only when every fill of it is booked, so a fill of an order of this life that is not
    there any more is a repetition."""
    if order is not None:
        return fill.trade_id in order.trade_ids
    parts = parse_client_order_id(fill.client_order_id)
    ours = parts is not None and parts.symbol == draft.state.symbol and parts.life == draft.state.life
    return ours or fill.trade_id in leg.seen_ids


def _book_entry(draft: Draft, fill: OrderFilled, order: WorkingOrder | None) -> None:
    leg = draft.leg(fill.leg)
    value = fill.last_qty * fill.last_px
    cycle = msgspec.structs.replace(
        leg.cycle,
        opened_ms=leg.cycle.opened_ms or fill.ts_event,
        entry_qty=leg.cycle.entry_qty + fill.last_qty,
        entry_value=leg.cycle.entry_value + value,
        entry_fees=leg.cycle.entry_fees + fill.fee,
    )
    level = _level_of(leg, order)
    levels = _grown(leg.levels, level, fill.last_qty, value)
    book = leg.book.opened(fill.last_qty, fill.last_px, fill.fee)
    draft.change_leg(fill.leg, book=book, cycle=cycle, levels=levels, failures=0, retry_after_ms=0)
    _to_ledger(draft, fill, order, min(level, len(levels) - 1), cycle.number, ZERO)


def _book_exit(draft: Draft, fill: OrderFilled, order: WorkingOrder | None) -> None:
    leg = draft.leg(fill.leg)
    book, gross = leg.book.closed(fill.last_qty, fill.last_px, fill.fee, fill.gross)
    cycle = msgspec.structs.replace(
        leg.cycle,
        exit_qty=leg.cycle.exit_qty + fill.last_qty,
        exit_value=leg.cycle.exit_value + fill.last_qty * fill.last_px,
        exit_fees=leg.cycle.exit_fees + fill.fee,
        gross=leg.cycle.gross + gross,
    )
    draft.change_leg(fill.leg, book=book, cycle=cycle, failures=0, retry_after_ms=0)
    _to_ledger(draft, fill, order, max(len(leg.levels) - 1, 0), cycle.number, gross)


def _level_of(leg: LegState, order: WorkingOrder | None) -> int:
    """Level a fill belongs to; a late fill of a closed cycle, or one nobody asked for, enlarges the last level."""
    if order is None or order.purpose not in (Purpose.ENTRY, Purpose.AVERAGING):
        return max(len(leg.levels) - 1, 0)
    return order.level


def _grown(levels: tuple[Level, ...], index: int, qty: Decimal, value: Decimal) -> tuple[Level, ...]:
    if index >= len(levels):
        return (*levels, Level(qty=qty, value=value))
    grown = Level(qty=levels[index].qty + qty, value=levels[index].value + value)
    return (*levels[:index], grown, *levels[index + 1 :])


def _advance(draft: Draft, fill: OrderFilled, order: WorkingOrder) -> None:
    """Count the fill on its order and let the order go once everything of it is booked."""
    order = msgspec.structs.replace(
        order, cum_qty=order.cum_qty + fill.last_qty, trade_ids=(*order.trade_ids, fill.trade_id)
    )
    leg = draft.leg(fill.leg)
    if any(o.client_order_id == order.client_order_id for o in leg.unproven):
        others = (o for o in leg.unproven if o.client_order_id != order.client_order_id)
        draft.change_leg(fill.leg, unproven=(*others, order))
    elif is_complete(order):
        draft.drop_order(fill.leg, order.client_order_id)
    else:
        draft.put_order(fill.leg, order)


def is_complete(order: WorkingOrder) -> bool:
    """Terminal with every fill booked. While an amend is open, its quantity is not known to be final."""
    if order.final_qty is not None:
        return order.cum_qty >= order.final_qty
    return order.cum_qty >= order.qty and order.phase is not OrderPhase.AMENDING


def _remember(draft: Draft, leg: Leg, trade_id: str) -> None:
    draft.change_leg(leg, seen_ids=(*draft.leg(leg).seen_ids[1 - SEEN_KEPT :], trade_id))


def _close_cycle(draft: Draft, fill: OrderFilled) -> None:
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
            net=cycle.gross - cycle.entry_fees - cycle.exit_fees - cycle.funding,
            ts_event=fill.ts_event,
        )
    )
    draft.change_leg(fill.leg, levels=(), cycle=Cycle(number=cycle.number + 1))


def _to_ledger(
    draft: Draft, fill: OrderFilled, order: WorkingOrder | None, level: int, cycle: int, gross: Decimal
) -> None:
    draft.ledger.append(
        FillBooked(
            symbol=draft.state.symbol,
            leg=fill.leg,
            cycle=cycle,
            level=level,
            purpose=order.purpose if order else None,
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
