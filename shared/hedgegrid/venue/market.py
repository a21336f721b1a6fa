"""What the venue knows of one symbol's market, and its price band."""

from decimal import Decimal
from enum import StrEnum

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Side
from hedgegrid.venue.book import RestingBook
from hedgegrid.venue.conditions import TriggerBy
from hedgegrid.venue.liquidity import DisplayedSide
from hedgegrid.venue.orders import Order
from hedgegrid.venue.premium import Premium
from hedgegrid.venue.triggers import TriggerBook


class Phase(StrEnum):
    """What may be done on a symbol; the values are Bybit's `status` of instruments-info."""

    TRADING = "Trading"
    REDUCE_ONLY = "Trading (reduce only)"
    """Positions may only be reduced, for a reason of the venue's own; Bybit shows such a symbol as `Trading`."""
    DELISTING = "Delivering"
    """Positions may only be reduced until settlement."""
    CLOSED = "Closed"

    @property
    def status(self) -> str:
        return Phase.TRADING.value if self is Phase.REDUCE_ONLY else self.value


class Market:
    """`seq` counts what happened to orders and positions of the symbol; it joins the rows of one fill.

    `number` is the symbol's place among the venue's, from 0.
    """

    __slots__ = (
        "ask", "bid", "book", "funding_rate", "index", "instrument", "last", "mark", "number", "phase", "premium",
        "seq", "symbol", "triggers", "updated_ms",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, number: int) -> None:
        self.instrument = instrument
        self.number = number
        self.symbol = instrument.symbol
        self.phase = Phase.TRADING
        self.last: Decimal | None = None
        self.mark: Decimal | None = None
        self.index: Decimal | None = None
        self.funding_rate: Decimal | None = None
        self.premium = Premium()
        self.bid = DisplayedSide(Side.BUY, instrument)
        self.ask = DisplayedSide(Side.SELL, instrument)
        self.book = RestingBook(instrument)
        self.triggers = TriggerBook()
        self.seq = 0
        self.updated_ms = 0

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def change(self, instrument: Instrument) -> None:
        """Take new filters over."""
        self.instrument = instrument
        for side in (self.bid, self.ask, self.book.bids, self.book.asks):
            side.instrument = instrument

    def displayed(self, side: Side) -> DisplayedSide:
        """Side of the quote on which orders of `side` rest."""
        return self.bid if side is Side.BUY else self.ask

    @property
    def reference(self) -> Decimal | None:
        """Mark price, else the last trade, else a quote; None before any input."""
        return self.mark or self.last or self.bid.best or self.ask.best

    def price_by(self, by: TriggerBy) -> Decimal | None:
        """Price that triggers of this kind are compared with; the mark or the quote stands in for what was not seen."""
        if by is TriggerBy.MARK:
            return self.reference
        return (self.index if by is TriggerBy.INDEX else self.last) or self.reference

    def withdraw(self, order: Order) -> None:
        """Take an order out of the book, or out of those that wait for a price."""
        if order.is_untriggered:
            self.triggers.remove(order)
        else:
            self.book.side(order.side).remove(order)

    def bound(self, side: Side) -> Decimal | None:
        """Worst price at which an order may trade: highest for a buy, lowest for a sell; on tick.

        Bybit's band (docs/v5/account/set-price-limit) with P the premium and alpha 1:
        buy min(mark·(1+Y), max(index, mark·(1+X) + max(0, P))),
        sell max(mark·(1−Y), min(index, mark·(1−X) + min(0, P))).
        """
        mark = self.reference
        if mark is None:
            return None
        index = self.index or mark
        rules, premium = self.instrument, self.premium.mean
        x, y = rules.price_limit_ratio_x, rules.price_limit_ratio_y
        if side is Side.BUY:
            return rules.price_down(min(mark * (1 + y), max(index, mark * (1 + x) + max(ZERO, premium))))
        lowest = rules.price_up(max(mark * (1 - y), min(index, mark * (1 - x) + min(ZERO, premium))))
        return max(lowest, rules.tick_size)

    def into_band(self, side: Side, price: Decimal) -> Decimal:
        """A limit price outside the band is moved to its edge, not refused (Bybit `modifyEnable`, the default)."""
        bound = self.bound(side)
        if bound is None:
            return price
        return min(price, bound) if side is Side.BUY else max(price, bound)

    def show(self, bid: tuple[Decimal, Decimal], ask: tuple[Decimal, Decimal], ts_ms: int) -> None:
        """Take a quote over: price and quantity of both sides."""
        self.bid.show(*bid)
        self.ask.show(*ask)
        self.updated_ms = ts_ms
        if ts_ms >= self.premium.due_ms and self.mark is not None and bid[1] > 0 and ask[1] > 0:
            self.premium.sample((bid[0] + ask[0]) / 2, self.mark, ts_ms)

    def queue_ahead(self, side: Side, price: Decimal) -> Decimal:
        """Quantity that an order joining at `price` stands behind.

        None inside the spread; the displayed quantity at the best quote; behind it the same quantity, as every level
        there is taken to hold as much as the best one (see `liquidity`). Without a quote no queue is known.
        """
        shown = self.displayed(side)
        if shown.best is None:
            return ZERO
        is_inside = price > shown.best if side is Side.BUY else price < shown.best
        return ZERO if is_inside else shown.qty
