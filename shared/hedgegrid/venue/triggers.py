"""Conditional orders of one symbol that wait for a price, nearest first, so that a price costs one look."""

from bisect import bisect_left, insort
from decimal import Decimal

from hedgegrid.venue.conditions import TriggerBy, TriggerDirection
from hedgegrid.venue.orders import Order

Waiting = list[tuple[Decimal, int, Order]]
"""Sorted by (signed trigger price, arrival): the first one fires first."""


class TriggerBook:
    """Orders must have a `trigger`; trailing stops are kept apart because their trigger price moves."""

    __slots__ = ("_arrivals", "_trailing", "_waiting", "count")

    def __init__(self) -> None:
        self.count = 0
        self._waiting: dict[tuple[TriggerBy, TriggerDirection], Waiting] = {
            (by, direction): [] for by in TriggerBy for direction in TriggerDirection
        }
        self._trailing: dict[str, Order] = {}
        self._arrivals = 0

    def add(self, order: Order) -> None:
        self.count += 1
        if order.trail is not None:
            self._trailing[order.order_id] = order
            return
        self._arrivals += 1
        order.trigger_rank = self._arrivals
        key, waiting = self._place(order)
        insort(waiting, (key, order.trigger_rank, order))

    def remove(self, order: Order) -> None:
        """Take an order out; its trigger must be the one it was added with. Does nothing when it is not here."""
        if self._trailing.pop(order.order_id, None) is not None:
            self.count -= 1
            return
        key, waiting = self._place(order)
        at = bisect_left(waiting, (key, order.trigger_rank))
        if at < len(waiting) and waiting[at][2] is order:
            del waiting[at]
            self.count -= 1

    def due(self, by: TriggerBy, price: Decimal) -> Order | None:
        """Take out and return the next order that fires at this price."""
        for direction, signed in ((TriggerDirection.RISE, price), (TriggerDirection.FALL, -price)):
            waiting = self._waiting[by, direction]
            if waiting and signed >= waiting[0][0]:
                self.count -= 1
                return waiting.pop(0)[2]
        if self._trailing and by is TriggerBy.LAST:
            return self._due_trailing(price)
        return None

    def _due_trailing(self, price: Decimal) -> Order | None:
        for order in self._trailing.values():
            if order.trail and order.trigger and order.trail.is_hit(price, order.trigger):
                del self._trailing[order.order_id]
                self.count -= 1
                return order
        return None

    def _place(self, order: Order) -> tuple[Decimal, Waiting]:
        trigger = order.trigger
        if trigger is None:
            raise ValueError(f"order {order.order_id} has no trigger to wait for")
        key = trigger.price if trigger.direction is TriggerDirection.RISE else -trigger.price
        return key, self._waiting[trigger.by, trigger.direction]
