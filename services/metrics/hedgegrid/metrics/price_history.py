"""A short past of each price, so that a chart begins with a line instead of a dot."""

from collections import deque
from decimal import Decimal

EVERY_MS = 5_000
KEPT = 360
"""Half an hour."""


class PriceHistory:
    """At most one price a symbol and step of time: the last one within it. One writer thread, any reader."""

    def __init__(self) -> None:
        self._points: dict[str, deque[tuple[int, Decimal]]] = {}

    def add(self, symbol: str, ts_ms: int, price: Decimal) -> None:
        """Note a price; an older one than the newest known is not taken."""
        points = self._points.setdefault(symbol, deque(maxlen=KEPT))
        if points and ts_ms < points[-1][0]:
            return
        if points and ts_ms // EVERY_MS == points[-1][0] // EVERY_MS:
            points[-1] = (ts_ms, price)
        else:
            points.append((ts_ms, price))

    def points(self, symbol: str) -> list[tuple[int, Decimal]]:
        """Times and prices, oldest first."""
        points = self._points.get(symbol)
        return list(points.copy()) if points else []
