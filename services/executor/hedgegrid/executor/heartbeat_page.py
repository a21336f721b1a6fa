"""`GET /heartbeat?account=…&nonce=…`: the executor's signed sign of life for a dead man's switch on another host."""

from collections.abc import Callable
from urllib.parse import parse_qs

from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.http_routes import Request, Response
from hedgegrid.runtime.signed_beat import Beat, signed_beat

PATH = "/heartbeat"
MAX_NONCE_CHARS = 128


class HeartbeatPage:
    """`serving` tells by account id whether its executor works; called in server threads."""

    def __init__(self, key: bytes, clock: Clock, serving: dict[str, Callable[[], bool]]) -> None:
        self._key = key
        self._clock = clock
        self._serving = serving

    def answer(self, request: Request) -> Response:
        """The signed sign of life; status 400 for a question that is none."""
        asked = parse_qs(request.query)
        account, nonce = asked.get("account", [""])[0], asked.get("nonce", [""])[0]
        serves = self._serving.get(account)
        if serves is None or not 0 < len(nonce) <= MAX_NONCE_CHARS:
            return Response(
                content_type="text/plain", body=b"name an account of this executor and a nonce\n", status=400
            )
        beat = Beat(account=account, nonce=nonce, now_ms=self._clock.now_ms(), serving=serves())
        return Response(content_type="text/plain", body=signed_beat(self._key, beat))
