"""Which outcome of which order was counted already: order events come twice, late and in any order."""

import msgspec

from hedgegrid.metrics.table import Table
from hedgegrid.runtime.metric_names import Metrics

ENDED_KEPT = 256
"""Ended orders remembered per account, so that a late or repeated event about them is not counted anew."""


class TrackedOrder(msgspec.Struct, array_like=True):
    symbol: str
    leg: str
    counted: list[str]
    working: bool = False


class Orders(msgspec.Struct):
    """Memory of the tracker, by our id or, for a foreign order, the venue's."""

    live: dict[str, TrackedOrder] = {}
    ended: dict[str, TrackedOrder] = {}


class OrderTracker:
    """Counts outcomes of orders, each once, and the orders that work now."""

    def __init__(self, account: str, table: Table, orders: Orders) -> None:
        self._account = account
        self._table = table
        self._orders = orders

    def knows(self, order_id: str) -> bool:
        """Tell whether the order lived when last heard of."""
        return order_id in self._orders.live

    def outcome(self, order_id: str, symbol: str, leg: str, outcome: str) -> None:
        """Count an outcome that leaves the order as it is."""
        order = self._find(order_id, symbol, leg)
        if outcome not in order.counted:
            order.counted.append(outcome)
            self._table.add(Metrics.orders, self._account, symbol, leg or order.leg, outcome)

    def works(self, order_id: str, symbol: str, leg: str) -> None:
        """Note that the order rests at the venue; an order that has ended stays ended."""
        self.outcome(order_id, symbol, leg, "accepted")
        order = self._orders.live.get(order_id)
        if order is not None and not order.working:
            order.working = True
            order.leg = leg
            self._count_working(order, 1)

    def ends(self, order_id: str, symbol: str, leg: str, outcome: str) -> None:
        """Count the outcome that ends the order."""
        self.outcome(order_id, symbol, leg, outcome)
        self._retire(order_id)

    def keep_only(self, symbol: str, order_ids: set[str]) -> None:
        """Forget the symbol's live orders that a complete view of the venue does not show."""
        gone = [
            order_id
            for order_id, order in self._orders.live.items()
            if order.symbol == symbol and order_id not in order_ids
        ]
        for order_id in gone:
            self._retire(order_id)

    def _find(self, order_id: str, symbol: str, leg: str) -> TrackedOrder:
        order = self._orders.live.get(order_id) or self._orders.ended.get(order_id)
        if order is None:
            order = self._orders.live[order_id] = TrackedOrder(symbol, leg, [])
        return order

    def _retire(self, order_id: str) -> None:
        order = self._orders.live.pop(order_id, None)
        if order is None:
            return
        if order.working:
            order.working = False
            self._count_working(order, -1)
        self._orders.ended[order_id] = order
        if len(self._orders.ended) > ENDED_KEPT:
            del self._orders.ended[next(iter(self._orders.ended))]

    def _count_working(self, order: TrackedOrder, by: int) -> None:
        self._table.add(Metrics.working_orders, self._account, order.symbol, order.leg, by=by)
