"""What a market source (tape or synthetic) yields, in time order."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import to_money_step
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice


class FundingNotice(msgspec.Struct, frozen=True, kw_only=True):
    """The announced next funding (tickers `fundingRate`, `nextFundingTime`); changes nothing at the venue."""

    symbol: str
    rate: Decimal
    next_ms: int
    ts_ms: int


MarketEvent = MarketTrade | MarketQuote | MarkPrice | FundingDue | FundingNotice
Events = Iterator[MarketEvent]


def event_time(event: MarketEvent) -> int:
    return event.ts_ms


def shifted(event: MarketEvent, by_ms: int) -> MarketEvent:
    """The event moved in time by `by_ms`."""
    if isinstance(event, FundingNotice):
        return msgspec.structs.replace(event, ts_ms=event.ts_ms + by_ms, next_ms=event.next_ms + by_ms)
    return msgspec.structs.replace(event, ts_ms=event.ts_ms + by_ms)


def scaled(event: MarketEvent, factor: Decimal) -> MarketEvent:
    """The event with `factor` times its prices, which may then be off the tick."""
    if isinstance(event, MarketTrade):
        return msgspec.structs.replace(event, price=event.price * factor)
    if isinstance(event, MarketQuote):
        return msgspec.structs.replace(event, bid_px=event.bid_px * factor, ask_px=event.ask_px * factor)
    if isinstance(event, MarkPrice):
        mark, index = to_money_step(event.mark_px * factor), to_money_step(event.index_px * factor)
        return msgspec.structs.replace(event, mark_px=mark, index_px=index)
    return event


def on_tick(event: MarketEvent, rules: Instrument) -> MarketEvent:
    """The event with prices and quantities on the steps of `rules`; a quote keeps a tick between its sides."""
    if isinstance(event, MarketTrade):
        qty = max(rules.qty_down(event.qty), rules.qty_step)
        return msgspec.structs.replace(event, price=rules.price_down(event.price), qty=qty)
    if isinstance(event, MarketQuote):
        bid = rules.price_down(event.bid_px)
        ask = max(rules.price_up(event.ask_px), bid + rules.tick_size)
        return msgspec.structs.replace(event, bid_px=bid, ask_px=ask)
    return event
