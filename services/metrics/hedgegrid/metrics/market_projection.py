"""`market:{SYMBOL}` → prices and the public feed. Only the newest matters, so nothing is saved."""

from hedgegrid.bus.reader import START, id_key
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.messages.market import MarketMessage, QuoteTick
from hedgegrid.metrics.event_projection import reason_label
from hedgegrid.metrics.price_history import PriceHistory
from hedgegrid.metrics.table import Table
from hedgegrid.runtime.metric_names import Metrics

NO_ACCOUNT = ""


class MarketProjection:
    """All symbols together: they share one feed."""

    def __init__(self) -> None:
        self.table = Table()
        self.ticks: dict[str, QuoteTick] = {}
        """Newest tick by symbol."""
        self.history = PriceHistory()
        self.positions: dict[str, str] = {}
        self._up: dict[tuple[str, str], bool] = {}
        self._lost: set[tuple[str, int, int]] = set()

    def apply(self, symbol: str, entry_id: str, message: MarketMessage) -> bool:
        """Take an entry of the symbol's stream; False if it or a later one was taken before."""
        if not self._advance(symbol, entry_id):
            return False
        if isinstance(message, QuoteTick):
            self.ticks[symbol] = message
            self.history.add(symbol, message.ts_init, message.last_px)
            self.table.set(Metrics.last_price, symbol, value=message.last_px)
            self.table.set(Metrics.mark_price, symbol, value=message.mark_px)
            self._feed("public", symbol, up=True)
            return True
        self._feed(message.feed, symbol, up=isinstance(message, FeedConnected))
        if isinstance(message, FeedLost):
            self._count_lost(message)
        return True

    def set_aside(self, symbol: str, entry_id: str, stream: str) -> bool:
        """Count an entry as unreadable; False as above."""
        if not self._advance(symbol, entry_id):
            return False
        self.table.add(Metrics.dead_letters, stream)
        return True

    def _feed(self, feed: str, symbol: str, *, up: bool) -> None:
        if self._up.get((feed, symbol)) is up:
            return
        self._up[feed, symbol] = up
        everywhere = all(state for (name, _), state in self._up.items() if name == feed)
        self.table.set(Metrics.feed_up, feed, NO_ACCOUNT, value=int(everywhere))

    def _count_lost(self, message: FeedLost) -> None:
        """A lost socket is told in the stream of every symbol it carried."""
        key = (message.feed, message.session, message.ts_event)
        if key not in self._lost:
            self._lost = {k for k in self._lost if k[0] != message.feed or k[1] == message.session} | {key}
            self.table.add(Metrics.feed_reconnects, message.feed, NO_ACCOUNT, reason_label(message.reason))

    def _advance(self, symbol: str, entry_id: str) -> bool:
        if id_key(entry_id) <= id_key(self.positions.get(symbol, START)):
            return False
        self.positions[symbol] = entry_id
        return True
