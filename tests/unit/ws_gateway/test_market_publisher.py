"""Conflation: the newest tick of a symbol survives, and never crosses the news of its feed."""

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.ws_gateway import market_publisher
from hedgegrid.ws_gateway.gateway_metrics import GatewayMetrics
from hedgegrid.ws_gateway.items import FeedNews, Frame, Item, SessionBegun
from hedgegrid.ws_gateway.market_publisher import MarketPublisher
from hedgegrid.ws_gateway.tick_check import Refusal
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
    return MarketPublisher(None, metrics, GatewayMetrics(metrics.registry), None)  # type: ignore[arg-type]


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
        frame(ticker_snapshot("X", "10")),
        frame(ticker_snapshot("Y", "5")),
        frame(ticker("delta", "X", 2, lastPrice="11")),
        frame(ticker("delta", "X", 3, lastPrice="12")),
    ]
    publisher.publish(items)
    assert told(store.batches[0]) == [(X, "12"), (Y, "5")]


def test_ticks_do_not_cross_news(publisher: MarketPublisher, store: Store) -> None:
    items: list[Item] = [
        SessionBegun("", 1, ("X",)),
        frame(ticker_snapshot("X", "10")),
        FeedNews("", (X, Y), LOST),
        frame(ticker("delta", "X", 2, lastPrice="11")),
        FeedNews("", (X,), CONNECTED),
        frame(ticker("delta", "X", 3, lastPrice="12")),
    ]
    publisher.publish(items)
    assert told(store.batches[0]) == [
        (X, "10"), (X, "FeedLost"), (Y, "FeedLost"), (X, "11"), (X, "FeedConnected"), (X, "12"),
    ]  # fmt: skip


def test_new_session_forgets_the_old_view(publisher: MarketPublisher, store: Store) -> None:
    publisher.publish([frame(ticker_snapshot("X", "10")), SessionBegun("", 2, ("X",)), frame(ticker("delta", "X", 2))])
    assert told(store.batches[0]) == [(X, "10")]


def test_outage_drops_ticks_but_keeps_news(publisher: MarketPublisher, store: Store) -> None:
    store.fails = True
    assert not publisher.publish([frame(ticker_snapshot("X", "10")), FeedNews("", (X,), LOST)])
    assert not publisher.redis_works
    store.fails = False
    assert publisher.publish([frame(ticker("delta", "X", 2, lastPrice="11"))])
    assert told(store.batches[0]) == [(X, "FeedLost"), (X, "11")]


def test_garbage_is_set_aside_but_does_not_fill_redis(publisher: MarketPublisher, store: Store) -> None:
    publisher.publish([frame("garbage") for _ in range(500)])
    assert len(store.dead) == market_publisher.DEAD_LETTERS_PER_MINUTE
    assert store.dead[0] == (keys.market("PUBLIC"), b"garbage")


def test_a_crossed_tick_is_kept_back_and_counted(publisher: MarketPublisher, store: Store) -> None:
    crossed = ticker("snapshot", "X", 2, lastPrice="10", markPrice="10", bid1Price="10.2", ask1Price="10.1")
    publisher.publish([frame(ticker_snapshot("X", "10")), frame(crossed)])
    assert told(store.batches[0]) == [(X, "10")]
    assert publisher.refused == {"X": Refusal.CROSSED}
    publisher.publish([frame(ticker("delta", "X", 3, bid1Price="10"))])
    assert told(store.batches[1]) == [(X, "10")]
    assert publisher.refused == {}


def test_ticks_of_the_past_are_kept_back_and_told_once(store: Store) -> None:
    metrics = Metrics()
    publisher = MarketPublisher(None, metrics, GatewayMetrics(metrics.registry), 10_000)  # type: ignore[arg-type]
    now_ns = 1_000_000 * 1_000_000

    def at(ts: int) -> Frame:
        return Frame("", 3, ticker_snapshot("X", "10", ts).encode(), now_ns)

    publisher.publish([SessionBegun("", 3, ("X",)), at(989_999), at(989_999)])
    assert store.batches == [[(X, FeedStale(feed="public", session=3, age_ms=10_001, ts_event=1_000_000))]]
    publisher.publish([at(990_000)])
    assert told(store.batches[1]) == [(X, "10")]
