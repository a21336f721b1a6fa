"""Symbols with an order whose outcome has been unknown for too long: they get no new exposure until it is known.

What rests at the venue, or fills there, while nobody can say whether the last order arrived, is guesswork (reliability
§5.4). Cancels and orders that only reduce go on. A quarantine outlives the executor, and ends by itself.
"""

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from hedgegrid.bus import keys
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.executor.in_flight import InFlight
from hedgegrid.executor.interlocks import Interlock, Interlocks
from hedgegrid.executor.lanes import Lanes
from hedgegrid.messages.events import QuarantineChanged
from hedgegrid.runtime.clock import Clock

STATE_FIELD = "quarantine"
NS_PER_MS = 1_000_000


_symbols = msgspec.json.Decoder(list[str])


class Quarantine:
    """Used by the account's main thread only."""

    def __init__(
        self, account: str, state: FencedState, lanes: Lanes, interlocks: Interlocks, clock: Clock, after_ms: int
    ) -> None:
        self._events = keys.events(account)
        self._state = state
        self._lanes = lanes
        self._interlocks = interlocks
        self._clock = clock
        self._after_ns = after_ms * NS_PER_MS
        self._symbols: frozenset[str] = frozenset()

    def resume(self, raw: bytes | None) -> None:
        """Go on with the symbols of an earlier holder, whose orders are still to be asked about.

        Raises:
            msgspec.DecodeError: another version wrote it.
        """
        stored = frozenset(_symbols.decode(raw)) if raw is not None else frozenset[str]()
        for symbol in stored:
            self._interlocks.engage(Interlock.QUARANTINE, "an order had no known outcome for too long", symbol)
        self._symbols = stored

    def look(self) -> None:
        """Begin what is overdue and end what is resolved; each change is an event.

        Raises:
            LeaseLost, CommitConflict, redis.RedisError: it could not be told.
        """
        unknown = defaultdict(list)
        for entry in self._lanes.without_outcome():
            unknown[entry.target.symbol].append(entry)
        now_ns = self._clock.monotonic_ns()
        for symbol, entries in unknown.items():
            if symbol not in self._symbols and any(now_ns - e.signed_ns >= self._after_ns for e in entries):
                self._begin(symbol, entries)
        for symbol in self._symbols - unknown.keys():
            self._end(symbol)

    def close(self) -> None:
        """The term ends; whoever holds the next one resumes."""
        for symbol in self._symbols:
            self._interlocks.release(Interlock.QUARANTINE, symbol)

    def _begin(self, symbol: str, entries: Sequence[InFlight]) -> None:
        orders = tuple(entry.target.order_id for entry in entries)
        text = f"no outcome for more than {self._after_ns // NS_PER_MS} ms: {', '.join(orders)}"
        self._interlocks.engage(Interlock.QUARANTINE, text, symbol)
        self._tell(self._symbols | {symbol}, QuarantineChanged(
            symbol=symbol, active=True, orders=orders, ts_event=self._clock.now_ms()
        ))  # fmt: skip

    def _end(self, symbol: str) -> None:
        self._tell(self._symbols - {symbol}, QuarantineChanged(
            symbol=symbol, active=False, orders=(), ts_event=self._clock.now_ms()
        ))  # fmt: skip
        self._interlocks.release(Interlock.QUARANTINE, symbol)

    def _tell(self, symbols: frozenset[str], event: QuarantineChanged) -> None:
        self._state.commit({STATE_FIELD: msgspec.json.encode(sorted(symbols))}, add=[(self._events, event)])
        self._symbols = symbols
