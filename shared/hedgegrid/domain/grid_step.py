"""The price at which a grid's next level is due."""

from decimal import Decimal

from hedgegrid.domain.order import Leg


def next_level_px(leg: Leg, last_px: Decimal, step: Decimal, widening: Decimal, level: int) -> Decimal | None:
    """Price at which `level` (1…) is due, one step against the leg from `last_px` of the level before it.

    `step` is the first step as a fraction, `widening` the factor from each step to the next. None where a widened step
    would reach 100 %: there is no such level.
    """
    widened = step * widening ** (level - 1)
    return last_px * (1 - leg.sign * widened) if widened < 1 else None
