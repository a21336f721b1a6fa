"""Prices one tick apart as texts. Consecutive books share most of their prices, so the texts are kept."""

from decimal import Decimal

from hedgegrid.domain.money import plain

TEXTS_KEPT = 20_000


class Ladder:
    """Works in whole ticks: building a Decimal for every level of every update costs four times as much."""

    def __init__(self, tick: Decimal) -> None:
        self.tick = tick
        self._texts: dict[int, str] = {}

    def up(self, start: Decimal, count: int) -> list[str]:
        """`count` prices from `start` on upwards."""
        first = int(start / self.tick)
        return self._of(range(first, first + count))

    def down(self, start: Decimal, count: int) -> list[str]:
        """At most `count` prices from `start` on downwards, all above 0."""
        first = int(start / self.tick)
        return self._of(range(first, max(first - count, 0), -1))

    def _of(self, numbers: range) -> list[str]:
        texts = self._texts
        try:
            return [texts[number] for number in numbers]
        except KeyError:
            if len(texts) > TEXTS_KEPT:
                texts.clear()
            texts.update({number: plain(number * self.tick) for number in numbers if number not in texts})
            return [texts[number] for number in numbers]
