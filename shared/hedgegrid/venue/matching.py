"""How orders meet the market: on arrival as takers, later as makers through prints and quotes."""

from decimal import Decimal

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.venue.book import SideBook
from hedgegrid.venue.liquidity import DisplayedSide
from hedgegrid.venue.market import Market
from hedgegrid.venue.orders import Order
from hedgegrid.venue.reports import CancelType, ExecutionReport, RejectReason
from hedgegrid.venue.requests import MarketTrade
from hedgegrid.venue.settlement import Settlement


class Matching:
    """`parts`: into how many fills every fill is divided, at most."""

    def __init__(self, settlement: Settlement) -> None:
        self.parts = 1
        self._settlement = settlement

    def place(self, order: Order, ts_ms: int) -> None:
        """Run an accepted (or re-priced) order against the displayed liquidity; what may rest is put into the book."""
        market = order.slot.market
        shown = market.displayed(order.side.opposite)
        seq = market.next_seq()
        if order.time_in_force is TimeInForce.POST_ONLY and shown.is_crossed_by(order.price):
            order.end(CancelType.UNKNOWN, RejectReason.POST_ONLY_WILL_TAKE)
            self._settlement.conclude(order, [], seq, ts_ms)
            return
        executions: list[ExecutionReport] = []
        for price, whole in _sweep(order, shown):
            for qty in self._divided(market, whole):
                if executions and self.parts > 1:
                    self._settlement.conclude(order, executions, seq, ts_ms)
                    executions, seq = [], market.next_seq()
                executions.append(self._settlement.fill(order, price, qty, is_maker=False, seq=seq, ts_ms=ts_ms))
        if order.remaining:
            _rest_or_end(order, market)
        self._settlement.conclude(order, executions, seq, ts_ms)

    def on_trade(self, market: Market, trade: MarketTrade) -> None:
        """Share a print's volume among the resting orders it reached; called only when it reached some."""
        bids, asks = market.book.bids, market.book.asks
        volume = trade.qty
        sides = (bids, asks) if trade.taker_side is Side.SELL else (asks, bids)
        for resting in sides:
            at_price = resting.side is trade.taker_side.opposite
            while volume > 0:
                hit = resting.hit(trade.price, at_price, volume)
                if hit is None:
                    break
                volume -= hit.queued + hit.qty
                if not hit.qty:
                    break
                self._fill_resting(resting, hit.order, hit.qty, trade.ts_ms)

    def on_quote(self, market: Market, ts_ms: int) -> None:
        """A quote that moved through resting orders fills them at their price up to its displayed size."""
        for resting, shown in ((market.book.bids, market.ask), (market.book.asks, market.bid)):
            while (order := resting.first()) is not None and _has_crossed(shown, order):
                qty = min(order.remaining, shown.at_best())
                if not qty:
                    break
                shown.take(qty)
                self._fill_resting(resting, order, qty, ts_ms)

    def fill_whole(self, order: Order, ts_ms: int) -> None:
        """Fill all that is left of a resting order at its price, whatever the market does."""
        self._fill_resting(order.slot.market.book.side(order.side), order, order.remaining, ts_ms)

    def _fill_resting(self, resting: SideBook, order: Order, whole: Decimal, ts_ms: int) -> None:
        for qty in self._divided(order.slot.market, whole):
            seq = order.slot.market.next_seq()
            execution = self._settlement.fill(order, order.price, qty, is_maker=True, seq=seq, ts_ms=ts_ms)
            if not order.remaining:
                resting.remove(order)
            self._settlement.conclude(order, [execution], seq, ts_ms)

    def _divided(self, market: Market, qty: Decimal) -> list[Decimal]:
        """A quantity in at most `parts` whole lots of about the same size."""
        part = market.instrument.qty_down(qty / self.parts) if self.parts > 1 else ZERO
        if not part:
            return [qty]
        return [*[part] * (self.parts - 1), qty - part * (self.parts - 1)]


def _sweep(order: Order, shown: DisplayedSide) -> list[tuple[Decimal, Decimal]]:
    """Take displayed liquidity for an order; nothing when a fill-or-kill order cannot have all of it."""
    fills: list[tuple[Decimal, Decimal]] = []
    wanted = order.remaining
    for price, free in shown.levels(order.price):
        qty = min(free, wanted)
        fills.append((price, qty))
        wanted -= qty
        if not wanted:
            break
    if wanted and order.time_in_force is TimeInForce.FOK:
        return []
    shown.take(order.remaining - wanted)
    return fills


def _rest_or_end(order: Order, market: Market) -> None:
    if order.time_in_force is TimeInForce.FOK:
        order.end(CancelType.UNKNOWN, RejectReason.NO_FULL_FILL)
    elif order.time_in_force is TimeInForce.IOC or order.order_type is OrderType.MARKET:
        order.end(CancelType.UNKNOWN, RejectReason.NO_IMMEDIATE_QTY)
    else:
        market.book.side(order.side).add(order, market.queue_ahead(order.side, order.price))


def _has_crossed(shown: DisplayedSide, order: Order) -> bool:
    best = shown.best
    if best is None:
        return False
    return best <= order.price if order.side is Side.BUY else best >= order.price
