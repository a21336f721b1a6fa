"""Bybit's public and private sockets. The only way in; nothing here reconnects, that is the session's business.

`open` → (`authenticate`) → `subscribe`, each with a deadline; after `on_lost` or `close` make a new object.
"""

import json
import time
from collections.abc import Sequence
from typing import Literal, Self
from uuid import uuid4

from pydantic import SecretStr

from hedgegrid.bybit.ws_requests import RequestFailed
from hedgegrid.bybit.ws_transport import FrameHandler, LostHandler, SocketFailed, Transport

Environment = Literal["mainnet", "demo", "testnet"]

STEP_TIMEOUT_S = 10.0
ARGS_PER_REQUEST = 10
"""Linear has no documented limit; a live answer `args size >10` was recorded all the same."""
PRIVATE_TOPICS = ("order", "execution", "position", "wallet")


class _Socket:
    """What both kinds share. Every method that waits raises SocketFailed or RequestFailed by its deadline."""

    def __init__(self, transport: Transport, step_timeout_s: float) -> None:
        self._transport = transport
        self._step_timeout_s = step_timeout_s

    @property
    def endpoint(self) -> str:
        return self._transport.endpoint

    @property
    def is_lost(self) -> bool:
        return self._transport.lost.is_set()

    @property
    def lost_reason(self) -> str:
        return self._transport.lost_reason

    @property
    def pong_age_s(self) -> float:
        """Seconds since the venue answered a text ping (first: since the connection opened)."""
        return time.monotonic() - self._transport.pong_at_s

    @property
    def ping_round_trip_s(self) -> float | None:
        """Of the last text ping; None before the first answer."""
        return self._transport.ping_round_trip_s

    def open(self) -> Self:
        """Connect, one attempt.

        Raises:
            SocketFailed: not connected by the deadline.
        """
        self._transport.open(self._deadline())
        return self

    def authenticate(self) -> None:
        """Log in; a public feed needs none."""

    def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribe and wait until every request is acknowledged; data may come before that.

        Raises:
            RequestFailed: refused (one bad topic rejects its whole request), not answered in time, or socket lost.
            SocketFailed: could not be sent.
        """
        deadline_s = self._deadline()
        waiting = []
        for start in range(0, len(topics), ARGS_PER_REQUEST):
            args = list(topics[start : start + ARGS_PER_REQUEST])
            request = self._transport.requests.register("subscribe", str(uuid4()))
            waiting.append((request, args))
            self._transport.send(json.dumps({"op": "subscribe", "req_id": request.id, "args": args}))
        for request, args in waiting:
            try:
                request.wait_until(deadline_s)
            except RequestFailed as error:
                raise RequestFailed(f"{error} (topics {', '.join(args)})") from None

    def close(self) -> None:
        """End the connection and its threads. No handler is called afterwards."""
        self._transport.close()

    def _deadline(self) -> float:
        return time.monotonic() + self._step_timeout_s


class PublicSocket(_Socket):
    """Linear public feed. `demo` has none of its own: it shows mainnet's."""

    def __init__(
        self,
        environment: Environment,
        *,
        on_frame: FrameHandler,
        on_lost: LostHandler,
        url: str | None = None,
        step_timeout_s: float = STEP_TIMEOUT_S,
    ) -> None:
        transport = Transport(
            "linear", on_frame=on_frame, on_lost=on_lost, url=url, testnet=environment == "testnet", demo=False
        )
        super().__init__(transport, step_timeout_s)


class PrivateSocket(_Socket):
    """All events of one account, for every symbol."""

    def __init__(
        self,
        environment: Environment,
        api_key: SecretStr,
        api_secret: SecretStr,
        *,
        on_frame: FrameHandler,
        on_lost: LostHandler,
        url: str | None = None,
        step_timeout_s: float = STEP_TIMEOUT_S,
    ) -> None:
        secret = api_secret.get_secret_value()
        transport = Transport(
            "private",
            on_frame=on_frame,
            on_lost=on_lost,
            url=url,
            testnet=environment == "testnet",
            demo=environment == "demo",
            rsa_authentication=secret.startswith("-----BEGIN"),
            api_key=api_key.get_secret_value(),
            api_secret=secret,
        )
        super().__init__(transport, step_timeout_s)

    def authenticate(self) -> None:
        """Log in and wait for the answer: a subscription sent before it is refused.

        Raises:
            RequestFailed: refused, not answered in time, or socket lost.
            SocketFailed: could not be sent.
        """
        request = self._transport.requests.register("auth")
        self._transport.send_auth()
        request.wait_until(self._deadline())


__all__ = [
    "PRIVATE_TOPICS",
    "Environment",
    "PrivateSocket",
    "PublicSocket",
    "RequestFailed",
    "SocketFailed",
]
