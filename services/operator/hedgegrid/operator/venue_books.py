"""What the simulated exchange's own books say of one account, and where they show an order placed twice. Pure."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """`ended_ms` is None while the order is open."""

    symbol: str
    client_order_id: str
    created_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePosition:
    qty: Decimal = ZERO
    cum_realised: Decimal = ZERO


FLAT = VenuePosition()


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBooks:
    """`executions`: trade id → symbol, of every execution and funding payment."""

    orders: tuple[VenueOrder, ...] = ()
    executions: dict[str, str] = field(default_factory=dict)
    positions: dict[tuple[str, Leg], VenuePosition] = field(default_factory=dict)

    def position(self, symbol: str, leg: Leg) -> VenuePosition:
        return self.positions.get((symbol, leg), FLAT)

    def working_orders(self, symbol: str) -> int:
        return sum(order.ended_ms is None and order.symbol == symbol for order in self.orders)


class Slot(NamedTuple):
    """Where at most one order of ours may live at any time."""

    symbol: str
    leg: Leg
    purpose: Purpose
    level: int


def reused_ids(orders: Iterable[VenueOrder]) -> list[str]:
    """Client order ids the venue accepted again, once for each time too many."""
    uses = Counter(order.client_order_id for order in orders if order.client_order_id)
    return sorted(id_ for id_, count in uses.items() for _ in range(count - 1))


def rivals(orders: Iterable[VenueOrder]) -> list[tuple[str, str]]:
    """Pairs of orders of ours that were alive in the same slot at the same time.

    An order ends before another begins if both happen in the same millisecond: that is a replacement.
    """
    by_slot: defaultdict[Slot, list[VenueOrder]] = defaultdict(list)
    for order in orders:
        parts = parse_client_order_id(order.client_order_id)
        if parts is not None:
            by_slot[Slot(order.symbol, parts.leg, parts.purpose, parts.level)].append(order)
    pairs: list[tuple[str, str]] = []
    for crowd in by_slot.values():
        pairs += _overlaps(crowd)
    return pairs


def _overlaps(orders: list[VenueOrder]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    alive: list[tuple[float, str]] = []
    for order in sorted(orders, key=lambda order: (order.created_ms, _end(order))):
        while alive and alive[0][0] <= order.created_ms:
            heapq.heappop(alive)
        pairs += [(other, order.client_order_id) for _, other in alive]
        heapq.heappush(alive, (_end(order), order.client_order_id))
    return pairs


def _end(order: VenueOrder) -> float:
    return float("inf") if order.ended_ms is None else order.ended_ms
