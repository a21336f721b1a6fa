"""What travels from the sockets to the publishers, in the order it happened."""

from queue import Empty, SimpleQueue
from typing import NamedTuple

from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale


class Frame(NamedTuple):
    """A data frame as it left the socket. `feed` is the account, or "" for public."""

    feed: str
    session: int
    raw: bytes
    recv_ns: int
    """Wall clock, for latency."""


class SessionBegun(NamedTuple):
    """A new connection is about to be made; frames of earlier ones have all been handed over."""

    feed: str
    session: int
    symbols: tuple[str, ...] = ()
    """What a public connection carries."""


class FeedNews(NamedTuple):
    """State of a feed, to be told in every stream that carries its data."""

    feed: str
    streams: tuple[str, ...]
    message: FeedConnected | FeedLost | FeedStale


Item = Frame | SessionBegun | FeedNews


def drain(queue: SimpleQueue[Item], most: int, wait_s: float) -> list[Item]:
    """Whatever waits, up to `most` items; blocks up to `wait_s` seconds for the first one."""
    items: list[Item] = []
    try:
        items.append(queue.get(timeout=wait_s))
        while len(items) < most:
            items.append(queue.get_nowait())
    except Empty:
        pass
    return items
