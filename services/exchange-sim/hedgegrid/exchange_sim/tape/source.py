"""Several tapes as one market: selected symbols, prices on tick, quotes where a tape has none, merged by time."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.market_events import Events, FundingNotice, MarketEvent, event_time
from hedgegrid.exchange_sim.tape.formats import Tape, open_tape
from hedgegrid.venue.requests import MarketQuote, MarketTrade

QUOTE_NOTIONAL = Decimal(100_000)
"""Depth shown at the best price where a tape has no quotes, in the quote coin."""


class TapeSource:
    """`symbols` are played, `marked` of them have a recorded mark price; `events()` streams from the start."""

    def __init__(self, tapes: Sequence[Tape], symbols: frozenset[str], rules: Mapping[str, Instrument]) -> None:
        self.symbols = symbols
        self.marked = symbols & frozenset().union(*(tape.marked for tape in tapes))
        self._tapes = [tape for tape in tapes if tape.symbols & symbols]
        self._rules = {symbol: rules[symbol] for symbol in symbols}

    def events(self) -> Events:
        prices = [self._fitted(tape) for tape in self._tapes if not tape.is_funding]
        fundings = [tape.read() for tape in self._tapes if tape.is_funding]
        return _with_funding(heapq.merge(*prices, key=event_time), heapq.merge(*fundings, key=event_time))

    def _fitted(self, tape: Tape) -> Events:
        for event in tape.read():
            rules = self._rules.get(event.symbol)
            if rules is None:
                continue
            if isinstance(event, MarketTrade):
                yield from _fit_trade(event, rules, with_quote=event.symbol not in tape.quoted)
            elif isinstance(event, MarketQuote):
                yield _fit_quote(event, rules)
            else:
                yield event


def open_tapes(paths: Iterable[Path], wanted: frozenset[str] | None, rules: Mapping[str, Instrument]) -> TapeSource:
    """Open files as one market; without `wanted`, every symbol that has prices is played.

    Raises:
        StartError: a symbol is on no tape or has no instrument; TapeError: a file cannot be read.
    """
    tapes = [open_tape(path) for path in paths]
    priced: frozenset[str] = frozenset().union(*(tape.symbols for tape in tapes if not tape.is_funding))
    symbols = priced if wanted is None else wanted
    if missing := sorted(symbols - priced):
        raise StartError(
            f"{', '.join(missing)}: not on any tape (they hold {', '.join(sorted(priced)) or 'no prices'})"
        )
    if unknown := sorted(symbols - rules.keys()):
        raise StartError(f"{', '.join(unknown)}: not among the instruments (give a full list with --instruments FILE)")
    return TapeSource(tapes, symbols, rules)


def _with_funding(prices: Events, fundings: Events) -> Events:
    """Funding between the prices: none is due before a symbol's first price nor after the last price of the market."""
    priced: set[str] = set()
    held: dict[str, FundingNotice] = {}
    funding = next(fundings, None)
    for event in prices:
        while funding is not None and funding.ts_ms <= event.ts_ms:
            if funding.symbol in priced:
                yield funding
            elif isinstance(funding, FundingNotice):
                held[funding.symbol] = funding
            funding = next(fundings, None)
        if event.symbol not in priced:
            priced.add(event.symbol)
            if notice := held.pop(event.symbol, None):
                yield msgspec.structs.replace(notice, ts_ms=event.ts_ms)
        yield event


def _fit_trade(trade: MarketTrade, rules: Instrument, *, with_quote: bool) -> Iterable[MarketEvent]:
    price = nearest_tick(trade.price, rules)
    qty = rules.qty_down(trade.qty)
    if qty > 0:
        yield msgspec.structs.replace(trade, price=price, qty=qty)
    if with_quote:
        yield quote_around(price, trade.taker_side, rules, trade.ts_ms)


def _fit_quote(quote: MarketQuote, rules: Instrument) -> MarketQuote:
    bid = max(rules.price_down(quote.bid_px), rules.tick_size)
    ask = max(rules.price_up(quote.ask_px), bid + rules.tick_size)
    return msgspec.structs.replace(quote, bid_px=bid, ask_px=ask)


def nearest_tick(price: Decimal, rules: Instrument) -> Decimal:
    """The valid price closest to `price`, at least one tick."""
    return max(rules.price_down(price + rules.tick_size / 2), rules.tick_size)


def quote_around(price: Decimal, taker_side: Side, rules: Instrument, at_ms: int) -> MarketQuote:
    """A one-tick market in which a trade of `taker_side` just happened at `price`."""
    tick = rules.tick_size
    bid = price - tick if taker_side is Side.BUY and price > tick else price
    qty = max(rules.qty_down(QUOTE_NOTIONAL / price), rules.min_qty)
    return MarketQuote(symbol=rules.symbol, bid_px=bid, bid_qty=qty, ask_px=bid + tick, ask_qty=qty, ts_ms=at_ms)
