"""Obeying the account guard: its stage joins the trading state (`permission.py`), and REDUCE cuts every leg.

A leg is cut to `keep` of what it holds when the round is told; what still fills meanwhile is cut as well. Parts smaller
than the venue takes are rounded up to its smallest order, and a leg that would be left smaller is closed.
"""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.risk import RiskStage
from hedgegrid.messages.events import RiskStageChanged
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.state import LegState


def take_stage(draft: Draft[Any, Any], word: RiskStageChanged) -> None:
    last_round = draft.state.stage_round if word.stage is RiskStage.REDUCE else 0
    draft.change(stage=word.stage, stage_round=max(word.round, last_round) if word.stage is RiskStage.REDUCE else 0)
    for leg in draft.state.legs:
        if word.stage < RiskStage.REDUCE:
            draft.change_leg(leg.leg, reduce_to=None)
        elif word.stage is RiskStage.REDUCE and word.round > last_round and leg.book.qty > 0:
            draft.change_leg(leg.leg, reduce_to=kept_qty(draft.instrument, leg, word.keep))


def kept_qty(instrument: Instrument, leg: LegState, keep: Decimal) -> Decimal:
    """Quantity a leg is left with when it is cut to `keep` (0…1) of itself."""
    smallest = instrument.smallest_qty(leg.book.entry_px)
    wanted = min(instrument.qty_down(leg.book.qty * keep), leg.book.qty - smallest)
    return wanted if wanted >= smallest else ZERO


def excess_qty(leg: LegState) -> Decimal:
    """What the guard still wants closed of a leg."""
    return ZERO if leg.reduce_to is None else max(leg.book.qty - leg.reduce_to, ZERO)
