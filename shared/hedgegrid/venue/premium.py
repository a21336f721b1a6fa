"""The premium P of Bybit's price band: the mean of (mid − mark) over 30 seconds."""

from collections import deque
from decimal import Decimal

from hedgegrid.domain.money import ZERO

WINDOW_MS = 30_000
SAMPLE_MS = 1_000
"""How often Bybit samples is not documented; here at most once a second."""


class Premium:
    """`mean` is in the quote coin, 0 before the first sample; the next sample is due at `due_ms`."""

    __slots__ = ("_samples", "due_ms", "mean")

    def __init__(self) -> None:
        self.mean = ZERO
        self.due_ms = 0
        self._samples: deque[tuple[int, Decimal]] = deque()

    def sample(self, mid: Decimal, mark: Decimal, ts_ms: int) -> None:
        """Take a sample; those older than the window leave."""
        self.due_ms = ts_ms + SAMPLE_MS
        samples = self._samples
        samples.append((ts_ms, mid - mark))
        while samples[0][0] <= ts_ms - WINDOW_MS:
            samples.popleft()
        self.mean = sum((difference for _, difference in samples), ZERO) / len(samples)
