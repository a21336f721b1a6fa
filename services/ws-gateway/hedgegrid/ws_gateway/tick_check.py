"""Ticks that no decision may be made by: crossed, absurd or old ones. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from hedgegrid.messages.market import QuoteTick

FACTOR = Decimal(2)
"""The venue keeps prices of a perpetual within a few percent of its mark, and the mark near an index of venues."""
JUMP_STANDS_MS = 3_000
"""A mark that has moved by more than the factor and stays there this long is taken as real."""
TOO_OLD_MS = 10_000
"""Venue time against our own; `orderbook.1` is re-sent every 3 s with the present time."""


class Refusal(StrEnum):
    CROSSED = "crossed"
    ABSURD = "absurd"
    OLD = "old"


@dataclass(slots=True)
class TickCheck:
    """One symbol. `too_old_ms` None: the venue's clock is not ours (a simulated exchange)."""

    too_old_ms: int | None = TOO_OLD_MS
    _mark: Decimal | None = None
    _jumped_to: Decimal | None = None
    _jumped_ms: int = 0

    def refusal(self, tick: QuoteTick) -> Refusal | None:
        """Why a tick must not reach the strategy, or None; `tick.ts_init` is the clock."""
        if self.too_old_ms is not None and tick.ts_init - tick.ts_event > self.too_old_ms:
            return Refusal.OLD
        if tick.bid_px > tick.ask_px:
            return Refusal.CROSSED
        if any(_far(price, tick.mark_px) for price in (tick.last_px, tick.bid_px, tick.ask_px)):
            return Refusal.ABSURD
        if self._mark is not None and _far(tick.mark_px, self._mark) and not self._has_stood(tick):
            return Refusal.ABSURD
        self._mark, self._jumped_to = tick.mark_px, None
        return None

    def _has_stood(self, tick: QuoteTick) -> bool:
        if self._jumped_to is None or _far(tick.mark_px, self._jumped_to):
            self._jumped_to, self._jumped_ms = tick.mark_px, tick.ts_init
        return tick.ts_init - self._jumped_ms >= JUMP_STANDS_MS


def _far(price: Decimal, reference: Decimal) -> bool:
    return price > reference * FACTOR or price * FACTOR < reference
