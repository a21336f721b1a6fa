"""What a bot would hold if everything that could fill did, at cost; and the caps on it.

A leg's cost is its entry value plus the rest of every opening order at the worst price it can fill at. Orders of
unknown outcome count as open. The mark value of what is held may exceed its cost; no order can change that.
"""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.money import ZERO, plain
from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.state import LegState, WorkingOrder


def open_cost(order: WorkingOrder) -> Decimal:
    """Cost of the rest of an opening order; 0 for a closing one."""
    if order.purpose.closes:
        return ZERO
    qty = order.qty if order.new_qty is None else max(order.qty, order.new_qty)
    if order.final_qty is not None:
        qty = order.final_qty
    price = order.worst_px if order.new_price is None else max(order.worst_px, order.new_price)
    return max(qty - order.cum_qty, ZERO) * price


def leg_cost(leg: LegState) -> Decimal:
    return sum((open_cost(order) for order in leg.orders), leg.book.entry_value)


def cap_broken(draft: Draft[Any, Any], leg: Leg, added: Decimal) -> str:
    """The cap that `added` more on `leg` would break, with its figures; "" when there is none."""
    config, state = draft.config, draft.state
    checks = (
        ("max_leg_notional_usdt", config.max_leg_notional_usdt, leg_cost(draft.leg(leg))),
        ("max_bot_notional_usdt", config.max_bot_notional_usdt, leg_cost(state.long) + leg_cost(state.short)),
    )
    for name, cap, cost in checks:
        if cap is not None and cost + added > cap:
            return f"{name} {plain(cap)}: {cost:.2f} USDT are held or ordered, {added:.2f} more would exceed it"
    return ""
