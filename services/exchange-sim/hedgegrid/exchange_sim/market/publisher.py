"""Public pushes after each step of the market, and the snapshot each subscription begins with."""

from collections.abc import Iterable, Mapping
from time import monotonic
from typing import Any

from hedgegrid.domain.money import plain
from hedgegrid.exchange_sim.market.books import BookFeed
from hedgegrid.exchange_sim.market.candles import Candle, bar_end
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.ws.hub import Hub
from hedgegrid.exchange_sim.ws.topics import KLINE_INTERVALS, ORDERBOOK_DEPTHS
from hedgegrid.venue.engine import Venue

Message = dict[str, Any]
IDLE_REPEAT_S = 3.0
"""orderbook.1 is sent again after this long without a change, with the same `u`."""
TRADES_PER_MESSAGE = 1024
BARS_PER_MESSAGE = 100


class Publisher:
    """`published_ms` is the venue time of the last ticker frame sent of each symbol; a step that changed nothing or
    that nobody listens to sends none.
    """

    def __init__(self, hub: Hub, views: Mapping[str, SymbolView], venue: Venue) -> None:
        self.published_ms: dict[str, int] = {}
        self._hub = hub
        self._views = views
        self._venue = venue
        self._tickers: dict[str, Message] = {}
        self._books = {
            symbol: [BookFeed(view, int(depth)) for depth in sorted(ORDERBOOK_DEPTHS)] for symbol, view in views.items()
        }
        self._book_topics = {symbol: [feed.topic for feed in feeds] for symbol, feeds in self._books.items()}
        self._kline_topics = {
            symbol: {f"kline.{interval}.{symbol}": interval for interval in sorted(KLINE_INTERVALS)} for symbol in views
        }
        self._best_sent: dict[str, float] = {}
        self._bars: dict[str, tuple[int, int]] = {}
        """By kline topic: venue time of the last message and start of the last candle in it."""

    def publish(self, symbols: Iterable[str], now_ms: int) -> int:
        """Everything that changed for these symbols; returns how many tickers changed."""
        changed = 0
        for symbol in symbols:
            view = self._views[symbol]
            changed += self._ticker(view, now_ms)
            self._trades(view, now_ms)
            self._book(symbol, now_ms)
            self._klines(view, now_ms)
            if self._hub.wanted(f"priceLimit.{symbol}"):
                self._hub.publish(f"priceLimit.{symbol}", self._price_limit(symbol, now_ms))
        return changed

    def snapshots(self, topic: str, now_ms: int) -> list[Message]:
        """First messages of a new subscription: ticker, book, candle and price limit; trades have none."""
        kind, _, rest = topic.partition(".")
        symbol = rest.rpartition(".")[2]
        view = self._views[symbol]
        if kind == "tickers":
            return [self._ticker_message(view, "snapshot", self._tickers.get(symbol) or view.ticker(), now_ms)]
        if kind == "orderbook":
            return [feed.snapshot(now_ms) for feed in self._books[symbol] if feed.topic == topic]
        if kind == "kline":
            bars = view.candles.latest(rest.partition(".")[0], 1)
            return [_kline_message(topic, rest.partition(".")[0], bars, now_ms)] if bars else []
        return [self._price_limit(symbol, now_ms)] if kind == "priceLimit" else []

    def reset_books(self, symbol: str, now_ms: int) -> None:
        """Begin every book of a symbol anew; subscribers get the snapshot with update id 1."""
        for feed in self._books[symbol]:
            feed.restart()
            if self._hub.wanted(feed.topic):
                self._hub.publish(feed.topic, feed.snapshot(now_ms))

    def repeat_idle_books(self, now_ms: int) -> None:
        """Send orderbook.1 again where it has been quiet."""
        now = monotonic()
        for symbol, feeds in self._books.items():
            topic = feeds[0].topic
            if self._hub.wanted(topic) and now - self._best_sent.get(symbol, 0.0) >= IDLE_REPEAT_S:
                self._best_sent[symbol] = now
                self._hub.publish(topic, feeds[0].snapshot(now_ms))

    def _ticker(self, view: SymbolView, now_ms: int) -> bool:
        symbol = view.rules.symbol
        before, now = self._tickers.get(symbol, {}), view.ticker()
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        if not changed:
            return False
        self._tickers[symbol] = now
        topic = f"tickers.{symbol}"
        if self._hub.wanted(topic):
            self.published_ms[symbol] = now_ms
            _keep_pairs(changed, now)
            self._hub.publish(topic, self._ticker_message(view, "delta", {"symbol": symbol} | changed, now_ms))
        return True

    def _ticker_message(self, view: SymbolView, kind: str, data: Message, now_ms: int) -> Message:
        return {
            "topic": f"tickers.{view.rules.symbol}",
            "type": kind,
            "data": data,
            "cs": view.sequence,
            "ts": now_ms,
        }

    def _trades(self, view: SymbolView, now_ms: int) -> None:
        rows = view.take_fresh()
        topic = f"publicTrade.{view.rules.symbol}"
        if self._hub.wanted(topic):
            for i in range(0, len(rows), TRADES_PER_MESSAGE):
                part = rows[i : i + TRADES_PER_MESSAGE]
                self._hub.publish(topic, {"topic": topic, "type": "snapshot", "ts": now_ms, "data": part})

    def _book(self, symbol: str, now_ms: int) -> None:
        if not self._hub.wants_any(self._book_topics[symbol]):
            return
        for feed in self._books[symbol]:
            if not self._hub.wanted(feed.topic):
                continue
            message = feed.change(now_ms)
            if message is not None:
                self._best_sent[symbol] = monotonic()
                self._hub.publish(feed.topic, message)

    def _klines(self, view: SymbolView, now_ms: int) -> None:
        """The current candle at most once a venue second; each that closed since, once more with `confirm` true."""
        topics = self._kline_topics[view.rules.symbol]
        if not self._hub.wants_any(topics):
            return
        for topic, interval in topics.items():
            if not self._hub.wanted(topic):
                continue
            sent_ms, sent_bar_ms = self._bars.get(topic, (0, 0))
            if now_ms - sent_ms < 1000:
                continue
            bars = view.candles.latest(interval, BARS_PER_MESSAGE if sent_ms else 1, sent_bar_ms)
            if bars:
                self._bars[topic] = (now_ms, bars[0].start_ms)
                self._hub.publish(topic, _kline_message(topic, interval, bars[::-1], now_ms))

    def _price_limit(self, symbol: str, now_ms: int) -> Message:
        ticker = self._venue.ticker(symbol)
        buy, sell = ticker.price_limit_buy, ticker.price_limit_sell
        data = {"symbol": symbol, "buyLmt": plain(buy) if buy else "", "sellLmt": plain(sell) if sell else ""}
        return {"topic": f"priceLimit.{symbol}", "ts": now_ms, "data": data}


def _keep_pairs(changed: Message, full: Message) -> None:
    """A price comes with its size and the other way round, as captured."""
    for price, size in (("bid1Price", "bid1Size"), ("ask1Price", "ask1Size")):
        if price in changed or size in changed:
            changed[price], changed[size] = full[price], full[size]


def _kline_message(topic: str, interval: str, bars: list[Candle], now_ms: int) -> Message:
    rows = [
        {
            "start": bar.start_ms,
            "end": bar_end(bar.start_ms, interval),
            "interval": interval,
            "open": plain(bar.open),
            "close": plain(bar.close),
            "high": plain(bar.high),
            "low": plain(bar.low),
            "volume": plain(bar.volume),
            "turnover": plain(bar.turnover),
            "confirm": bar_end(bar.start_ms, interval) < now_ms,
            "timestamp": now_ms,
        }
        for bar in bars
    ]
    return {"topic": topic, "data": rows, "ts": now_ms, "type": "snapshot"}
