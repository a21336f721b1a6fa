"""Tells a socket that only looks alive. Pure: times come in as ms of a monotonic clock."""

from collections.abc import Iterable
from dataclasses import dataclass, field

STALE_MS = 10_000
"""`orderbook.1` is re-sent every 3 s even when nothing changes, so 10 s of silence are a fault."""
REPLACE_MS = 20_000
NEVER_HEARD_MS = 60_000
"""A symbol that never spoke may not trade at all: a new socket is tried for it, but rarely."""
PONG_MS = 14_000
"""Pings go out every 6 s: two answers in a row have not come. A frozen peer is noticed within 15 s."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`replace`: why the socket must go, or "". `stale`: symbols to be told stale now, with their age in ms."""

    replace: str = ""
    stale: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class PublicWatchdog:
    """Silence of each symbol on one connection."""

    symbols: tuple[str, ...]
    live_ms: int
    """When the connection went live."""
    _heard: dict[str, int] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def check(self, heard_ms: Iterable[tuple[str, int]], now_ms: int) -> Verdict:
        """Judge after taking in when each symbol was heard last."""
        self._heard.update(heard_ms)
        ages = {symbol: now_ms - self._heard.get(symbol, self.live_ms) for symbol in self.symbols}
        silent = {symbol: age for symbol, age in ages.items() if age >= STALE_MS}
        news = tuple((symbol, age) for symbol, age in silent.items() if symbol not in self._told)
        self._told = set(silent)
        return Verdict(self._reason(silent), news)

    def is_stale(self) -> bool:
        """True if some symbol was silent at the last check."""
        return bool(self._told)

    def _reason(self, silent: dict[str, int]) -> str:
        if silent and len(silent) == len(self.symbols):
            return f"no frame of any symbol for {min(silent.values())} ms"
        for symbol, age in silent.items():
            limit = REPLACE_MS if symbol in self._heard else NEVER_HEARD_MS
            if age >= limit:
                return f"no frame of {symbol} for {age} ms"
        return ""


def check_private(pong_age_ms: int) -> Verdict:
    """Events may rightly be absent for hours, so only the answers to our pings tell that the socket lives."""
    if pong_age_ms > PONG_MS:
        return Verdict(f"no pong for {pong_age_ms} ms")
    return Verdict()
