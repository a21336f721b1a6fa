"""Account events to Redis: in order, none dropped; while Redis is away they are held, up to a bound."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.dead_letter import set_aside_raw
from hedgegrid.bus.progress import report_private_frames
from hedgegrid.bus.publisher import publish
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedLost
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.failpoints import failpoint
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.ws_gateway.gateway_metrics import SERVICE, GatewayMetrics
from hedgegrid.ws_gateway.held_events import HoldingBound
from hedgegrid.ws_gateway.items import FeedNews, Frame, Item, SessionBegun, drain
from hedgegrid.ws_gateway.normalizer import DeadLetter, account_frame

BATCH = 256
POLL_S = 0.2
RETRY_S = 0.1
DOUBTS_EVERY_MS = 5_000
"""However much of a feed is unreadable, its bots are sent to reconcile no more often."""
LAST_TRIES_S = 5.0
"""When stopping: how long Redis may stay away before the rest is given up (its readers reconcile at our next start)."""
NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000

GiveUp = Callable[[str], dict[str, int]]
"""Tell every private session why its events are lost; returns the session number each account is at."""
Announce = Callable[[str], None]
"""Tell the bots of an account once more that its session is live, which makes them reconcile; nothing if it is not."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Parcel:
    """What one account has in a batch: one transaction. `frames` is the count to report once it is in."""

    account: str
    entries: list[tuple[str, Message]] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    received_ns: list[int] = field(default_factory=list)
    frames: int | None = None


class EventPublisher:
    """One thread for all accounts. `accepting` is clear from the moment events were given up until Redis answers.

    `progress` is the market server when a simulated exchange waits for us (`bus.progress`), else None.
    """

    def __init__(
        self,
        client: redis.Redis,
        metrics: Metrics,
        gateway: GatewayMetrics,
        clock: Clock,
        *,
        give_up: GiveUp,
        announce: Announce,
        progress: redis.Redis | None = None,
        bound: HoldingBound | None = None,
    ) -> None:
        self.queue: SimpleQueue[Item] = SimpleQueue()
        self.accepting = threading.Event()
        self.accepting.set()
        self.redis_works = True
        self._client = client
        self._metrics = metrics
        self._gateway = gateway
        self._clock = clock
        self._give_up_sessions = give_up
        self._announce = announce
        self._progress = progress
        self._bound = bound or HoldingBound()
        self._void: dict[str, int] = {}
        self._told: list[FeedNews] = []
        self._owed: list[Item] = []
        self._frames: dict[str, int] = {}
        self._doubted: set[str] = set()
        self._doubts_told_ms: dict[str, int] = {}

    def run(self, stopping: threading.Event) -> None:
        """Publish until `stopping` is set and nothing waits."""
        while True:
            batch = self._owed + drain(self.queue, BATCH, POLL_S)
            self._owed = []
            if not self.accepting.is_set() and not self._probe():
                if stopping.is_set():
                    return
                self._owed = [item for item in batch if not self._is_void(item)]
                continue
            if not batch and stopping.is_set():
                return
            if batch:
                failpoint("gateway.after_queue")
            parcels = self._parcels(batch)
            self._tell_doubts()
            while parcels and self._deliver(parcels, stopping):
                parcels.pop(0)

    def _parcels(self, batch: list[Item]) -> list[_Parcel]:
        """One for each account: its items keep their order, accounts have none among each other."""
        parcels: dict[str, _Parcel] = {}
        for item in batch:
            if self._is_void(item):
                continue
            parcel = parcels.setdefault(item.feed, _Parcel(item.feed))
            match item:
                case Frame():
                    self._add_frame(parcel, item)
                case FeedNews():
                    parcel.entries += [(stream, item.message) for stream in item.streams]
                case SessionBegun():
                    self._frames[item.feed] = 0
                    parcel.frames = 0
        return list(parcels.values())

    def _tell_doubts(self) -> None:
        """Have bots reconcile of whose events some could not be read: only the venue knows what those said."""
        now_ms = self._clock.monotonic_ns() // NS_PER_MS
        for account in list(self._doubted):
            told_ms = self._doubts_told_ms.get(account)
            if told_ms is None or now_ms - told_ms >= DOUBTS_EVERY_MS:
                self._doubts_told_ms[account] = now_ms
                self._doubted.remove(account)
                self._announce(account)

    def _add_frame(self, parcel: _Parcel, frame: Frame) -> None:
        content = account_frame(frame.feed, frame.raw, frame.recv_ns)
        self._gateway.frames.labels("private", frame.feed, content.topic).inc()
        for letter in content.dead:
            self._metrics.dead_letters.labels(letter.stream).inc()
            _log.error("private frame or row set aside: %s", letter.reason, extra={"account": frame.feed})
            self._doubted.add(frame.feed)
        parcel.entries += content.entries
        parcel.dead += content.dead
        parcel.received_ns.append(frame.recv_ns)
        self._frames[frame.feed] = self._frames.get(frame.feed, 0) + 1
        parcel.frames = self._frames[frame.feed]

    def _is_void(self, item: Item) -> bool:
        """True for what belongs to a session given up, whose loss was already told."""
        session = item.message.session if isinstance(item, FeedNews) else item.session
        return session <= self._void.get(item.feed, -1) and item not in self._told

    def _deliver(self, parcels: list[_Parcel], stopping: threading.Event) -> bool:
        """Publish the first parcel, however often it takes; False if everything held was given up instead."""
        parcel = parcels[0]
        stop_at_s: float | None = None
        while True:
            try:
                self._send(parcel)
            except redis.RedisError as error:
                waiting = self.queue.qsize() + sum(len(each.entries) for each in parcels)
                self._note_failure(error, parcel.account, waiting)
                reason = self._bound.failed(waiting, self._clock.monotonic_ns() // NS_PER_MS)
                if stopping.is_set():
                    stop_at_s = stop_at_s or time.monotonic() + LAST_TRIES_S
                    if time.monotonic() >= stop_at_s:
                        reason = "stopping while Redis is away"
                if reason:
                    self._give_up(reason, waiting)
                    return False
                time.sleep(RETRY_S)
            else:
                self._note_success(parcel)
                return True

    def _send(self, parcel: _Parcel) -> None:
        """One transaction, then the dead letters; what is in is not sent again."""
        if parcel.entries:
            publish(self._client, parcel.entries)
            failpoint("gateway.after_publish")
            parcel.entries = []
        while parcel.dead:
            letter = parcel.dead[0]
            set_aside_raw(self._client, letter.stream, letter.raw, letter.reason)
            parcel.dead.pop(0)
        if self._progress is not None and parcel.frames is not None:
            report_private_frames(self._progress, parcel.account, parcel.frames)

    def _note_failure(self, error: redis.RedisError, account: str, waiting: int) -> None:
        self._metrics.redis_errors.labels(SERVICE, "money").inc()
        self._metrics.held_events.labels(account).set(waiting)
        if self.redis_works:
            _log.error("account events are held until Redis is back: %s", error)
        self.redis_works = False

    def _note_success(self, parcel: _Parcel) -> None:
        if not self.redis_works:
            _log.info("account events are published again")
            for account in self._frames:
                self._metrics.held_events.labels(account).set(0)
        self.redis_works = True
        self._bound.worked()
        now_ns = time.time_ns()
        for recv_ns in parcel.received_ns:
            self._gateway.publish.labels("private").observe((now_ns - recv_ns) / NS_PER_S)

    def _give_up(self, reason: str, waiting: int) -> None:
        """Events are lost: say so loudly, end the sessions, and let nothing in before Redis is back."""
        _log.critical("%d account events given up: %s", waiting, reason)
        self.accepting.clear()
        self._void.update(self._give_up_sessions(reason))
        self._told = [self._loss(account, session, reason) for account, session in self._void.items()]
        self._owed = list(self._told)
        self._bound.worked()

    def _loss(self, account: str, session: int, reason: str) -> FeedNews:
        lost = FeedLost(feed="private", session=session, reason=reason, ts_event=self._clock.now_ms())
        return FeedNews(account, (keys.events(account),), lost)

    def _probe(self) -> bool:
        try:
            self._client.ping()
        except redis.RedisError:
            return False
        _log.info("Redis is back after events were given up")
        self.redis_works = True
        self.accepting.set()
        return True
