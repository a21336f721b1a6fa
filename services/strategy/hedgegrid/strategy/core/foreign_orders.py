"""Orders of somebody else on a bot's symbol: nobody can know what they will do to its position, so a person decides."""

from typing import Any

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.events import OrderAccepted, SnapshotReason, SnapshotTaken
from hedgegrid.strategy.core.draft import Draft


def note_foreign_orders(draft: Draft[Any, Any], snapshot: SnapshotTaken, accepted: bool = False) -> None:
    """Halt over each order that was not there before. One that still rests when an operator lets the bot go on, or
    that was `accepted` by an answer to a mismatch, halts it no more."""
    foreign = tuple(sorted(order.venue_order_id for order in snapshot.open_orders if is_foreign(order)))
    new = [venue_order_id for venue_order_id in foreign if venue_order_id not in draft.state.foreign_orders]
    if foreign != draft.state.foreign_orders:
        draft.change(foreign_orders=foreign)
    if new and not accepted:
        text = f"orders of somebody else rest on this symbol: {', '.join(new[:3])}{' and others' if new[3:] else ''}"
        draft.restrict(TradingState.HALTED, text)


def look_into_foreign_order(draft: Draft[Any, Any], news: OrderAccepted) -> None:
    """Ask for the whole picture when an order of somebody else is told that was not known to rest."""
    if is_foreign(news) and news.venue_order_id not in draft.state.foreign_orders:
        draft.ask_snapshot(SnapshotReason.GAP)


def is_foreign(order: OrderAccepted) -> bool:
    """True for an order that no bot of ours made, in whatever life."""
    return parse_client_order_id(order.client_order_id) is None
