"""Messages of `market:{SYMBOL}`: newest matters, older ones may be dropped."""

from decimal import Decimal

from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale


class QuoteTick(Message, frozen=True, kw_only=True):
    """Full view of a symbol after one push: last trade, mark, best bid and ask, funding."""

    symbol: str
    last_px: Decimal
    mark_px: Decimal
    bid_px: Decimal
    ask_px: Decimal
    funding_rate: Decimal | None = None
    """Fraction of the position's value due at `next_funding_ms`; positive: longs pay."""
    next_funding_ms: int | None = None
    ts_event: int
    ts_init: int
    cause_ns: int
    """When the raw frame left the socket."""


MarketMessage = QuoteTick | FeedConnected | FeedLost | FeedStale
