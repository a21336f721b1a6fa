"""Levels of an open leg from the venue's executions alone, for a bot whose own state is lost."""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Purpose
from hedgegrid.messages.events import OrderFilled, PositionChanged
from hedgegrid.strategy.core.booking import grown
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.state import Cycle, Level, OrderPhase, WorkingOrder


def rebuild_cycle(
    draft: Draft[Any, Any], position: PositionChanged, fills: list[OrderFilled]
) -> tuple[tuple[Level, ...], Cycle] | None:
    """Levels and sums of the cycle that ends in `position`; None when the fills do not add up to it.

    Walks back from the newest fill until the leg was flat. Our ids name their level; an opening order of somebody else
    since then is a level of its own, however many executions it took.
    """
    since_flat = _since_flat(position.qty, fills)
    if since_flat is None:
        return None
    levels: tuple[Level, ...] = ()
    numbers: dict[str, int] = {}
    entry_qty = entry_value = entry_fees = exit_qty = exit_value = exit_fees = gross = ZERO
    for fill in since_flat:
        value = fill.last_qty * fill.last_px
        if fill.side is fill.leg.opening_side:
            number = numbers.setdefault(fill.venue_order_id, _number_of(fill, levels))
            levels = grown(levels, number, fill.last_qty, value)
            entry_qty, entry_value = entry_qty + fill.last_qty, entry_value + value
            entry_fees += fill.fee
        else:
            levels = draft.strategy.levels_after_exit(levels, _as_order(fill), fill.last_qty)
            exit_qty, exit_value = exit_qty + fill.last_qty, exit_value + value
            exit_fees, gross = exit_fees + fill.fee, gross + fill.gross
    return levels, Cycle(
        opened_ms=since_flat[0].ts_event,
        entry_qty=entry_qty,
        entry_value=entry_value,
        entry_fees=entry_fees,
        exit_qty=exit_qty,
        exit_value=exit_value,
        exit_fees=exit_fees,
        gross=gross,
    )


def single_level(position: PositionChanged) -> tuple[tuple[Level, ...], Cycle]:
    """A position of unknown making, taken as one entry at its average price."""
    value = position.qty * position.entry_px
    cycle = Cycle(opened_ms=position.ts_event, entry_qty=position.qty, entry_value=value)
    return (Level(number=0, qty=position.qty, value=value),), cycle


def _number_of(fill: OrderFilled, levels: tuple[Level, ...]) -> int:
    parts = parse_client_order_id(fill.client_order_id)
    if parts is not None and parts.purpose in (Purpose.ENTRY, Purpose.AVERAGING):
        return parts.level
    return levels[-1].number + 1 if levels else 0


def _as_order(fill: OrderFilled) -> WorkingOrder | None:
    parts = parse_client_order_id(fill.client_order_id)
    if parts is None:
        return None
    return WorkingOrder(
        client_order_id=fill.client_order_id,
        purpose=parts.purpose,
        level=parts.level,
        order_type=OrderType.LIMIT,
        qty=fill.last_qty,
        price=fill.last_px,
        phase=OrderPhase.ENDED,
        since_ms=fill.ts_event,
    )


def _since_flat(qty: Decimal, fills: list[OrderFilled]) -> list[OrderFilled] | None:
    for start in range(len(fills) - 1, -1, -1):
        fill = fills[start]
        opens = fill.side is fill.leg.opening_side
        qty += -fill.last_qty if opens else fill.last_qty
        if qty == 0:
            return fills[start:]
        if qty < 0:
            return None
    return None
