"""Who is subscribed to what, and the fan-out: a frame is encoded once for all its subscribers."""

from collections.abc import Collection, Iterable
from functools import partial
from typing import Any

from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.faults.messages import MessageEdge
from hedgegrid.exchange_sim.ws.connection import Connection
from hedgegrid.exchange_sim.ws.frames import wire


class Hub:
    """All open sockets. Topics of private sockets are kept per account."""

    def __init__(self, injector: Injector) -> None:
        self._edge = MessageEdge(injector)
        self.connections: set[Connection] = set()
        self._public: dict[str, set[Connection]] = {}
        self._private: dict[str, list[Connection]] = {}

    def opened(self, connection: Connection) -> None:
        self.connections.add(connection)

    def authenticated(self, connection: Connection) -> None:
        """`connection.account` is set: it receives that account's pushes once subscribed."""
        if connection.account is not None:
            self._private.setdefault(connection.account.id, []).append(connection)

    def closed(self, connection: Connection) -> None:
        self.connections.discard(connection)
        for topic in connection.topics:
            self._leave(connection, topic)
        if connection.account is not None and connection in self._private.get(connection.account.id, ()):
            self._private[connection.account.id].remove(connection)

    def subscribe(self, connection: Connection, topic: str) -> None:
        connection.topics.add(topic)
        if connection.account is None:
            self._public.setdefault(topic, set()).add(connection)

    def unsubscribe(self, connection: Connection, topic: str) -> None:
        connection.topics.discard(topic)
        self._leave(connection, topic)

    def wanted(self, topic: str) -> bool:
        return topic in self._public

    def wants_any(self, topics: Iterable[str]) -> bool:
        """Whether anybody is subscribed to one of these public topics."""
        return not self._public.keys().isdisjoint(topics)

    def publish(self, topic: str, message: Any) -> None:
        """A public message to every subscriber of its topic."""
        subscribers = self._public.get(topic)
        if not subscribers:
            return
        if self._edge.is_idle:
            frame = wire(message)
            for connection in tuple(subscribers):
                connection.send_data(frame)
        else:
            self._send("", topic, message, tuple(subscribers))

    def push(self, account: str, topic: str, message: dict[str, Any]) -> None:
        """A private message to the account's sockets that asked for `topic` or `topic.linear`.

        A categorised subscription gets its own topic name back (captured on mainnet, 2024-09).
        """
        for name in (topic, f"{topic}.linear"):
            listeners = [connection for connection in self._private.get(account, ()) if name in connection.topics]
            if listeners:
                self._send(account, name, message | {"topic": name}, listeners)

    def _leave(self, connection: Connection, topic: str) -> None:
        """Topics without a subscriber are forgotten."""
        subscribers = self._public.get(topic)
        if subscribers is not None:
            subscribers.discard(connection)
            if not subscribers:
                del self._public[topic]

    def _send(self, account: str, topic: str, message: dict[str, Any], to: Collection[Connection]) -> None:
        frame = wire(message)
        if self._edge.is_idle:
            _send_all(frame, to)
        else:
            self._edge.send(account, topic, message, partial(_send_all, frame, to))

    def listens(self, account: str, topic: str) -> bool:
        """Whether a private push of this topic would reach anybody."""
        return any(
            topic in connection.topics or f"{topic}.linear" in connection.topics
            for connection in self._private.get(account, ())
        )

    def private_frames(self, account: str) -> int:
        """Data frames sent on the account's newest private connection since it opened; 0 without one."""
        connections = self._private.get(account)
        return connections[-1].data_frames if connections else 0

    def private_topics(self, account: str) -> set[str]:
        """Every private topic some socket of the account listens to."""
        return set().union(*(connection.topics for connection in self._private.get(account, ())))

    def close_all(self) -> None:
        for connection in tuple(self.connections):
            connection.close()


def _send_all(frame: bytes, to: Collection[Connection]) -> None:
    for connection in to:
        connection.send_data(frame)
