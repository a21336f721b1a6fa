"""The dual-sided grid: both legs enter, average against the move, and take profit, each for itself (peers.md §1.1)."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.atr import end_of_bar_ms, with_tick
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.dual_averaging import desired_averaging, quiet_averaging
from hedgegrid.strategy.core.dual_entry import GridDraft, desired_entry, observe_entry, quiet_entry
from hedgegrid.strategy.core.dual_exit import desired_exit, observe_exit, quiet_exit
from hedgegrid.strategy.core.dual_state import DualGridState
from hedgegrid.strategy.core.ladder import LadderRow, ladder
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.core.orders import Desired
from hedgegrid.strategy.core.quiet_range import ALWAYS_QUIET, QuietRange
from hedgegrid.strategy.core.state import LegState


class DualGrid(LegStrategy[DualGridConfig, DualGridState]):
    config_type = DualGridConfig
    state_type = DualGridState
    next_cycle_fields: ClassVar[frozenset[str]] = frozenset(
        {
            "leverage",
            "initial_margin_usdt",
            "size_multiplier",
            "max_levels",
            "grid_step_pct",
            "step_widening",
            "step_atr_multiple",
        }
    )

    def observe(self, draft: GridDraft, tick: QuoteTick) -> None:
        config = draft.config
        if config.step_atr_multiple:
            bars = with_tick(draft.state.bars, tick.last_px, draft.now_ms, config.atr_bar_min, config.atr_bars)
            draft.change(bars=bars)
        for leg in Leg:
            observe_exit(draft, draft.leg(leg), tick)
            observe_entry(draft, draft.leg(leg), tick)

    def desired(self, draft: GridDraft, leg: LegState, tick: QuoteTick | None) -> Iterable[Desired]:
        yield from desired_exit(draft, leg)
        entry = desired_entry(draft, leg, tick)
        if entry is not None:
            yield entry
        yield from desired_averaging(draft, leg, tick)

    def quiet(self, draft: GridDraft) -> QuietRange:
        quiet = self._quiet_bars(draft)
        for leg in draft.state.legs:
            for part in (quiet_entry, quiet_averaging, quiet_exit):
                quiet = quiet.and_also(part(draft, leg))
        return quiet

    def ladder(
        self, config: DualGridConfig, instrument: Instrument, leg: Leg, first_px: Decimal
    ) -> tuple[LadderRow, ...]:
        return ladder(config, instrument, leg, first_px)

    def _quiet_bars(self, draft: GridDraft) -> QuietRange:
        config, bars = draft.config, draft.state.bars
        if not config.step_atr_multiple:
            return ALWAYS_QUIET
        low = bars.low if bars.number >= 0 else ZERO
        return QuietRange(low, bars.high, end_of_bar_ms(bars, config.atr_bar_min))
