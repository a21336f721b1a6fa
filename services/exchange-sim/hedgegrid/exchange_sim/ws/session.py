"""The dialogue on one socket: ping, auth, subscribe, unsubscribe.

Messages are answered one after another, each after `ack_delay_s`: pybit registers a request only after sending it and
dies on an answer that comes too soon (bybit-v5.md 4.3 #4).
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

from hedgegrid.exchange_sim.auth import Authenticator
from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.faults.kinds import AckLate, AuthRefused, SlowReads, SubscribeRefused
from hedgegrid.exchange_sim.ws import frames
from hedgegrid.exchange_sim.ws.connection import Connection
from hedgegrid.exchange_sim.ws.hub import Hub

TIMER_STEP_S = 0.001
"""uvloop's timers count whole ms and may fire that much early."""
ARGS_LIMIT_CHARS = 21_000
"""Total length of one connection's public topics."""


class Session:
    """Base of both kinds of socket; a subclass decides which topics it takes."""

    def __init__(self, connection: Connection, hub: Hub, injector: Injector, ack_delay_s: float) -> None:
        self._connection = connection
        self._hub = hub
        self._injector = injector
        self._delay_s = ack_delay_s

    async def run(self, socket: web.WebSocketResponse) -> None:
        """Serve until the client goes; protocol PINGs are answered by aiohttp."""
        slow = self._injector.sockets(SlowReads, {"channel": self._connection.channel})
        async for message in socket:
            if slow is not None:
                await asyncio.sleep(slow.delay_ms / 1000)
            if message.type is not WSMsgType.TEXT:
                continue
            self._connection.heard()
            if self._delay_s:
                await asyncio.sleep(self._delay_s + TIMER_STEP_S)
            self._answer(message.data)

    def _answer(self, text: str) -> None:
        try:
            request = msgspec.json.decode(text)
            op = request["op"]
        except (msgspec.DecodeError, KeyError, TypeError):
            self._send(frames.ack("", self._connection.id, None, "Params Error", success=False))
            return
        req_id, args = request.get("req_id"), request.get("args", [])
        if op == "ping":
            self._send(self._pong(req_id))
        elif op == "subscribe":
            self._subscribe(args, req_id)
        elif op == "unsubscribe":
            self._unsubscribe(args, req_id)
        else:
            self._other(op, args, req_id)

    def _subscribe(self, args: Any, req_id: Any) -> None:
        """All topics or none: one bad or repeated topic refuses the whole request. The ack precedes any snapshot."""
        refusal = self._refusal(args)
        ack = frames.ack("subscribe", self._connection.id, req_id, refusal or "", success=refusal is None)
        late = None if refusal else self._injector.sockets(AckLate, self._subject() | {"topic": args})
        if late is None:
            self._send(ack)
        else:
            asyncio.get_running_loop().call_later(late.delay_ms / 1000, self._send, ack)
        if refusal is None:
            for topic in args:
                self._hub.subscribe(self._connection, topic)
                for message in self._snapshots(topic):
                    self._connection.send_data(frames.wire(message))

    def _refusal(self, args: Any) -> str | None:
        if not isinstance(args, list) or not args or not all(isinstance(topic, str) for topic in args):
            return "Params Error"
        seen = set(self._connection.topics)
        for topic in args:
            if not self._allows(topic):
                return f"error:handler not found,topic:{topic}"
            if topic in seen:
                return f"error:already subscribed,topic:{topic}"
            seen.add(topic)
        subject = self._subject() | {"topic": args}
        fault = self._injector.sockets(SubscribeRefused, subject)
        if fault is not None:
            return fault.text
        return "Params Error" if sum(map(len, seen)) > ARGS_LIMIT_CHARS else None

    def _unsubscribe(self, args: Any, req_id: Any) -> None:
        known = isinstance(args, list) and all(isinstance(topic, str) and self._allows(topic) for topic in args)
        if known:
            for topic in args:
                self._hub.unsubscribe(self._connection, topic)
        text = "" if known else "error:handler not found"
        self._send(frames.ack("unsubscribe", self._connection.id, req_id, text, success=known))

    def _send(self, frame: bytes) -> None:
        self._connection.send(frame)

    def _subject(self) -> dict[str, str | list[str]]:
        """What socket faults are matched against."""
        return {"channel": self._connection.channel, "account": self._connection.account_id}

    def _pong(self, req_id: Any) -> bytes:
        raise NotImplementedError

    def _allows(self, topic: str) -> bool:
        raise NotImplementedError

    def _snapshots(self, topic: str) -> Iterable[Any]:
        raise NotImplementedError

    def _other(self, op: str, args: Any, req_id: Any) -> None:
        self._send(frames.ack(op, self._connection.id, req_id, f"error:unknown op {op}", success=False))


class PublicSession(Session):
    """`/v5/public/linear`: market topics, each begun with its snapshot."""

    def __init__(
        self,
        connection: Connection,
        hub: Hub,
        injector: Injector,
        ack_delay_s: float,
        *,
        allows: Callable[[str], bool],
        snapshots: Callable[[str], Iterable[Any]],
    ) -> None:
        super().__init__(connection, hub, injector, ack_delay_s)
        self._is_known = allows
        self._first = snapshots

    def _pong(self, req_id: Any) -> bytes:
        return frames.public_pong(self._connection.id, req_id)

    def _allows(self, topic: str) -> bool:
        return self._is_known(topic)

    def _snapshots(self, topic: str) -> Iterable[Any]:
        return self._first(topic)


class PrivateSession(Session):
    """`/v5/private`: needs auth first; no topic has a snapshot and nothing missed is replayed."""

    def __init__(
        self,
        connection: Connection,
        hub: Hub,
        injector: Injector,
        ack_delay_s: float,
        *,
        authenticator: Authenticator,
        topics: frozenset[str],
        auth_delay_s: float = 0.0,
    ) -> None:
        """`auth_delay_s`: what arrives before authentication is through that long after its request is refused,
        as on the real venue; clients have to wait for the acknowledgement.
        """
        super().__init__(connection, hub, injector, ack_delay_s)
        self._authenticator = authenticator
        self._topics = topics
        self._auth_delay_s = auth_delay_s

    def _pong(self, req_id: Any) -> bytes:
        return frames.private_pong(self._connection.id, req_id, self._injector.wall_ms())

    def _allows(self, topic: str) -> bool:
        return topic in self._topics

    def _snapshots(self, topic: str) -> Iterable[Any]:
        return ()

    def _refusal(self, args: Any) -> str | None:
        return "Request not authorized" if self._connection.account is None else super()._refusal(args)

    def _other(self, op: str, args: Any, req_id: Any) -> None:
        if op != "auth":
            super()._other(op, args, req_id)
        elif self._auth_delay_s:
            asyncio.get_running_loop().call_later(self._auth_delay_s, self._authenticate, args, req_id)
        else:
            self._authenticate(args, req_id)

    def _authenticate(self, args: Any, req_id: Any) -> None:
        connection = self._connection
        account = self._authenticator.check_socket(args, self._injector.wall_ms())
        if not connection.is_open:
            return
        if account and self._injector.sockets(AuthRefused, {"channel": "private", "account": account.id}):
            account = None
        if account is not None and connection.account is None:
            connection.account = account
            self._hub.authenticated(connection)
        text = "" if account is not None else "Params Error"
        self._send(frames.ack("auth", connection.id, req_id, text, success=account is not None))
