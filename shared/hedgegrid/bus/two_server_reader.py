"""One reading point over the money and the market server: account streams from one, ticks from the other.

Both servers hold a blocking XREAD of ours at the same time; whichever has something is read first. No threads: a
hand-over between threads costs more than the read itself (`bench/`).
"""

import select
import socket
from typing import Any

import redis

from hedgegrid.bus.connection import BLOCK_MS, connect
from hedgegrid.bus.reader import READ_COUNT, START, Entry, id_key

MARKET_PREFIX = "market:"
FOLLOW_WITHIN_MS = 200
"""A read that waits at a server ends by then, so that streams followed meanwhile come in."""


class TwoServerReader:
    """Reads from explicit positions, as `CheckpointReader` does; the servers may be one and the same."""

    def __init__(self, money_url: str, market_url: str, client_name: str) -> None:
        money = _Server(money_url, client_name)
        self._money = money
        self._market = money if market_url == money_url else _Server(market_url, client_name)
        self._servers = [money] if self._market is money else [money, self._market]
        self._failure: redis.RedisError | None = None

    def follow(self, stream: str, position: str = START) -> None:
        """Read `stream` from behind `position` on; a stream already followed keeps the older position."""
        positions = self._server_of(stream).positions
        known = positions.get(stream)
        if known is None or id_key(position) < id_key(known):
            positions[stream] = position

    def unfollow(self, stream: str) -> None:
        self._server_of(stream).positions.pop(stream, None)

    def read(self, block_ms: int = BLOCK_MS) -> list[Entry]:
        """Entries of whichever server has some; waits up to `block_ms` for the first.

        Raises:
            redis.RedisError: nothing was read, the positions stand as they were. When one server has entries and the
                other fails, the entries come first and the error with the next call.
        """
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        waiting = [server for server in self._servers if server.ask()]
        ready, _, _ = select.select(waiting, [], [], block_ms / 1000)
        entries: list[Entry] = []
        for server in ready:
            try:
                entries += server.take()
            except redis.RedisError as error:
                self._failure = error
        if self._failure is not None and not entries:
            failure, self._failure = self._failure, None
            raise failure
        return entries

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def _server_of(self, stream: str) -> "_Server":
        return self._market if stream.startswith(MARKET_PREFIX) else self._money


class _Server:
    """One connection with at most one XREAD under way."""

    def __init__(self, url: str, client_name: str) -> None:
        self._client = connect(url, client_name, _SelectableConnection)
        self._connection: Any = None
        self._asked: dict[str, str] | None = None
        """Positions of the read under way."""
        self.positions: dict[str, str] = {}

    def fileno(self) -> int:
        return int(self._connection.fileno())

    def ask(self) -> bool:
        """Have a read under way; False when there is nothing to read."""
        if self._asked is not None or not self.positions:
            return self._asked is not None
        if self._connection is None:
            self._connection = self._client.connection_pool.get_connection()
        self._connection.send_command(
            "XREAD", "COUNT", READ_COUNT, "BLOCK", FOLLOW_WITHIN_MS,
            "STREAMS", *self.positions.keys(), *self.positions.values(),
        )  # fmt: skip
        self._asked = dict(self.positions)
        return True

    def take(self) -> list[Entry]:
        """The answer of the read under way.

        A stream that was meanwhile let go or is to be read from an older position is left out: its entries come again,
        from there on and in their order.
        """
        asked, self._asked = self._asked or {}, None  # whatever comes now, an error included, is the answer
        answer = self._connection.read_response()
        entries: list[Entry] = []
        for raw_stream, rows in answer or ():
            stream = raw_stream.decode()
            if self.positions.get(stream) != asked.get(stream):
                continue
            for raw_id, flat in rows:
                entries.append(Entry(stream, raw_id.decode(), dict(zip(flat[::2], flat[1::2], strict=True))))
            self.positions[stream] = rows[-1][0].decode()
        return entries

    def close(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
        self._client.close()


class _SelectableConnection(redis.Connection):
    """A connection that can be waited for together with others."""

    def fileno(self) -> int:
        sock: socket.socket | None = self._sock
        if sock is None:
            raise redis.ConnectionError("the connection was closed while a read was under way")
        return sock.fileno()
