"""What a taker finds: the stated slippage model.

The best opposite quote can be taken up to its displayed size; behind it lie levels one tick apart, each with the same
size. What was taken, by orders here or by a print at or through the best price, stays gone until the quote's price or
size changes: a quote sent again unchanged is no new liquidity. A print takes no more than the best level.
"""

from collections.abc import Iterator
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Side


class DisplayedSide:
    """One side of the quote. `side` BUY is the bid (sellers take it), SELL the ask (buyers take it)."""

    __slots__ = ("_taken", "instrument", "price", "qty", "side")

    def __init__(self, side: Side, instrument: Instrument) -> None:
        self.side = side
        self.price = ZERO
        self.qty = ZERO
        self._taken = ZERO
        self.instrument = instrument

    @property
    def best(self) -> Decimal | None:
        """Displayed price, or None when this side is empty."""
        return self.price if self.qty > 0 and self.price > 0 else None

    def show(self, price: Decimal, qty: Decimal) -> None:
        """Take over a quote's price and size."""
        if price != self.price or qty != self.qty:
            self.price = price
            self.qty = qty
            self._taken = ZERO

    def at_best(self) -> Decimal:
        """Displayed quantity at the best price that nobody here has taken yet, in whole lots."""
        left = self.qty - self._taken
        return self.instrument.qty_down(left) if left > 0 else ZERO

    def lose(self, price: Decimal, qty: Decimal) -> None:
        """A print whose taker traded against this side took up to `qty` of the best level, if it reached it."""
        if price >= self.price if self.side is Side.SELL else price <= self.price:
            left = self.qty - self._taken
            if left > 0:
                self._taken += min(qty, left)

    def take(self, qty: Decimal) -> None:
        self._taken += qty

    def levels(self, limit: Decimal) -> Iterator[tuple[Decimal, Decimal]]:
        """Prices and free quantities from the best on, none worse for the taker than `limit`."""
        lot = self.instrument.qty_down(self.qty)
        if self.best is None or lot <= 0:
            return
        step = self.instrument.tick_size if self.side is Side.SELL else -self.instrument.tick_size
        depth = int(self._taken // lot)
        free = lot - (self._taken - depth * lot)
        price = self.price + depth * step
        while price > 0 and (price <= limit if self.side is Side.SELL else price >= limit):
            yield price, free
            free = lot
            price += step

    def is_crossed_by(self, limit: Decimal) -> bool:
        """Whether an order at `limit` against this side would take something."""
        return next(self.levels(limit), None) is not None
