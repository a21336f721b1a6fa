"""Fan-out: frames on the wire, who gets them, and what happens to those who do not read or speak."""

import asyncio
from decimal import Decimal
from typing import Any, cast

import msgspec

from hedgegrid.exchange_sim.accounts import Account
from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.ws.connection import Connection
from hedgegrid.exchange_sim.ws.frames import wire
from hedgegrid.exchange_sim.ws.hub import Hub

ACCOUNT = Account(id="main", api_key="k", api_secret="s", balance=Decimal(1), uid=1)


class Transport:
    """A transport that remembers what was written and never sends it."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return sum(map(len, self.written))

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


def connect(limit_bytes: int = 1000, idle_limit_s: float = 600.0) -> tuple[Connection, Transport]:
    transport = Transport()
    sent = cast(asyncio.WriteTransport, transport)
    return Connection(sent, "c", idle_limit_s=idle_limit_s, limit_bytes=limit_bytes), transport


def test_frames_of_every_length_class() -> None:
    for size, header in ((10, 2), (125, 2), (126, 4), (65535, 4), (65536, 10)):
        frame = wire("x" * (size - 2))
        assert len(frame) == header + size
        assert frame[0] == 0x81
        assert msgspec.json.decode(frame[header:]) == "x" * (size - 2)


def test_a_slow_reader_is_cut_and_gets_nothing_more() -> None:
    connection, transport = connect(limit_bytes=100)
    for _ in range(5):
        connection.send(b"x" * 60)
    assert transport.aborted
    assert len(transport.written) == 2


def test_an_idle_socket_is_cut() -> None:
    quiet, quiet_transport = connect(idle_limit_s=-1.0)
    busy, busy_transport = connect()
    quiet.cut_if_idle()
    busy.cut_if_idle()
    assert (quiet_transport.aborted, busy_transport.aborted) == (True, False)


def test_one_encoding_serves_every_subscriber() -> None:
    hub = Hub(Injector(lambda: 0.0))
    sockets = [connect() for _ in range(3)]
    for connection, _ in sockets:
        hub.opened(connection)
        hub.subscribe(connection, "tickers.X")
    hub.unsubscribe(sockets[2][0], "tickers.X")
    hub.publish("tickers.X", {"a": 1})
    assert sockets[0][1].written[0] is sockets[1][1].written[0]
    assert sockets[2][1].written == []
    hub.closed(sockets[0][0])
    assert hub.wanted("tickers.X")
    hub.closed(sockets[1][0])
    assert not hub.wanted("tickers.X")


def test_private_frames_are_counted_for_the_newest_connection() -> None:
    hub = Hub(Injector(lambda: 0.0))
    first, second = connect()[0], connect()[0]
    message: dict[str, Any] = {"topic": "order", "data": []}
    for connection in (first, second):
        hub.opened(connection)
        connection.account = ACCOUNT
        hub.authenticated(connection)
        hub.subscribe(connection, "order")
        hub.push("main", "order", message)
    assert (first.data_frames, hub.private_frames("main")) == (2, 1)
    hub.push("main", "wallet", message)
    assert hub.private_frames("main") == 1
    hub.closed(second)
    assert hub.private_frames("main") == 2
    hub.closed(first)
    assert hub.private_frames("main") == 0
