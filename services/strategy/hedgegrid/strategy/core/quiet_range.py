"""A range of prices, until a moment, in which ticks change nothing."""

from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.money import ZERO

NEVER_MS = 2**62
HIGHEST = Decimal("1E+30")


class QuietRange(NamedTuple):
    """A tick with `above` < last price < `below`, before `wake_ms` (our clock), changes nothing."""

    above: Decimal
    below: Decimal
    wake_ms: int

    def and_also(self, other: "QuietRange") -> "QuietRange":
        """What is quiet in both."""
        if other is ALWAYS_QUIET:
            return self
        return QuietRange(max(self.above, other.above), min(self.below, other.below), min(self.wake_ms, other.wake_ms))


ALWAYS_QUIET = QuietRange(ZERO, HIGHEST, NEVER_MS)
NEVER_QUIET = QuietRange(HIGHEST, ZERO, NEVER_MS)
