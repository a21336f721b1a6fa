"""Orders of this life that this state never made: the store lost its newest writes, so the state went back in time.

They are ours all the same. Their fills are booked, what still rests of them is cancelled, and their ids are not used
again. Nothing is planned between noticing one and the snapshot that shows them all.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.domain.ids import ClientOrderId, parse_client_order_id
from hedgegrid.domain.order import OrderType
from hedgegrid.messages.commands import CancelOrder
from hedgegrid.messages.events import OrderFilled, OrderRejected, SnapshotTaken
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.state import OrderPhase, WorkingOrder


def own_parts(draft: Draft[Any, Any], client_order_id: str) -> ClientOrderId | None:
    """Parts of an id that this life of this bot made; None for any other."""
    parts = parse_client_order_id(client_order_id)
    if parts is None or parts.life != draft.state.life or parts.symbol != draft.state.symbol:
        return None
    return parts


def order_of_lost_future(draft: Draft[Any, Any], fill: OrderFilled) -> WorkingOrder | None:
    """The order of a fill that this state never made, now known to it; None when the fill is of no such order."""
    parts = own_parts(draft, fill.client_order_id)
    if parts is None or parts.sequence <= draft.state.sequence:
        return None
    return _make_known(draft, parts, fill.last_qty + fill.leaves_qty, fill.last_px)


def skip_used_ids(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> None:
    """Go on after the highest sequence that the venue has seen of this life; call it once the fills are booked."""
    unproven = {order.client_order_id for leg in draft.state.legs for order in leg.unproven}
    for order in snapshot.open_orders:
        parts = own_parts(draft, order.client_order_id)
        if parts is not None and parts.sequence > draft.state.sequence and order.client_order_id not in unproven:
            _make_known(draft, parts, order.qty, order.price)  # it may fill before it is cancelled
    rows = (*snapshot.open_orders, *snapshot.ended_orders, *_fills(snapshot))
    ids = [*(row.client_order_id for row in rows), *unproven]
    used = max((parts.sequence for id_ in ids if (parts := own_parts(draft, id_))), default=0)
    if used > draft.state.sequence:
        draft.change(sequence=used)


def _make_known(draft: Draft[Any, Any], parts: ClientOrderId, qty: Decimal, price: Decimal) -> WorkingOrder:
    order = WorkingOrder(
        client_order_id=str(parts),
        purpose=parts.purpose,
        level=parts.level,
        order_type=OrderType.LIMIT,
        qty=qty,
        price=price,
        phase=OrderPhase.ENDED,
        since_ms=draft.now_ms,
    )
    draft.change_leg(parts.leg, unproven=(*draft.leg(parts.leg).unproven, order))
    return order


def learn_sizes(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> None:
    """An order that a lost future made larger: it is not complete before that much is booked."""
    sizes = {order.client_order_id: order.qty for order in snapshot.open_orders}
    for ended in snapshot.ended_orders:
        if not isinstance(ended, OrderRejected):
            sizes[ended.client_order_id] = ended.cum_qty
    for leg in draft.state.legs:
        for order in leg.orders:
            if sizes.get(order.client_order_id, order.qty) > order.qty and order.new_qty is None:
                draft.put_order(leg.leg, msgspec.structs.replace(order, qty=sizes[order.client_order_id]))


def cancel_orphans(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> None:
    """Cancel orders of this bot, of this life or an earlier one, that rest without its knowing."""
    known = {order.client_order_id for leg in draft.state.legs for order in leg.orders}
    for order in snapshot.open_orders:
        parts = parse_client_order_id(order.client_order_id)
        if parts is not None and order.client_order_id not in known:
            draft.commands.append(
                CancelOrder(symbol=draft.state.symbol, leg=order.leg, client_order_id=order.client_order_id)
            )


def _fills(snapshot: SnapshotTaken) -> Iterable[OrderFilled]:
    return (row for row in snapshot.executions if isinstance(row, OrderFilled))
