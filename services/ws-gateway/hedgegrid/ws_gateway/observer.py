"""Health conditions and gauges, taken from the feeds twice a second."""

from collections.abc import Sequence

from hedgegrid.runtime.service import ServiceContext
from hedgegrid.ws_gateway.event_publisher import EventPublisher
from hedgegrid.ws_gateway.gateway_metrics import GatewayMetrics
from hedgegrid.ws_gateway.market_publisher import MarketPublisher
from hedgegrid.ws_gateway.session import FeedSession, LossKind

NS_PER_S = 1_000_000_000


class FeedObserver:
    """Reads what the threads publish about themselves; changes nothing."""

    def __init__(
        self,
        context: ServiceContext,
        gateway_metrics: GatewayMetrics,
        public: Sequence[FeedSession],
        private: Sequence[FeedSession],
        events: EventPublisher,
        market: MarketPublisher,
    ) -> None:
        self._context = context
        self._gateway_metrics = gateway_metrics
        self._public = public
        self._private = private
        self._events = events
        self._market = market
        self._counted: dict[tuple[int, LossKind], int] = {}

    def observe(self) -> None:
        """Set every condition and gauge."""
        health = self._context.health
        troubles = [feed.trouble for feed in self._public]
        troubles += [f"ticks of {symbol} are refused: {why}" for symbol, why in self._market.refused.copy().items()]
        public_trouble = "; ".join(filter(None, troubles))
        health.set("public", not public_trouble, public_trouble)
        for feed in self._private:
            health.set(f"private:{feed.feed}", not feed.trouble, feed.trouble)
        self._redis("redis", self._events.redis_works, "account events cannot be published")
        self._redis("market-redis", self._market.redis_works, "ticks cannot be published")
        self._gauges("public", "", self._public)
        for feed in self._private:
            self._gauges("private", feed.feed, [feed])

    def _redis(self, name: str, works: bool, trouble: str) -> None:
        self._context.health.set(name, works, "" if works else trouble)

    def _gauges(self, kind: str, account: str, feeds: Sequence[FeedSession]) -> None:
        """The public feed is one in the metrics, however many sockets it has: its worst socket speaks."""
        metrics = self._context.metrics
        now_ns = self._context.clock.monotonic_ns()
        live = [feed.live_since_ns for feed in feeds]
        metrics.feed_up.labels(kind, account).set(all(since is not None for since in live))
        ages = [0 if since is None else now_ns - since for since in live]
        metrics.socket_age.labels(kind, account).set(min(ages, default=0) / NS_PER_S)
        heard = [feed.last_frame_ns for feed in feeds if feed.last_frame_ns is not None]
        if heard:
            metrics.last_message_age.labels(kind, account).set((now_ns - min(heard)) / NS_PER_S)
        pings = [feed.ping_round_trip_s for feed in feeds if feed.ping_round_trip_s is not None]
        if pings:
            self._gateway_metrics.ping.labels(kind, account).set(max(pings))
        for feed in feeds:
            for loss, count in feed.losses.items():
                new = count - self._counted.get((id(feed), loss), 0)
                if new:
                    metrics.feed_reconnects.labels(kind, account, loss.value).inc(new)
                    self._counted[id(feed), loss] = count
