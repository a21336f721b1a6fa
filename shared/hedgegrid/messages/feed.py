"""State of a socket, told in the same stream as its data so that readers see both in order."""

from hedgegrid.messages.base import Message


class FeedConnected(Message, frozen=True, kw_only=True):
    """Subscribed and, for a private feed, authenticated. Whatever happened before is unknown: reconcile.

    Told again by a private feed that stands, when some of its messages could not be read and when the loss told by
    another gateway of the account has stopped the bots.
    """

    feed: str
    """`public` or `private`."""
    session: int
    """Counts the connections of this gateway process's feed."""
    ts_event: int


class FeedLost(Message, frozen=True, kw_only=True):
    """The socket is gone or not trusted any more; messages may be missing from here on."""

    feed: str
    session: int
    reason: str
    ts_event: int


class FeedStale(Message, frozen=True, kw_only=True):
    """The socket stands but its data is too old to act on."""

    feed: str
    session: int
    age_ms: int
    ts_event: int
