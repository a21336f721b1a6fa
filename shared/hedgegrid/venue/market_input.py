"""What the market does: prints, quotes, marks, funding moments; and what follows from them for orders and accounts."""

from hedgegrid.venue.conditions import TriggerBy
from hedgegrid.venue.market import Market
from hedgegrid.venue.order_entry import OrderEntry
from hedgegrid.venue.reports import Report
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice


class MarketInput(OrderEntry):
    """An unlisted symbol raises KeyError."""

    def on_trade(self, trade: MarketTrade) -> None:
        """A print sets the last price, takes displayed quantity, and fills the resting orders it reached; reaching none
        costs only a look."""
        market = self._markets[trade.symbol]
        price = market.last = trade.price
        market.updated_ms = trade.ts_ms
        seq = market.seq
        market.displayed(trade.taker_side.opposite).lose(price, trade.qty)
        bid, ask = market.book.bids.best, market.book.asks.best
        if (bid is not None and price <= bid) or (ask is not None and price >= ask):
            self._matching.on_trade(market, trade)
        self._conditionals.fire(market, TriggerBy.LAST, price, trade.ts_ms)
        if market.seq != seq or market.mark is None:
            self._check_margins(market, trade.ts_ms)

    def on_quote(self, quote: MarketQuote) -> None:
        market = self._markets[quote.symbol]
        market.show((quote.bid_px, quote.bid_qty), (quote.ask_px, quote.ask_qty), quote.ts_ms)
        bid, ask = market.book.bids.best, market.book.asks.best
        if (bid is not None and quote.ask_px <= bid) or (ask is not None and quote.bid_px >= ask):
            self._matching.on_quote(market, quote.ts_ms)
            self._check_margins(market, quote.ts_ms)

    def on_mark(self, mark: MarkPrice) -> None:
        """A mark fires what waits for it, then decides on liquidations."""
        market = self._markets[mark.symbol]
        market.mark = mark.mark_px
        market.index = mark.index_px or None
        market.updated_ms = mark.ts_ms
        self._conditionals.fire(market, TriggerBy.MARK, mark.mark_px, mark.ts_ms)
        self._conditionals.fire(market, TriggerBy.INDEX, mark.index_px or mark.mark_px, mark.ts_ms)
        self._check_margins(market, mark.ts_ms)

    def on_funding(self, funding: FundingDue) -> None:
        """Every open position of the symbol pays or receives size × mark × rate."""
        market = self._markets[funding.symbol]
        market.funding_rate = funding.rate
        market.updated_ms = funding.ts_ms
        seq = market.next_seq()
        for account in self._accounts.values():
            slot = account.slots.get(funding.symbol)
            if slot is None:
                continue
            for position in list(slot.held()):
                self._settlement.fund(slot, position, funding.rate, seq, funding.ts_ms)
        self._check_margins(market, funding.ts_ms)

    @property
    def has_reports(self) -> bool:
        """Whether `drain` would give anything."""
        return bool(self._settlement.reports)

    def drain(self) -> list[Report]:
        """All reports since the last call, in the order they happened (of all accounts; see each one's `.account`)."""
        reports, self._settlement.reports = self._settlement.reports, []
        return reports

    def _check_margins(self, market: Market, ts_ms: int) -> None:
        """Liquidate accounts that trade the symbol and have lost their maintenance margin."""
        for account in self._accounts.values():
            if market.symbol in account.slots:
                self._liquidation.check(account, ts_ms)
