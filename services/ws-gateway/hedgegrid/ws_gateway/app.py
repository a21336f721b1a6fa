"""The service: which sockets and publishers there are, their health and metrics."""

import logging
import threading
from collections.abc import Callable

from hedgegrid.bus.connection import OUTAGE, connect
from hedgegrid.bybit.ws import Environment
from hedgegrid.runtime.config import require_venue_urls
from hedgegrid.runtime.credentials import credentials
from hedgegrid.runtime.money_server import require_fit_money_server
from hedgegrid.runtime.service import ServiceContext
from hedgegrid.runtime.settings import load_settings
from hedgegrid.ws_gateway.event_publisher import EventPublisher
from hedgegrid.ws_gateway.feeds import PrivateFeed, PublicFeed, shards
from hedgegrid.ws_gateway.gateway_metrics import GatewayMetrics
from hedgegrid.ws_gateway.market_publisher import MarketPublisher
from hedgegrid.ws_gateway.observer import FeedObserver
from hedgegrid.ws_gateway.reconnect import ConnectBudget
from hedgegrid.ws_gateway.session import FeedSession
from hedgegrid.ws_gateway.settings import GatewaySettings
from hedgegrid.ws_gateway.stream_reader import StreamReader
from hedgegrid.ws_gateway.tick_check import TOO_OLD_MS

OBSERVE_EVERY_S = 0.5
STOP_S = 10.0

ENVIRONMENTS: dict[str, Environment] = {
    "paper": "mainnet",  # by name only: the URLs of the simulated exchange replace it
    "demo": "demo",
    "testnet": "testnet",
    "live": "mainnet",
}

_log = logging.getLogger(__name__)


class Gateway:
    """All feeds of all accounts."""

    def __init__(self, context: ServiceContext) -> None:
        require_venue_urls(context.config, context.settings)
        _check_money_server(context)
        self._context = context
        settings, config = context.settings, context.config
        environment = ENVIRONMENTS[config.mode]
        gateway_metrics = GatewayMetrics(context.metrics.registry)
        self._events = EventPublisher(
            connect(settings.redis_url, "ws-gateway-events"),
            context.metrics,
            gateway_metrics,
            context.clock,
            give_up=self._give_up,
            announce=lambda account: next(feed for feed in self.private if feed.feed == account).announce(),
            progress=connect(settings.market_url, "ws-gateway-progress") if settings.progress else None,
        )
        self._market = MarketPublisher(
            connect(settings.market_url, "ws-gateway-market"),
            context.metrics,
            gateway_metrics,
            None if config.mode == "paper" else TOO_OLD_MS,  # a simulated exchange has a time of its own
        )
        budget = ConnectBudget(context.clock)
        ack_followed_ms = load_settings(GatewaySettings).ack_followed_ms
        self.private = [
            PrivateFeed(
                account.id,
                credentials(account.id),
                environment,
                settings.bybit_ws_private_url,
                queue=self._events.queue,
                clock=context.clock,
                accepting=self._events.accepting,
                ack_followed_ms=ack_followed_ms,
                budget=budget,
            )
            for account in config.accounts
        ]
        self.public = [
            PublicFeed(
                symbols,
                environment,
                settings.bybit_ws_public_url,
                queue=self._market.queue,
                clock=context.clock,
                budget=budget,
            )
            for symbols in shards(config.symbols)
        ]
        self._reader = StreamReader(
            connect(settings.redis_url, "ws-gateway-reader"), {feed.feed: feed.heard for feed in self.private}
        )
        self._publishing_done = threading.Event()
        self._publishers = [
            self._thread("publish-events", self._events.run),
            self._thread("publish-market", self._market.run),
            self._thread("read-streams", self._reader.run),
        ]
        self._observer = FeedObserver(context, gateway_metrics, self.public, self.private, self._events, self._market)
        # Not ready before the first look: the service counts as started as soon as it is built.
        self._observer.observe()

    def run(self) -> None:
        """Run the feeds until the service stops.

        Raises:
            RuntimeError: a thread that must live died (its error is in the log).
        """
        for thread in self._publishers:
            thread.start()
        for feed in self._feeds:
            feed.start()
        try:
            while not self._context.stopping.wait(OBSERVE_EVERY_S):
                self._observer.observe()
                self._check_threads()
        finally:
            self._stop()

    @property
    def _feeds(self) -> list[FeedSession]:
        return [*self.private, *self.public]

    def _give_up(self, reason: str) -> dict[str, int]:
        return {feed.feed: feed.fail(reason) for feed in self.private}

    def _thread(self, name: str, run: Callable[[threading.Event], None]) -> threading.Thread:
        return threading.Thread(target=run, args=(self._publishing_done,), name=name, daemon=True)

    def _check_threads(self) -> None:
        for thread in (*self._publishers, *(feed.thread for feed in self._feeds)):
            if not thread.is_alive():
                raise RuntimeError(f"thread {thread.name} died")

    def _stop(self) -> None:
        """Sockets first, so that the publishers have the last word of every feed to tell."""
        for feed in self._feeds:
            feed.stop()
        for feed in self._feeds:
            feed.thread.join(STOP_S)
        self._publishing_done.set()
        for thread in self._publishers:
            thread.join(STOP_S)


def _check_money_server(context: ServiceContext) -> None:
    """A server that is away is no reason not to start: events are held, and the other services check it as well."""
    with connect(context.settings.redis_url, "ws-gateway-check") as client:
        try:
            require_fit_money_server(client, context.settings, context.config.mode)
        except OUTAGE as error:
            _log.warning("the money Redis is away and could not be checked: %s", error)
