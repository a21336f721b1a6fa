"""What a dual-sided grid remembers beside its books: the terms of each open cycle and how far its plans have got."""

from decimal import Decimal

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.strategy.core.atr import Bars
from hedgegrid.strategy.core.ladder import Terms
from hedgegrid.strategy.core.state import BotState, LegState


class LegPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Holds for the cycle of this number; the next one begins with an empty plan."""

    cycle: int = 0
    terms: Terms | None = None
    """None until the cycle's entry is wanted."""
    entry_qty: Decimal = ZERO
    """What the entry should come to, base coin; 0 = no entry is under way."""
    entry_px: Decimal | None = None
    """Where a resting entry should stand; None = at market."""
    entry_tries: int = 0
    entry_since_ms: int = 0
    """Our clock at the last try of the entry."""
    not_before_ms: int = 0
    """After an entry was given up."""
    trail_px: Decimal | None = None
    """Best price since the take-profit price was reached; None = not reached."""
    trail_levels: int = 0
    """Levels of the leg when trailing began: growing begins it anew."""
    closing: Purpose | None = None
    """Why the rest of the cycle is being closed at market: STOP, or TAKE_PROFIT once trailing struck."""


class DualGridState(BotState, frozen=True, kw_only=True):
    bars: Bars = Bars()
    long_plan: LegPlan = LegPlan()
    short_plan: LegPlan = LegPlan()

    def plan_of(self, leg: LegState) -> LegPlan:
        plan = self.long_plan if leg.book.leg is Leg.LONG else self.short_plan
        return plan if plan.cycle == leg.cycle.number else LegPlan(cycle=leg.cycle.number)
