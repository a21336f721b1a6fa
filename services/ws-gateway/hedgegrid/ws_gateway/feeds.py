"""The two kinds of feed: one account's private events, and the public data of some symbols."""

import random
import threading
from collections.abc import Callable
from functools import partial

from hedgegrid.bus import keys
from hedgegrid.bybit.ws import PRIVATE_TOPICS, Environment, PrivateSocket, PublicSocket
from hedgegrid.messages.events import OrderAcked
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.credentials import Credentials
from hedgegrid.runtime.failpoints import failpoint
from hedgegrid.ws_gateway.ack_watch import ACK_FOLLOWED_WITHIN_MS, AckWatch
from hedgegrid.ws_gateway.items import FeedNews, SessionBegun
from hedgegrid.ws_gateway.reconnect import ConnectBudget
from hedgegrid.ws_gateway.session import FeedSession, FeedSocket, Queue
from hedgegrid.ws_gateway.watchdog import PublicWatchdog, check_private

SYMBOLS_PER_SOCKET = 50
"""100 topics: far below the venue's 21,000 characters, and a lost socket takes no more than these with it."""
NS_PER_MS = 1_000_000

FrameHandler = Callable[[bytes, int], None]
LostHandler = Callable[[str], None]
Heard = OrderAcked | FeedConnected | FeedLost


def shards(symbols: tuple[str, ...], size: int = SYMBOLS_PER_SOCKET) -> list[tuple[str, ...]]:
    """Split symbols over sockets."""
    return [symbols[start : start + size] for start in range(0, len(symbols), size)]


class PrivateFeed(FeedSession):
    """All events of one account."""

    feed_kind = "private"

    def __init__(
        self,
        account: str,
        credentials: Credentials,
        environment: Environment,
        url: str | None,
        *,
        queue: Queue,
        clock: Clock,
        accepting: threading.Event,
        step_timeout_s: float = 10.0,
        ack_followed_ms: int = ACK_FOLLOWED_WITHIN_MS,
        budget: ConnectBudget | None = None,
        dice: random.Random | None = None,
    ) -> None:
        super().__init__(
            feed=account,
            streams=(keys.events(account),),
            topics=PRIVATE_TOPICS,
            queue=queue,
            clock=clock,
            accepting=accepting,
            budget=budget,
            dice=dice,
        )
        self._acks = AckWatch(ack_followed_ms)
        self._connected: FeedConnected | None = None
        self._is_known_connected = False
        self._make = partial(
            PrivateSocket,
            environment,
            credentials.api_key,
            credentials.api_secret,
            url=url,
            step_timeout_s=step_timeout_s,
        )

    def make_socket(self, session: int) -> FeedSocket:
        self._acks.begin()
        return self._make(on_frame=partial(self.take_frame, session), on_lost=self.on_lost)

    def went_live(self, connected: FeedConnected) -> None:
        super().went_live(connected)
        self._acks.live(connected.ts_event)
        self._connected, self._is_known_connected = connected, False

    def take_frame(self, session: int, raw: bytes, recv_ns: int) -> None:
        failpoint("gateway.after_receive")
        super().take_frame(session, raw, recv_ns)
        self._acks.frame(raw, recv_ns // NS_PER_MS)

    def heard(self, message: Heard) -> None:
        """What stands in the account's stream, in its order; called by the stream's reader.

        When another gateway of the account tells that its socket is lost, the bots stop; while ours stands behind that
        word, only our telling so lets them go on.
        """
        if isinstance(message, OrderAcked):
            self._acks.acked(message, self.now_ms())
        elif isinstance(message, FeedConnected):
            self._is_known_connected = self._is_known_connected or message == self._connected
        elif self._is_known_connected:
            self.announce()

    def check(self, socket: FeedSocket) -> str:
        return check_private(int(socket.pong_age_s * 1000)).replace or self._acks.overdue(self.now_ms())


class PublicFeed(FeedSession):
    """Ticker and best levels of some symbols, shared by all accounts."""

    feed_kind = "public"

    def __init__(
        self,
        symbols: tuple[str, ...],
        environment: Environment,
        url: str | None,
        *,
        queue: Queue,
        clock: Clock,
        step_timeout_s: float = 10.0,
        budget: ConnectBudget | None = None,
        dice: random.Random | None = None,
    ) -> None:
        super().__init__(
            feed="",
            streams=tuple(keys.market(symbol) for symbol in symbols),
            topics=tuple(f"{kind}.{symbol}" for symbol in symbols for kind in ("tickers", "orderbook.1")),
            queue=queue,
            clock=clock,
            budget=budget,
            dice=dice,
        )
        self.symbols = symbols
        self._make = partial(PublicSocket, environment, url=url, step_timeout_s=step_timeout_s)
        self._symbol_of = {topic.encode(): topic.rpartition(".")[2] for topic in self._topics}
        self._heard_ns: dict[str, int] = {}
        self._watchdog: PublicWatchdog | None = None

    def make_socket(self, session: int) -> FeedSocket:
        self._heard_ns = {}
        self._watchdog = None
        return self._make(on_frame=partial(self.take_frame, session), on_lost=self.on_lost)

    def begin(self) -> SessionBegun:
        return SessionBegun(self.feed, self.session, self.symbols)

    def take_frame(self, session: int, raw: bytes, recv_ns: int) -> None:
        super().take_frame(session, raw, recv_ns)
        # The topic without parsing: the publisher may be slow, and silence must be judged by arrival.
        start = raw.find(b'"', raw.find(b'"topic"') + 7) + 1
        symbol = self._symbol_of.get(raw[start : raw.find(b'"', start)])
        if symbol is not None and self.last_frame_ns is not None:
            self._heard_ns[symbol] = self.last_frame_ns

    def check(self, socket: FeedSocket) -> str:
        now_ms = self.now_ms()
        if self._watchdog is None:
            self._watchdog = PublicWatchdog(self.symbols, now_ms)
        heard = [(symbol, at_ns // NS_PER_MS) for symbol, at_ns in self._heard_ns.copy().items()]
        verdict = self._watchdog.check(heard, now_ms)
        for symbol, age_ms in verdict.stale:
            stale = FeedStale(feed=self.feed_kind, session=self.session, age_ms=age_ms, ts_event=self._clock.now_ms())
            self._queue.put(FeedNews(self.feed, (keys.market(symbol),), stale))
        self.trouble = "some symbols are silent" if self._watchdog.is_stale() else ""
        return verdict.replace
