"""`/api/live`: the state document as server-sent events, in parts, each sent again only when it changed.

A client that connects anew is told everything, whatever `Last-Event-ID` it names, so nothing can be missed.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from hedgegrid.runtime.http_routes import Request, Response

PATH = "/api/live"
EVERY_S = 1.0
HEARTBEAT_S = 10.0
MOST_CLIENTS = 16
"""Each costs a thread; a page that is refused still has the plain snapshot."""
_QUOTE = ("last_px", "mark_px", "tick_ms", "received_ms")
_AGES = ("age_ms", "expires_in_ms")
"""They change by themselves; times do not, and a page can subtract."""

Parts = dict[str, bytes]


class Live:
    def __init__(
        self, state: Callable[[], dict[str, Any]], stopping: threading.Event, most_clients: int = MOST_CLIENTS
    ) -> None:
        self._state = state
        self._stopping = stopping
        self._slots = threading.BoundedSemaphore(most_clients)
        self._lock = threading.Lock()
        self._parts: Parts = {}
        self._taken_s = -EVERY_S

    def answer(self, request: Request) -> Response:
        """Answer `GET /api/live`, or refuse where too many listen already."""
        if not self._slots.acquire(blocking=False):
            text = b"too many live pages are open; close one, or ask /api/state\n"
            return Response(status=503, content_type="text/plain", body=text, headers={"Retry-After": "10"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        stream = _Stream(self._events(), self._slots.release)
        return Response(content_type="text/event-stream; charset=utf-8", headers=headers, stream=stream)

    def _events(self) -> Iterator[bytes]:
        sent: Parts = {}
        quiet_since_s = time.monotonic()
        yield b"retry: 2000\n\n"
        while True:
            parts = self._newest()
            changed = {name: body for name, body in parts.items() if sent.get(name) != body}
            if len(changed) > 1 or (changed and "now" not in changed):
                sent = parts
                quiet_since_s = time.monotonic()
                yield _event(changed)
            elif time.monotonic() - quiet_since_s >= HEARTBEAT_S:
                quiet_since_s = time.monotonic()
                yield b": still here\n\n"
            if self._stopping.wait(EVERY_S):
                return

    def _newest(self) -> Parts:
        """Made once for all clients."""
        with self._lock:
            now_s = time.monotonic()
            if now_s - self._taken_s >= EVERY_S / 2:
                self._parts, self._taken_s = parts_of(self._state()), now_s
            return self._parts


class _Stream:
    """Events with a slot that is given back once, whether or not anything was sent."""

    def __init__(self, events: Iterator[bytes], release: Callable[[], None]) -> None:
        self._events = events
        self._release: Callable[[], None] | None = release

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        if self._release is not None:
            self._release()
            self._release = None


def parts_of(document: dict[str, Any]) -> Parts:
    """Cut the document into `now`, `system`, `account/A`, `bot/A/S` and `quote/A/S` (what every tick changes)."""
    rest = dict(document)
    parts: dict[str, Any] = {"now": rest.pop("ts_ms")}
    for account in rest.pop("accounts"):
        parts[f"account/{account['account']}"] = account
    for bot in rest.pop("bots"):
        name = f"{bot['account']}/{bot['symbol']}"
        legs = {word: {**leg} for word, leg in bot["legs"].items()}
        open_pnl = {word: leg.pop("unrealised") for word, leg in legs.items()}
        parts[f"quote/{name}"] = {key: bot[key] for key in _QUOTE} | {"unrealised": open_pnl}
        parts[f"bot/{name}"] = {key: value for key, value in bot.items() if key not in _QUOTE} | {"legs": legs}
    rest.pop("streams")  # for /api/state: nothing on the page shows them
    parts["system"] = rest
    return {name: msgspec.json.encode(_without_ages(msgspec.to_builtins(part))) for name, part in parts.items()}


def _without_ages(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_ages(item) for key, item in value.items() if key not in _AGES}
    if isinstance(value, list):
        return [_without_ages(item) for item in value]
    return value


def _event(parts: Parts) -> bytes:
    body = b",".join(msgspec.json.encode(name) + b":" + part for name, part in parts.items())
    return b"data: {" + body + b"}\n\n"
