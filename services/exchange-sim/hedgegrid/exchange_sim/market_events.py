"""What a market source (tape or synthetic) yields, in time order."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec

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
