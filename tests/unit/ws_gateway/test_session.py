"""The life of a feed with sockets that do what a test tells them, without any network."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue

import pytest

from hedgegrid.bybit.ws import RequestFailed, SocketFailed
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.runtime.clock import SystemClock
from hedgegrid.ws_gateway import reconnect
from hedgegrid.ws_gateway.items import FeedNews, Frame, Item, SessionBegun
from hedgegrid.ws_gateway.session import FeedSession, FeedSocket, LossKind, State


class Socket:
    """`fails` names the step that fails."""

    def __init__(self, fails: str = "") -> None:
        self.fails = fails
        self.steps: list[str] = []
        self.is_lost = False
        self.lost_reason = ""
        self.pong_age_s = 0.0
        self.ping_round_trip_s: float | None = None

    def _step(self, name: str, error: type[Exception]) -> None:
        self.steps.append(name)
        if self.fails == name:
            raise error(f"{name} failed")

    def open(self) -> None:
        self._step("open", SocketFailed)

    def authenticate(self) -> None:
        self._step("authenticate", RequestFailed)

    def subscribe(self, topics: tuple[str, ...]) -> None:
        self._step("subscribe", RequestFailed)

    def close(self) -> None:
        self.steps.append("close")


class Feed(FeedSession):
    feed_kind = "private"
    silent_session = 0

    def __init__(self, sockets: list[Socket], queue: SimpleQueue[Item], accepting: threading.Event) -> None:
        super().__init__(
            feed="acct",
            streams=("s",),
            topics=("t",),
            queue=queue,
            clock=SystemClock(),
            accepting=accepting,
            dice=random.Random(1),
        )
        self.sockets = sockets
        self.used: list[Socket] = []

    def make_socket(self, session: int) -> FeedSocket:
        self.used.append(self.sockets.pop(0) if self.sockets else Socket())
        return self.used[-1]

    def check(self, socket: FeedSocket) -> str:
        return "too silent" if self.session == self.silent_session else ""


Start = Callable[..., Feed]


@pytest.fixture
def queue() -> SimpleQueue[Item]:
    return SimpleQueue()


@pytest.fixture
def accepting() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


@pytest.fixture
def start(queue: SimpleQueue[Item], accepting: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    monkeypatch.setattr(reconnect, "FIRST_DELAY_MS", 1)
    feeds: list[Feed] = []

    def make(*sockets: Socket) -> Feed:
        feeds.append(Feed(list(sockets), queue, accepting))
        feeds[-1].start()
        return feeds[-1]

    yield make
    for feed in feeds:
        feed.stop()
        feed.thread.join(5)
        assert not feed.thread.is_alive()


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.001)


def news(queue: SimpleQueue[Item]) -> list[str]:
    items = []
    while not queue.empty():
        item = queue.get()
        name = type(item.message).__name__ if isinstance(item, FeedNews) else type(item).__name__
        items.append(name)
    return items


@pytest.mark.parametrize(
    ("step", "kind"),
    [("open", LossKind.CONNECT), ("authenticate", LossKind.AUTH), ("subscribe", LossKind.SUBSCRIBE)],
)
def test_failure_of_each_step_closes_the_socket_and_is_told_once(
    start: Start, queue: SimpleQueue[Item], step: str, kind: LossKind
) -> None:
    feed = start(Socket(step), Socket(step))
    until(lambda: feed.state is State.LIVE)
    assert feed.losses[kind] == 2
    assert all(socket.steps[-2:] == [step, "close"] for socket in feed.used[:2])
    assert news(queue) == ["SessionBegun", "FeedLost", "SessionBegun", "SessionBegun", "FeedConnected"]
    assert feed.trouble == ""


def test_steps_come_in_order(start: Start) -> None:
    feed = start()
    until(lambda: feed.state is State.LIVE)
    assert feed.used[0].steps == ["open", "authenticate", "subscribe"]


def test_loss_is_told_behind_the_last_frame_and_a_new_session_begins(start: Start, queue: SimpleQueue[Item]) -> None:
    feed = start()
    until(lambda: feed.state is State.LIVE)
    feed.take_frame(1, b"x", 1)
    feed.used[0].is_lost = True
    feed.used[0].lost_reason = "gone"
    feed.on_lost("gone")
    until(lambda: feed.session == 2 and feed.state is State.LIVE)
    items = []
    while not queue.empty():
        items.append(queue.get())
    assert [type(item) for item in items] == [SessionBegun, FeedNews, Frame, FeedNews, SessionBegun, FeedNews]
    lost = items[3]
    assert isinstance(lost, FeedNews)
    assert isinstance(lost.message, FeedLost)
    assert (lost.message.session, lost.message.reason) == (1, "gone")
    again = items[5]
    assert isinstance(again, FeedNews)
    assert isinstance(again.message, FeedConnected)
    assert again.message.session == 2
    assert feed.losses[LossKind.CLOSED] == 1


def test_verdict_of_the_watchdog_replaces_the_socket(start: Start) -> None:
    feed = start()
    until(lambda: feed.state is State.LIVE)
    feed.silent_session = 1
    feed.on_lost("look")
    until(lambda: feed.state is State.LIVE and feed.session == 2)
    assert feed.losses[LossKind.SILENT] == 1
    assert feed.used[0].steps[-1] == "close"


def test_no_connection_while_events_are_not_accepted(start: Start, accepting: threading.Event) -> None:
    feed = start()
    until(lambda: feed.state is State.LIVE)
    accepting.clear()
    assert feed.fail("events lost") == 1
    until(lambda: feed.state is State.WAITING)
    assert feed.losses[LossKind.REDIS] == 1
    assert feed.attempts == 1
    accepting.set()
    until(lambda: feed.state is State.LIVE)
    assert feed.attempts == 2


def test_stopping_says_so(start: Start, queue: SimpleQueue[Item]) -> None:
    feed = start()
    until(lambda: feed.state is State.LIVE)
    feed.stop()
    feed.thread.join(5)
    assert feed.state is State.STOPPED
    assert news(queue) == ["SessionBegun", "FeedConnected", "FeedLost"]
    assert feed.used[0].steps[-1] == "close"
