"""What the venue does to a symbol: new filters, reduce-only, delisting; in books, listings and market alike."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import plain
from hedgegrid.exchange_sim.faults import events
from hedgegrid.exchange_sim.instruments import Listing
from hedgegrid.exchange_sim.market.publisher import Publisher
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.player import Player
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import FundingDue


class SymbolDesk:
    """Unknown symbols raise KeyError."""

    def __init__(
        self,
        venue: Venue,
        listings: Mapping[str, Listing],
        views: Mapping[str, SymbolView],
        player: Player,
        publisher: Publisher,
    ) -> None:
        self._venue = venue
        self._listings = listings
        self._views = views
        self._player = player
        self._publisher = publisher

    def act(self, event: events.SymbolEvent, now_ms: int) -> None:
        """Make it happen and show it in instruments-info."""
        view = self._views[event.symbol]
        if isinstance(event, events.Funding):
            due = FundingDue(symbol=event.symbol, rate=event.rate, ts_ms=now_ms)
            self._player.market.take(due)
        elif isinstance(event, events.FilterChange):
            self._change(view, event)
        elif isinstance(event, events.PriceJump):
            self._player.jump(event.symbol, event.factor)
        elif isinstance(event, events.BookReset):
            self._publisher.reset_books(event.symbol, now_ms)
        elif isinstance(event, events.ReduceOnlySymbol):
            self._venue.allow_only_reducing(event.symbol, event.only)
        elif isinstance(event, events.Delisting):
            self._venue.delist(event.symbol)
        elif isinstance(event, events.Settlement):
            self._venue.settle(event.symbol, now_ms, event.price)
            self._player.silence(event.symbol)
        row = self._listings[event.symbol].row
        row["status"] = self._venue.phase(event.symbol).status

    def _change(self, view: SymbolView, event: events.FilterChange) -> None:
        rules = view.rules
        tick, step = event.tick_size or rules.tick_size, event.qty_step or rules.qty_step
        rules = replace(
            rules,
            tick_size=tick,
            min_price=_multiple(rules.min_price, tick),
            max_price=rules.max_price - rules.max_price % tick,
            qty_step=step,
            min_qty=_multiple(rules.min_qty, step),
            min_notional=rules.min_notional if event.min_notional is None else event.min_notional,
        )
        view.rules = rules
        self._venue.change_instrument(rules)
        self._player.reprice(rules)
        _show(self._listings[event.symbol].row, rules)


def _multiple(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` not below `value`."""
    return value + -value % step if value % step else value


def _show(row: dict[str, object], rules: Instrument) -> None:
    price, lot = row["priceFilter"], row["lotSizeFilter"]
    if isinstance(price, dict):
        price |= {
            "tickSize": plain(rules.tick_size),
            "minPrice": plain(rules.min_price),
            "maxPrice": plain(rules.max_price),
        }
    if isinstance(lot, dict):
        lot |= {
            "qtyStep": plain(rules.qty_step),
            "minOrderQty": plain(rules.min_qty),
            "minNotionalValue": plain(rules.min_notional),
        }
