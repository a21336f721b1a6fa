"""Where the market comes in: each event goes into what is shown of its symbol and into the venue."""

from collections.abc import Mapping

from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.market_events import MarketEvent
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice


class MarketFeed:
    """An event of a symbol that is not listed raises KeyError."""

    def __init__(self, venue: Venue, views: Mapping[str, SymbolView]) -> None:
        self._venue = venue
        self._views = views

    def take(self, event: MarketEvent) -> None:
        """Show it, and let the venue act on it."""
        self._views[event.symbol].apply(event)
        if isinstance(event, MarketTrade):
            self._venue.on_trade(event)
        elif isinstance(event, MarketQuote):
            self._venue.on_quote(event)
        elif isinstance(event, MarkPrice):
            self._venue.on_mark(event)
        elif isinstance(event, FundingDue):
            self._venue.on_funding(event)
