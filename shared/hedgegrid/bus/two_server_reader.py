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
            redis.RedisError: nothing was read from that server, its positions stand as they were.
        """
        waiting = [server for server in self._servers if server.ask()]
        ready, _, _ = select.select(waiting, [], [], block_ms / 1000)
        entries: list[Entry] = []
        for server in ready:
            entries += server.take()
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
        self.positions: dict[str, str] = {}

    def fileno(self) -> int:
        return int(self._connection.fileno())

    def ask(self) -> bool:
        """Have a read under way; False when there is nothing to read."""
        if self._connection is not None:
            return True
        if not self.positions:
            return False
        connection: Any = self._client.connection_pool.get_connection()
        try:
            connection.send_command(
                "XREAD", "COUNT", READ_COUNT, "BLOCK", FOLLOW_WITHIN_MS,
                "STREAMS", *self.positions.keys(), *self.positions.values(),
            )  # fmt: skip
        except BaseException:
            self._give_back(connection)
            raise
        self._connection = connection
        return True

    def take(self) -> list[Entry]:
        """The answer of the read under way."""
        connection, self._connection = self._connection, None
        try:
            answer = connection.read_response()
        finally:
            self._give_back(connection)
        entries: list[Entry] = []
        for raw_stream, rows in answer or ():
            stream = raw_stream.decode()
            for raw_id, flat in rows:
                entries.append(Entry(stream, raw_id.decode(), dict(zip(flat[::2], flat[1::2], strict=True))))
            if stream in self.positions:  # it may have been let go while this read was waiting
                self.positions[stream] = rows[-1][0].decode()
        return entries

    def close(self) -> None:
        if self._connection is not None:
            self._connection.disconnect()
            self._give_back(self._connection)
            self._connection = None
        self._client.close()

    def _give_back(self, connection: Any) -> None:
        self._client.connection_pool.release(connection)


class _SelectableConnection(redis.Connection):
    """A connection that can be waited for together with others."""

    def fileno(self) -> int:
        sock: socket.socket | None = self._sock
        if sock is None:
            raise redis.ConnectionError("the connection was closed while a read was under way")
        return sock.fileno()
