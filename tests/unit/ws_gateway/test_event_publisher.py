"""Whatever Redis does, account events come out in order and each at least once."""

import threading
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.messages.base import Message
from hedgegrid.messages.events import OrderAccepted
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.ws_gateway import event_publisher
from hedgegrid.ws_gateway.event_publisher import EventPublisher
from hedgegrid.ws_gateway.gateway_metrics import GatewayMetrics
from hedgegrid.ws_gateway.items import FeedNews, Frame, Item, SessionBegun
from tests.integration.ws_gateway.frames import order, orders


class Store:
    """Stands for Redis. `fates`, one a transaction: None works, "before" refuses, "after" loses the answer."""

    def __init__(self, fates: Iterable[str | None]) -> None:
        self.transactions: list[list[tuple[str, Message]]] = []
        self._fates = chain(fates, repeat(None))

    def publish(self, client: object, entries: list[tuple[str, Message]]) -> None:
        fate = next(self._fates)
        if fate == "before":
            raise redis.ConnectionError("refused")
        self.transactions.append(list(entries))
        if fate == "after":
            raise redis.TimeoutError("answer lost")

    def stream(self, account: str) -> list[Message]:
        return [message for entries in self.transactions for stream, message in entries if f"{{{account}}}" in stream]


@pytest.fixture(autouse=True, scope="module")
def _no_waiting() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_publisher, "RETRY_S", 0)
        patch.setattr(event_publisher, "POLL_S", 0.001)
        yield


def publish(store: Store, items: Iterable[Item]) -> None:
    """Put the items through a publisher that stops when nothing is left."""
    metrics = Metrics()
    publisher = EventPublisher(
        None,  # type: ignore[arg-type]  # the store takes its place
        metrics,
        GatewayMetrics(metrics.registry),
        ManualClock(),
        give_up=lambda reason: pytest.fail(f"gave up: {reason}"),
        announce=lambda account: None,
    )
    for item in items:
        publisher.queue.put(item)
    stopping = threading.Event()
    stopping.set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_publisher, "publish", store.publish)
        publisher.run(stopping)


def numbers(messages: Iterable[Message]) -> list[int]:
    """Order numbers without the repetitions that a lost answer leads to."""
    found = (int(message.venue_order_id[1:]) for message in messages if isinstance(message, OrderAccepted))
    return list(dict.fromkeys(found))


FATES = st.lists(st.sampled_from([None, "before", "after"]), max_size=40)


@given(FATES, st.lists(st.sampled_from(["a", "b"]), max_size=300))
def test_nothing_is_lost_and_order_is_kept_per_account(fates: list[str | None], accounts: list[str]) -> None:
    store = Store(fates)
    publish(store, [Frame(account, 1, order(n).encode(), 1) for n, account in enumerate(accounts)])
    for account in ("a", "b"):
        assert numbers(store.stream(account)) == [n for n, name in enumerate(accounts) if name == account]


@given(FATES)
def test_news_stay_between_the_events_they_came_between(fates: list[str | None]) -> None:
    streams = ("{a}:events",)
    connected = FeedConnected(feed="private", session=1, ts_event=1)
    lost = FeedLost(feed="private", session=1, reason="x", ts_event=1)
    items: list[Item] = [
        SessionBegun("a", 1),
        Frame("a", 1, order(1).encode(), 1),
        FeedNews("a", streams, connected),
        Frame("a", 1, order(2).encode(), 1),
        FeedNews("a", streams, lost),
    ]
    store = Store(fates)
    publish(store, items)
    told = [
        message.venue_order_id if isinstance(message, OrderAccepted) else type(message).__name__
        for _, message in store.transactions[-1]
    ]
    assert told == ["o1", "FeedConnected", "o2", "FeedLost"]


def test_rows_of_a_frame_are_one_transaction() -> None:
    store = Store([])
    publish(store, [Frame("a", 1, orders(range(30)).encode(), 1)])
    (entries,) = store.transactions
    assert numbers(message for _, message in entries) == list(range(30))
