"""One feed: connect, authenticate, subscribe, watch, replace. A thread of its own; it never touches Redis."""

import logging
import random
import threading
from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Protocol

from hedgegrid.bybit.ws import RequestFailed, SocketFailed
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.runtime.clock import Clock
from hedgegrid.ws_gateway.items import FeedNews, Frame, Item, SessionBegun
from hedgegrid.ws_gateway.reconnect import ConnectBudget, ReconnectPolicy

CHECK_EVERY_S = 0.5
NS_PER_MS = 1_000_000

_log = logging.getLogger(__name__)


class State(StrEnum):
    WAITING = "waiting"
    CONNECTING = "connecting"
    AUTHENTICATING = "authenticating"
    SUBSCRIBING = "subscribing"
    LIVE = "live"
    STOPPED = "stopped"


class LossKind(StrEnum):
    """Label of the reconnect counter: what was at fault."""

    CONNECT = "connect"
    AUTH = "auth"
    SUBSCRIBE = "subscribe"
    CLOSED = "closed"
    SILENT = "silent"
    REDIS = "redis"


class FeedSocket(Protocol):
    """What a session needs of `hedgegrid.bybit.ws`."""

    @property
    def is_lost(self) -> bool: ...
    @property
    def lost_reason(self) -> str: ...
    @property
    def pong_age_s(self) -> float: ...
    @property
    def ping_round_trip_s(self) -> float | None: ...
    def open(self) -> object: ...
    def authenticate(self) -> None: ...
    def subscribe(self, topics: tuple[str, ...]) -> None: ...
    def close(self) -> None: ...


class Queue(Protocol):
    """Where items go; `SimpleQueue` is one."""

    def put(self, item: Item) -> None: ...


class _Failed(Exception):
    def __init__(self, kind: LossKind, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class FeedSession(ABC):
    """Runs one connection after another until stopped. What differs between public and private is in subclasses."""

    feed_kind: str
    """`public` or `private`, as messages and metrics spell it."""

    def __init__(
        self,
        *,
        feed: str,
        streams: tuple[str, ...],
        topics: tuple[str, ...],
        queue: Queue,
        clock: Clock,
        accepting: threading.Event | None = None,
        budget: ConnectBudget | None = None,
        dice: random.Random | None = None,
    ) -> None:
        self.feed = feed
        self.state = State.WAITING
        self.session = 0
        self.trouble = "not connected yet"
        """Why the feed is not in order; "" while it is."""
        self.losses: dict[LossKind, int] = dict.fromkeys(LossKind, 0)
        self.attempts = 0
        self.last_frame_ns: int | None = None
        """Monotonic time of the newest data frame."""
        self.live_since_ns: int | None = None
        self.ping_round_trip_s: float | None = None
        self._streams = streams
        self._topics = topics
        self._queue = queue
        self._clock = clock
        self._accepting = accepting
        self._policy = ReconnectPolicy(clock, dice or random.SystemRandom(), budget or ConnectBudget(clock))
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._failed_session = -1
        self._fail_reason = ""
        self._lock = threading.Lock()
        self._told_lost = False
        name = f"{self.feed_kind}-{feed}" if feed else self.feed_kind
        self.thread = threading.Thread(target=self._run, name=f"session-{name}", daemon=True)

    @abstractmethod
    def make_socket(self, session: int) -> FeedSocket:
        """A socket, not yet connected, which hands frames to `take_frame` and calls `on_lost`."""

    def begin(self) -> SessionBegun:
        """Tell the publisher that a new connection comes."""
        return SessionBegun(self.feed, self.session)

    @abstractmethod
    def check(self, socket: FeedSocket) -> str:
        """Why the live socket must be replaced, or ""; may put news about stale data."""

    def went_live(self, connected: FeedConnected) -> None:
        """Called before `connected` is told: the session is subscribed."""
        _log.info("%s feed live, session %d", self.feed_kind, self.session, extra={"account": self.feed})

    def announce(self) -> None:
        """Tell once more that the session is live; nothing if it is not. From any thread."""
        with self._lock:  # never behind the word of its loss
            if self.state is State.LIVE and not self._told_lost:
                self._tell_connected()

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """End the session soon; `thread` can be joined."""
        self._stopping.set()
        self._wake.set()

    def fail(self, reason: str) -> int:
        """End the present connection because its events were lost; returns its number. From any thread."""
        with self._lock:
            self._failed_session = self.session
            self._fail_reason = reason
        self._wake.set()
        return self._failed_session

    def on_lost(self, reason: str) -> None:
        """Called by the socket, in its thread."""
        self._wake.set()

    def take_frame(self, session: int, raw: bytes, recv_ns: int) -> None:
        """Called by the socket for each data frame, in its thread: must not block."""
        self.last_frame_ns = self._clock.monotonic_ns()
        self._queue.put(Frame(self.feed, session, raw, recv_ns))

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wait_turn()
            if self._stopping.is_set():
                break
            self._policy.attempt()
            self.attempts += 1
            with self._lock:
                self.session += 1
            try:
                self._one_connection()
            except _Failed as failure:
                self.losses[failure.kind] += 1
                self.trouble = str(failure)
                _log.warning("%s feed: %s", self.feed_kind, failure, extra={"account": self.feed})
                self._tell_lost(str(failure))
            self._policy.failed()
            self.live_since_ns = None
        if not self._told_lost:
            self._tell_lost("gateway stopped")
        self.trouble = "stopped"
        self.state = State.STOPPED

    def _wait_turn(self) -> None:
        """Until back-off and budget allow an attempt and the publisher can take events."""
        self.state = State.WAITING
        while not self._stopping.is_set():
            wait_ms = self._policy.wait_ms()
            blocked = self._accepting is not None and not self._accepting.is_set()
            if wait_ms <= 0 and not blocked:
                return
            self._wake.wait(min(max(wait_ms, 1) / 1000, CHECK_EVERY_S) if wait_ms else 0.05)
            self._wake.clear()

    def _one_connection(self) -> None:
        """From connecting to the end of the connection; returns only when stopping.

        Raises:
            _Failed: it could not be made, or ended.
        """
        self._wake.clear()
        self._queue.put(self.begin())
        socket = self.make_socket(self.session)
        try:
            self._establish(socket)
            self._go_live()
            self._watch(socket)
        finally:
            socket.close()

    def _establish(self, socket: FeedSocket) -> None:
        kind = LossKind.CONNECT
        try:
            self.state = State.CONNECTING
            socket.open()
            self.state, kind = State.AUTHENTICATING, LossKind.AUTH
            socket.authenticate()
            self.state, kind = State.SUBSCRIBING, LossKind.SUBSCRIBE
            socket.subscribe(self._topics)
        except (SocketFailed, RequestFailed) as error:
            raise _Failed(kind, str(error)) from error

    def _go_live(self) -> None:
        self.state = State.LIVE
        self.trouble = ""
        self.live_since_ns = self._clock.monotonic_ns()
        self._policy.connected()
        with self._lock:
            self._told_lost = False
            self._tell_connected()

    def _tell_connected(self) -> None:
        connected = FeedConnected(feed=self.feed_kind, session=self.session, ts_event=self._clock.now_ms())
        self.went_live(connected)
        self._queue.put(FeedNews(self.feed, self._streams, connected))

    def _watch(self, socket: FeedSocket) -> None:
        while not self._stopping.is_set():
            with self._lock:
                if self._failed_session == self.session:
                    raise _Failed(LossKind.REDIS, self._fail_reason)
            if socket.is_lost:
                raise _Failed(LossKind.CLOSED, socket.lost_reason)
            reason = self.check(socket)
            if reason:
                raise _Failed(LossKind.SILENT, reason)
            self.ping_round_trip_s = socket.ping_round_trip_s
            self._wake.wait(CHECK_EVERY_S)
            self._wake.clear()

    def _tell_lost(self, reason: str) -> None:
        """Once per loss, behind the last frame: the socket is closed by now."""
        with self._lock:
            if self._told_lost:
                return
            self._told_lost = True
            lost = FeedLost(feed=self.feed_kind, session=self.session, reason=reason, ts_event=self._clock.now_ms())
            self._queue.put(FeedNews(self.feed, self._streams, lost))

    def now_ms(self) -> int:
        """Monotonic ms."""
        return self._clock.monotonic_ns() // NS_PER_MS
