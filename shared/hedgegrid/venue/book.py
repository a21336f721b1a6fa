"""Resting orders of one symbol and how prints reach them.

Orders of the venue's accounts never match each other; only the market's prints and quotes fill them, best price
first, within a price in order of time. A print beyond an order's price went through it and fills it; a print at its
price must first consume the quantity that was displayed there when the order joined.
"""

from bisect import bisect_left
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Side
from hedgegrid.venue.orders import Order


class Hit(NamedTuple):
    """`queued` of the print went to the market's own queue, `qty` to `order`."""

    order: Order
    queued: Decimal
    qty: Decimal


class _Level:
    __slots__ = ("orders", "passed")

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.passed = ZERO
        """Volume of prints at this price that went to the market's queue."""


class SideBook:
    """Orders of one side, levels kept sorted so that the best is last; `best` is its price or None."""

    __slots__ = ("_keys", "_levels", "_sign", "best", "instrument", "side")

    def __init__(self, side: Side, instrument: Instrument) -> None:
        self.side = side
        self.best: Decimal | None = None
        self._sign = 1 if side is Side.BUY else -1
        self._keys: list[Decimal] = []
        self._levels: dict[Decimal, _Level] = {}
        self.instrument = instrument

    def add(self, order: Order, queue_ahead: Decimal) -> None:
        level = self._levels.get(order.price)
        if level is None:
            level = self._levels[order.price] = _Level()
            key = order.price * self._sign
            self._keys.insert(bisect_left(self._keys, key), key)
            self.best = self._keys[-1] * self._sign
        order.queue_mark = level.passed + queue_ahead
        level.orders[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take an order out; does nothing when it does not rest here."""
        level = self._levels.get(order.price)
        if level is None or level.orders.pop(order.order_id, None) is None or level.orders:
            return
        del self._levels[order.price]
        del self._keys[bisect_left(self._keys, order.price * self._sign)]
        self.best = self._keys[-1] * self._sign if self._keys else None

    def first(self) -> Order | None:
        """Next order in price-time priority."""
        if self.best is None:
            return None
        return next(iter(self._levels[self.best].orders.values()))

    def is_through(self, price: Decimal) -> bool:
        """Whether a print at `price` went past the best level."""
        return self.best is not None and (price < self.best if self.side is Side.BUY else price > self.best)

    def hit(self, price: Decimal, at_price: bool, volume: Decimal) -> Hit | None:
        """Who gets the next part of a print of `volume` at `price`; None when nobody here does.

        `at_price`: the print's taker traded against this side, so that orders at exactly `price` take part.
        """
        order = self.first()
        if order is None:
            return None
        if self.is_through(price):
            return Hit(order, ZERO, self._lots(order, volume))
        if not at_price or price != self.best:
            return None
        level = self._levels[price]
        queued = min(max(order.queue_mark - level.passed, ZERO), volume)
        level.passed += queued
        return Hit(order, queued, self._lots(order, volume - queued))

    def _lots(self, order: Order, volume: Decimal) -> Decimal:
        """What `order` gets out of `volume`; part fills are whole lots."""
        wanted = order.remaining
        return wanted if volume >= wanted else self.instrument.qty_down(volume)


class RestingBook:
    """Both sides of a symbol."""

    __slots__ = ("asks", "bids")

    def __init__(self, instrument: Instrument) -> None:
        self.bids = SideBook(Side.BUY, instrument)
        self.asks = SideBook(Side.SELL, instrument)

    def side(self, side: Side) -> SideBook:
        return self.bids if side is Side.BUY else self.asks
