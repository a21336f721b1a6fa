"""Order-book topics: snapshot, then deltas with a rising update id `u` (docs/v5/websocket/public/orderbook)."""

from typing import Any

from hedgegrid.exchange_sim.market.view import Levels, SymbolView

Message = dict[str, Any]


class BookFeed:
    """One depth of one symbol. Depth 1 sends snapshots only; the others a snapshot and then what changed."""

    def __init__(self, view: SymbolView, depth: int) -> None:
        self._view = view
        self._depth = depth
        self.topic = f"orderbook.{depth}.{view.rules.symbol}"
        self._update = 0
        self._sides: tuple[Levels, Levels] = ([], [])

    def snapshot(self, now_ms: int) -> Message:
        """The full book under the current update id; the first one begins the count."""
        if self._update == 0:
            self._update = 1
            self._sides = self._view.levels(self._depth)
        bids, asks = self._sides
        return self._message("snapshot", _rows(bids), _rows(asks), now_ms)

    def restart(self) -> None:
        """Count update ids from 1 again."""
        self._update = 0

    def change(self, now_ms: int) -> Message | None:
        """What changed since the last message; None when nothing did."""
        before, now = self._sides, self._view.levels(self._depth)
        if now == before:
            return None
        self._sides = now
        self._update += 1
        if self._depth == 1:
            return self.snapshot(now_ms)
        bids, asks = (_difference(old, new) for old, new in zip(before, now, strict=True))
        return self._message("delta", bids, asks, now_ms)

    def _message(self, kind: str, bids: list[list[str]], asks: list[list[str]], now_ms: int) -> Message:
        return {
            "topic": self.topic,
            "type": kind,
            "ts": now_ms,
            "data": {
                "s": self._view.rules.symbol,
                "b": bids,
                "a": asks,
                "u": self._update,
                "seq": self._view.sequence,
            },
            "cts": self._view.quote.ts_ms if self._view.quote is not None else now_ms,
        }


def _difference(before: Levels, now: Levels) -> list[list[str]]:
    """Changed levels with their new size, vanished ones with size "0"."""
    old, new = dict(before), dict(now)
    changed = [[price, size] for price, size in now if old.get(price) != size]
    return changed + [[price, "0"] for price in old if price not in new]


def _rows(levels: Levels) -> list[list[str]]:
    return [[price, size] for price, size in levels]
