"""Conflation: the newest tick of a symbol survives, and never crosses the news of its feed."""

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.ws_gateway import market_publisher
from hedgegrid.ws_gateway.gateway_metrics import GatewayMetrics
from hedgegrid.ws_gateway.items import FeedNews, Frame, Item, SessionBegun
from hedgegrid.ws_gateway.market_publisher import MarketPublisher
from tests.integration.ws_gateway.frames import ticker, ticker_snapshot


class Store:
    def __init__(self) -> None:
        self.batches: list[list[tuple[str, Message]]] = []
        self.dead: list[tuple[str, bytes]] = []
        self.fails = False

    def publish_market(self, client: object, entries: list[tuple[str, Message]]) -> None:
        if self.fails:
            raise redis.ConnectionError("refused")
        self.batches.append(list(entries))

    def set_aside_raw(self, client: object, stream: str, raw: bytes, reason: str) -> None:
        self.dead.append((stream, raw))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    store = Store()
    monkeypatch.setattr(market_publisher, "publish_market", store.publish_market)
    monkeypatch.setattr(market_publisher, "set_aside_raw", store.set_aside_raw)
    return store


@pytest.fixture
def publisher() -> MarketPublisher:
    metrics = Metrics()
    return MarketPublisher(None, metrics, GatewayMetrics(metrics.registry))  # type: ignore[arg-type]


def frame(text: str) -> Frame:
    return Frame("", 1, text.encode(), 1)


def told(batch: list[tuple[str, Message]]) -> list[tuple[str, str]]:
    return [
        (stream, str(message.last_px) if isinstance(message, QuoteTick) else type(message).__name__)
        for stream, message in batch
    ]


CONNECTED = FeedConnected(feed="public", session=1, ts_event=1)
LOST = FeedLost(feed="public", session=1, reason="x", ts_event=1)
X, Y = keys.market("X"), keys.market("Y")


def test_only_the_newest_tick_of_each_symbol_is_published(publisher: MarketPublisher, store: Store) -> None:
    items: list[Item] = [
        frame(ticker_snapshot("X", "1")),
        frame(ticker_snapshot("Y", "5")),
        frame(ticker("delta", "X", 2, lastPrice="2")),
        frame(ticker("delta", "X", 3, lastPrice="3")),
    ]
    publisher.publish(items)
    assert told(store.batches[0]) == [(X, "3"), (Y, "5")]


def test_ticks_do_not_cross_news(publisher: MarketPublisher, store: Store) -> None:
    items: list[Item] = [
        SessionBegun("", 1, ("X",)),
        frame(ticker_snapshot("X", "1")),
        FeedNews("", (X, Y), LOST),
        frame(ticker("delta", "X", 2, lastPrice="2")),
        FeedNews("", (X,), CONNECTED),
        frame(ticker("delta", "X", 3, lastPrice="3")),
    ]
    publisher.publish(items)
    assert told(store.batches[0]) == [
        (X, "1"), (X, "FeedLost"), (Y, "FeedLost"), (X, "2"), (X, "FeedConnected"), (X, "3"),
    ]  # fmt: skip


def test_new_session_forgets_the_old_view(publisher: MarketPublisher, store: Store) -> None:
    publisher.publish([frame(ticker_snapshot("X", "1")), SessionBegun("", 2, ("X",)), frame(ticker("delta", "X", 2))])
    assert told(store.batches[0]) == [(X, "1")]


def test_outage_drops_ticks_but_keeps_news(publisher: MarketPublisher, store: Store) -> None:
    store.fails = True
    assert not publisher.publish([frame(ticker_snapshot("X", "1")), FeedNews("", (X,), LOST)])
    assert not publisher.redis_works
    store.fails = False
    assert publisher.publish([frame(ticker("delta", "X", 2, lastPrice="2"))])
    assert told(store.batches[0]) == [(X, "FeedLost"), (X, "2")]


def test_garbage_is_set_aside_but_does_not_fill_redis(publisher: MarketPublisher, store: Store) -> None:
    publisher.publish([frame("garbage") for _ in range(500)])
    assert len(store.dead) == market_publisher.DEAD_LETTERS_PER_MINUTE
    assert store.dead[0] == (keys.market("PUBLIC"), b"garbage")
