"""Which run of the money server we talk to. Another run than before may have lost what it was given last.

Every new connection asks before anything goes over it, so no order can slip through between the restart and our notice
of it: redis-py replaces a broken connection without a word.
"""

import threading
from collections.abc import Iterable
from typing import Any

import redis

from hedgegrid.executor.interlocks import Interlock, Interlocks
from hedgegrid.runtime.clock import Clock

ASK_AGAIN_NS = 5_000_000_000

TEXT = "the money Redis was restarted: waiting for a snapshot"


class RedisRun:
    """`connected` is for `connect(on_connect=…)`; the rest belongs to one term at a time."""

    def __init__(self, interlocks: Interlocks, clock: Clock) -> None:
        self._interlocks = interlocks
        self._clock = clock
        self._lock = threading.Lock()
        self._run_id = ""
        self._symbols: tuple[str, ...] = ()
        self._waiting: dict[str, int] = {}
        """Symbols without a snapshot since the restart → when it was noticed."""
        self._asked_ns: int | None = None

    def begin(self, symbols: Iterable[str]) -> None:
        """A term begins; it takes snapshots of all symbols by itself before it lets orders through."""
        with self._lock:
            self._release(tuple(self._waiting))
            self._symbols = tuple(symbols)

    def connected(self, connection: Any) -> None:
        """Greet the server and compare its run with the one known.

        Raises:
            redis.RedisError: the server is not usable (yet).
        """
        connection.on_connect_check_health(check_health=True)
        connection.send_command("INFO", "server")
        self.heard(_run_id(connection.read_response()))

    def heard(self, run_id: str) -> None:
        """The server says which run of it this is."""
        with self._lock:
            known, self._run_id = self._run_id, run_id
            if known in ("", run_id):
                return
            now_ns = self._clock.monotonic_ns()
            self._asked_ns = None
            for symbol in self._symbols:
                self._waiting[symbol] = now_ns
                self._interlocks.engage(Interlock.REDIS_RESTARTED, TEXT, symbol)

    def snapshots_due(self) -> tuple[str, ...]:
        """Symbols of which a snapshot should be asked for now; told again while none came."""
        if not self._waiting:
            return ()
        with self._lock:
            now_ns = self._clock.monotonic_ns()
            if self._asked_ns is not None and now_ns - self._asked_ns < ASK_AGAIN_NS:
                return ()
            self._asked_ns = now_ns
            return tuple(self._waiting)

    def snapshot_published(self, symbol: str, began_ns: int) -> None:
        """A snapshot that was begun at `began_ns` (monotonic) is in the event stream."""
        if not self._waiting:
            return
        with self._lock:
            if began_ns >= self._waiting.get(symbol, began_ns + 1):
                self._release((symbol,))

    def _release(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._waiting.pop(symbol, None)
            self._interlocks.release(Interlock.REDIS_RESTARTED, symbol)


def _run_id(info: Any) -> str:
    text = info.decode(errors="replace") if isinstance(info, bytes) else str(info)
    for line in text.splitlines():
        if line.startswith("run_id:"):
            return line.removeprefix("run_id:").strip()
    raise redis.ResponseError("INFO server names no run_id")
