"""What stands in the accounts' event streams, read back: acknowledgements to check the sockets by, and the news of
feeds as the bots see them, those of another gateway included."""

import logging
import threading
from collections.abc import Callable, Mapping

import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.reader import READ_COUNT, CheckpointReader, before_newest
from hedgegrid.messages.events import OrderAcked
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.ws_gateway.feeds import Heard

READ_EVERY_S = 0.25
RETRY_S = 1.0
BLOCK_MS = 1
WANTED = tuple(f'"type":"{kind.__name__}"'.encode() for kind in (OrderAcked, FeedConnected, FeedLost))

_log = logging.getLogger(__name__)


class StreamReader:
    """One thread. Looks a few times a second instead of waiting at the server: an event should wake its readers that
    trade, not this one. `listeners` by account."""

    def __init__(self, client: redis.Redis, listeners: Mapping[str, Callable[[Heard], None]]) -> None:
        self._client = client
        self._reader = CheckpointReader(client)
        self._listeners = {keys.events(account): listen for account, listen in listeners.items()}

    def run(self, stopping: threading.Event) -> None:
        """Read until `stopping` is set; begins a little before the end, behind which our feeds told that they live."""
        while not stopping.is_set():
            try:
                for stream in self._listeners.keys() - self._reader.positions.keys():
                    self._reader.follow(stream, before_newest(self._client, stream, READ_COUNT))
                more = self.read()
            except redis.RedisError as error:  # the publisher's condition tells that Redis is away
                _log.debug("event streams cannot be read: %s", error)
                stopping.wait(RETRY_S)
            else:
                if not more:
                    stopping.wait(READ_EVERY_S)

    def position(self, account: str) -> str:
        """Id of the newest entry read of an account; "" before the first look."""
        return self._reader.positions.get(keys.events(account), "")

    def read(self) -> bool:
        """Hand on what came; True if more may wait.

        Raises:
            redis.RedisError: nothing was read.
        """
        entries = self._reader.read(BLOCK_MS)
        for entry in entries:
            raw = entry.fields.get(codec.FIELD, b"")
            if not any(kind in raw[:100] for kind in WANTED):
                continue
            try:
                message = codec.decode_event(entry.fields)
            except codec.UnreadableMessage:
                continue  # the bots set it aside and reconcile
            if isinstance(message, Heard):
                self._listeners[entry.stream](message)
        return len(entries) >= READ_COUNT
