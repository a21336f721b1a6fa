"""Ticks to Redis. Only the newest matters: what waited too long is replaced by what came later."""

import logging
import threading
import time
from collections import Counter
from queue import SimpleQueue

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.dead_letter import set_aside_raw
from hedgegrid.bus.publisher import publish_market
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedStale
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.ws_gateway.gateway_metrics import SERVICE, Children, GatewayMetrics
from hedgegrid.ws_gateway.items import FeedNews, Frame, Item, SessionBegun, drain
from hedgegrid.ws_gateway.normalizer import DeadLetter, MarketNormalizer
from hedgegrid.ws_gateway.tick_check import TOO_OLD_MS, Refusal, TickCheck

BATCH = 2000
POLL_S = 0.2
RETRY_S = 0.5
NEWS_KEPT = 1000
DEAD_LETTERS_PER_MINUTE = 100
"""A venue gone mad must not fill Redis; beyond this its frames are only counted."""
NS_PER_S = 1_000_000_000

_log = logging.getLogger(__name__)


class MarketPublisher:
    """One thread. A tick may be dropped when Redis fails; news about the feed are kept until they are in."""

    def __init__(
        self, client: redis.Redis, metrics: Metrics, gateway: GatewayMetrics, too_old_ms: int | None = TOO_OLD_MS
    ) -> None:
        self.queue: SimpleQueue[Item] = SimpleQueue()
        self.redis_works = True
        self.refused: dict[str, Refusal] = {}
        """Symbols whose newest tick was refused, and why."""
        self._too_old_ms = too_old_ms
        self._checks: dict[str, TickCheck] = {}
        self._session = 0
        self._client = client
        self._metrics = metrics
        self._gateway = gateway
        self._normalizer = MarketNormalizer()
        self._owed: list[tuple[str, Message]] = []
        self._dead: list[DeadLetter] = []
        self._dead_minute = 0
        self._dead_count = 0
        self._ignored = 0
        self._frames = Children(lambda topic: gateway.frames.labels("public", "", topic))
        self._ticks = Children(lambda symbol: metrics.ticks.labels(SERVICE, symbol))
        self._latency = gateway.publish.labels("public")

    def run(self, stopping: threading.Event) -> None:
        """Publish until `stopping` is set and nothing waits; what fails then is given up."""
        while True:
            batch = drain(self.queue, BATCH, POLL_S)
            if not batch and stopping.is_set():
                return
            if (batch or self._owed) and not self.publish(batch):
                stopping.wait(RETRY_S)

    def publish(self, batch: list[Item]) -> bool:
        """Publish what a batch comes to, and the news still owed; False if Redis failed."""
        return self._publish(self._owed + self._entries(batch))

    def _entries(self, batch: list[Item]) -> list[tuple[str, Message]]:
        """Entries in order; of several ticks of a symbol only the newest, but never moved across news of its feed."""
        entries: list[tuple[str, Message]] = []
        newest_at: dict[str, int] = {}
        conflated: Counter[str] = Counter()
        for item in batch:
            match item:
                case Frame():
                    tick = self._tick(item)
                    if tick is None:
                        continue
                    refusal = self._refusal(tick)
                    if refusal is not None:
                        entries += refusal
                        continue
                    at = newest_at.get(tick.symbol)
                    if at is None:
                        newest_at[tick.symbol] = len(entries)
                        entries.append((keys.market(tick.symbol), tick))
                    else:
                        entries[at] = (keys.market(tick.symbol), tick)
                        conflated[tick.symbol] += 1
                case FeedNews():
                    entries += [(stream, item.message) for stream in item.streams]
                    newest_at.clear()
                case SessionBegun():
                    self._session = item.session
                    self._normalizer.begin(item.symbols)
                    newest_at.clear()
        for symbol, count in conflated.items():
            self._metrics.ticks_conflated.labels(SERVICE, symbol).inc(count)
        return entries

    def _tick(self, frame: Frame) -> QuoteTick | None:
        content = self._normalizer.frame(frame.raw, frame.recv_ns)
        self._frames.of(content.topic).inc()
        if content.dead is not None:
            self._note_dead(content.dead)
        if self._normalizer.ignored != self._ignored:
            self._gateway.deltas_ignored.labels("public").inc(self._normalizer.ignored - self._ignored)
            self._ignored = self._normalizer.ignored
        if content.tick is not None:
            self._ticks.of(content.tick.symbol).inc()
        return content.tick

    def _refusal(self, tick: QuoteTick) -> list[tuple[str, Message]] | None:
        """None for a tick to publish; else what to tell in its place, once: data that came too late."""
        symbol = tick.symbol
        reason = self._checks.setdefault(symbol, TickCheck(self._too_old_ms)).refusal(tick)
        before = self.refused.get(symbol)
        if reason is None:
            if before is not None:
                del self.refused[symbol]
                _log.info("%s: ticks are taken again", symbol)
            return None
        self._gateway.ticks_refused.labels(symbol, reason.value).inc()
        if reason is before:
            return []
        self.refused[symbol] = reason
        _log.warning("%s: tick refused, %s: %s", symbol, reason.value, tick)
        if reason is not Refusal.OLD:
            return []
        age_ms = tick.ts_init - tick.ts_event
        stale = FeedStale(feed="public", session=self._session, age_ms=age_ms, ts_event=tick.ts_init)
        return [(keys.market(symbol), stale)]

    def _publish(self, entries: list[tuple[str, Message]]) -> bool:
        try:
            if entries:
                publish_market(self._client, entries)
            self._owed = []
            while self._dead:
                letter = self._dead[-1]
                set_aside_raw(self._client, letter.stream, letter.raw, letter.reason)
                self._dead.pop()
        except redis.RedisError as error:
            self._metrics.redis_errors.labels(SERVICE, "market").inc()
            if self.redis_works:
                _log.warning("ticks cannot be published and are dropped until Redis is back: %s", error)
            self.redis_works = False
            self._owed = [entry for entry in entries if not isinstance(entry[1], QuoteTick)][-NEWS_KEPT:]
            return False
        if not self.redis_works:
            _log.info("ticks are published again")
        self.redis_works = True
        self._note_latency(entries)
        return True

    def _note_latency(self, entries: list[tuple[str, Message]]) -> None:
        now_ns = time.time_ns()
        for _, message in entries:
            if isinstance(message, QuoteTick):
                self._latency.observe((now_ns - message.cause_ns) / NS_PER_S)

    def _note_dead(self, letter: DeadLetter) -> None:
        self._metrics.dead_letters.labels(letter.stream).inc()
        minute = time.monotonic_ns() // (60 * NS_PER_S)
        if minute != self._dead_minute:
            self._dead_minute, self._dead_count = minute, 0
        self._dead_count += 1
        if self._dead_count <= DEAD_LETTERS_PER_MINUTE:
            _log.warning("public frame set aside: %s", letter.reason)
            self._dead.append(letter)
