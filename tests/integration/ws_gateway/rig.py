"""The gateway's parts against a scripted venue and a real Redis, and ways to look at what came out."""

import random
import threading
import time
from collections.abc import Callable

import redis
from pydantic import SecretStr

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.reader import last_id
from hedgegrid.messages.base import Message
from hedgegrid.runtime.clock import SystemClock
from hedgegrid.runtime.credentials import Credentials
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.ws_gateway.event_publisher import EventPublisher
from hedgegrid.ws_gateway.feeds import PrivateFeed, PublicFeed
from hedgegrid.ws_gateway.gateway_metrics import GatewayMetrics
from hedgegrid.ws_gateway.held_events import HoldingBound
from hedgegrid.ws_gateway.market_publisher import MarketPublisher
from hedgegrid.ws_gateway.session import FeedSession
from hedgegrid.ws_gateway.stream_reader import StreamReader
from tests.integration.ws_gateway.scripted_venue import ScriptedVenue

DEADLINE_S = 30.0
"""Generous: a loaded machine is no failure."""


def eventually(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until the condition holds; fail with `what` otherwise."""
    end = time.monotonic() + deadline_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"never: {what}"
        pause.wait(0.005)


class ShiftedClock(SystemClock):
    """The machine's clock, moved ahead by a test so that it need not wait."""

    __slots__ = ("ahead_ns",)

    def __init__(self) -> None:
        self.ahead_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.ahead_ns

    def skip_ms(self, ms: int) -> None:
        self.ahead_ns += ms * 1_000_000


class Rig:
    """Publishers and feeds as the app wires them."""

    def __init__(
        self, venue: ScriptedVenue, redis_url: str, bound: HoldingBound | None = None, too_old_ms: int | None = None
    ) -> None:
        self.venue = venue
        self.clock = ShiftedClock()
        self.metrics = Metrics()
        gateway_metrics = GatewayMetrics(self.metrics.registry)
        self.client = connect(redis_url, "test-look")
        self.private: dict[str, PrivateFeed] = {}
        self.public: list[PublicFeed] = []
        self._events_client = connect(redis_url, "test-events")
        self._market_client = connect(redis_url, "test-market")
        self.events = EventPublisher(
            self._events_client,
            self.metrics,
            gateway_metrics,
            self.clock,
            give_up=lambda reason: {name: feed.fail(reason) for name, feed in self.private.items()},
            announce=lambda account: self.private[account].announce(),
            progress=self.client,
            bound=bound,
        )
        self.market = MarketPublisher(self._market_client, self.metrics, gateway_metrics, too_old_ms)
        self._reader_client = connect(redis_url, "test-reader")
        self._reader: StreamReader | None = None
        self._done = threading.Event()
        self.threads: list[threading.Thread] = []
        self._begin(self.events.run)
        self._begin(self.market.run)

    def _begin(self, run: Callable[[threading.Event], None]) -> None:
        self.threads.append(threading.Thread(target=run, args=(self._done,), daemon=True))
        self.threads[-1].start()

    def add_account(self, account: str, step_timeout_s: float = 5.0, key: str = "", secret: str = "") -> PrivateFeed:
        """A private feed; its API key is `key-<account>` unless both are given."""
        credentials = Credentials(
            api_key=SecretStr(key or f"key-{account}"), api_secret=SecretStr(secret or "secret-1")
        )
        feed = self.private[account] = PrivateFeed(
            account,
            credentials,
            "mainnet",
            self.venue.url,
            queue=self.events.queue,
            clock=self.clock,
            accepting=self.events.accepting,
            step_timeout_s=step_timeout_s,
            dice=random.Random(1),
        )
        feed.start()
        return feed

    def read_streams(self) -> None:
        """Let the accounts added so far read their event streams back."""
        self._reader = StreamReader(self._reader_client, {name: feed.heard for name, feed in self.private.items()})
        self._begin(self._reader.run)

    def add_public(self, *symbols: str) -> PublicFeed:
        feed = PublicFeed(
            symbols, "mainnet", self.venue.url, queue=self.market.queue, clock=self.clock, dice=random.Random(1)
        )
        self.public.append(feed)
        feed.start()
        return feed

    def has_read(self, account: str) -> bool:
        """True when the stream reader stands at the end of an account's events."""
        at = "" if self._reader is None else self._reader.position(account)
        return at == last_id(self.client, keys.events(account))

    def until_read(self, account: str) -> None:
        eventually(lambda: self.has_read(account), "the stream is read back")

    def close(self) -> None:
        feeds: list[FeedSession] = [*self.private.values(), *self.public]
        for feed in feeds:
            feed.stop()
        for feed in feeds:
            feed.thread.join(10)
            assert not feed.thread.is_alive(), f"{feed.thread.name} does not end"
        self._done.set()
        for thread in self.threads:
            thread.join(10)
            assert not thread.is_alive(), "a publisher does not end"
        for client in (self.client, self._events_client, self._market_client, self._reader_client):
            client.close()

    def account_events(self, account: str) -> list[Message]:
        return [codec.decode_event(fields) for _, fields in self._entries(keys.events(account))]

    def market_messages(self, symbol: str) -> list[Message]:
        return [codec.decode_market(fields) for _, fields in self._entries(keys.market(symbol))]

    def dead_letters(self, stream: str) -> list[dict[bytes, bytes]]:
        return [fields for _, fields in self._entries(keys.dead(stream))]

    def frames_reported(self, account: str) -> int:
        raw = self.client.hget(keys.progress(account), "frames")
        return -1 if raw is None else int(raw)

    def _entries(self, stream: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
        try:
            return self.client.xrange(stream)  # type: ignore[return-value]
        except redis.ConnectionError:
            return []
