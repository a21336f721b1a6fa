"""Levels of an open leg from the venue's executions alone, for a bot whose own state is lost."""

from decimal import Decimal

from hedgegrid.domain.money import ZERO
from hedgegrid.messages.events import OrderFilled, PositionChanged
from hedgegrid.strategy.core.state import Cycle, Level


def rebuild_cycle(position: PositionChanged, fills: list[OrderFilled]) -> tuple[tuple[Level, ...], Cycle] | None:
    """Levels and sums of the cycle that ends in `position`; None when the fills do not add up to it.

    Walks back from the newest fill until the leg was flat; each opening order since then is a level, however many
    executions it took.
    """
    since_flat = _since_flat(position.qty, fills)
    if since_flat is None:
        return None
    levels: dict[str, Level] = {}
    exit_qty = exit_value = exit_fees = gross = entry_fees = ZERO
    for fill in since_flat:
        value = fill.last_qty * fill.last_px
        if fill.side is fill.leg.opening_side:
            before = levels.get(fill.venue_order_id, Level(qty=ZERO, value=ZERO))
            levels[fill.venue_order_id] = Level(qty=before.qty + fill.last_qty, value=before.value + value)
            entry_fees += fill.fee
        else:
            exit_qty, exit_value = exit_qty + fill.last_qty, exit_value + value
            exit_fees, gross = exit_fees + fill.fee, gross + fill.gross
    filled = tuple(levels.values())
    return filled, Cycle(
        opened_ms=since_flat[0].ts_event,
        entry_qty=sum((level.qty for level in filled), ZERO),
        entry_value=sum((level.value for level in filled), ZERO),
        entry_fees=entry_fees,
        exit_qty=exit_qty,
        exit_value=exit_value,
        exit_fees=exit_fees,
        gross=gross,
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
