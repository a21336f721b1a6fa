"""Sockets of the gateway: what `hedgegrid.ws_gateway.feeds` makes of `hedgegrid.bybit.ws`, with what a network does."""

from collections.abc import Callable, Sequence
from typing import Any, Self

from hedgegrid.bybit.ws import SocketFailed
from tests.simulation.faults import Faults
from tests.simulation.killpoints import KillPoints
from tests.simulation.loom import NS_PER_MS, NS_PER_S, Loom, Process
from tests.simulation.threads import wall_ns
from tests.simulation.venue import Exchange

LONGEST_WAY_NS = 8 * NS_PER_MS
LONGEST_DELAY_MS = 1_500
FrameHandler = Callable[[bytes, int], None]


class Sockets:
    """All open sockets, and the venue's ends of them."""

    def __init__(self, loom: Loom, faults: Faults, points: KillPoints, exchange: Exchange) -> None:
        self.loom, self.faults, self.points, self.exchange = loom, faults, points, exchange
        self.open: list[Socket] = []
        exchange.wire.frame = self._private
        exchange.wire.tick = self._public

    def private(self, environment: Any, api_key: Any, api_secret: Any, **options: Any) -> "Socket":
        return Socket(self, api_key.get_secret_value(), **options)

    def public(self, environment: Any, **options: Any) -> "Socket":
        return Socket(self, "", **options)

    def cut(self, private: bool) -> None:
        """The connections of a kind are lost, at once and for the gateway to see."""
        for socket in self._of(private):
            socket.lose("connection reset by peer")

    def stall(self, private: bool) -> None:
        """Nothing comes through any more, and nobody says so: only the missing pongs tell."""
        for socket in self._of(private):
            socket.stalled_ns = self.loom.now_ns

    def _of(self, private: bool) -> "list[Socket]":
        return [socket for socket in self.open if bool(socket.account) is private]

    def _private(self, account: str, raw: bytes) -> None:
        for socket in self._of(private=True):
            if socket.account != account:
                continue
            fault = self.faults.first("private.dropped", "private.doubled", "private.late")
            if fault == "private.dropped":
                continue
            socket.deliver(raw, late=fault == "private.late")
            if fault == "private.doubled":
                socket.deliver(raw, late=True)

    def _public(self, symbol: str, raw: bytes) -> None:
        for socket in self._of(private=False):
            if f"tickers.{symbol}" in socket.topics:
                socket.deliver(raw, late=False)


class Socket:
    """`hedgegrid.ws_gateway.session.FeedSocket`."""

    def __init__(
        self,
        sockets: Sockets,
        account: str,
        *,
        on_frame: FrameHandler,
        on_lost: Callable[[str], None],
        **options: Any,
    ) -> None:
        self.account = account
        self.topics: Sequence[str] = ()
        self.is_lost = False
        self.lost_reason = ""
        self.ping_round_trip_s: float | None = 0.001
        self.stalled_ns = 0
        self._sockets = sockets
        self._process: Process = sockets.loom.current.process
        self._on_frame, self._on_lost = on_frame, on_lost
        self._last_ns = 0

    @property
    def pong_age_s(self) -> float:
        return (self._sockets.loom.now_ns - self.stalled_ns) / NS_PER_S if self.stalled_ns else 0.5

    def open(self) -> Self:
        """Raises SocketFailed while the venue is down."""
        loom = self._sockets.loom
        loom.sleep(loom.random.randrange(NS_PER_MS, 30 * NS_PER_MS))
        if self._sockets.exchange.is_down:
            raise SocketFailed("connection refused")
        return self

    def authenticate(self) -> None:
        self._sockets.loom.sleep(5 * NS_PER_MS)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Pushes come from here on."""
        self._sockets.loom.sleep(5 * NS_PER_MS)
        self.topics = tuple(topics)
        self._sockets.open.append(self)

    def close(self) -> None:
        if self in self._sockets.open:
            self._sockets.open.remove(self)

    def lose(self, reason: str) -> None:
        self.close()
        if not self._process.dead:
            self.is_lost, self.lost_reason = True, reason
            self._on_lost(reason)

    def deliver(self, raw: bytes, late: bool) -> None:
        """In order, but for what is late."""
        if self.stalled_ns:
            return
        loom = self._sockets.loom
        at_ns = loom.now_ns + loom.random.randrange(NS_PER_MS // 2, LONGEST_WAY_NS)
        if late:
            at_ns += self._sockets.faults.random.randrange(LONGEST_DELAY_MS) * NS_PER_MS
        else:
            at_ns = self._last_ns = max(at_ns, self._last_ns + 1)
        loom.call_in(at_ns - loom.now_ns, lambda: self._take(raw))

    def _take(self, raw: bytes) -> None:
        if self._process.dead:
            self.close()
        elif not self.is_lost and not self.stalled_ns:
            self._on_frame(raw, wall_ns(self._process))
            if self.account:
                self._sockets.points.reach("gateway.after_frame", self._process)
