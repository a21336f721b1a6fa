"""What a strategy says; everything else a bot does (booking, order lifecycle, restoring, caps, stages) is shared.

A strategy names the orders that a leg should have. The core compares them with the working ones and commands the
difference, obeys trading states and the account guard, keeps the caps, and survives lost and repeated messages.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar, Generic

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.draft import C, Decision, Draft, S
from hedgegrid.strategy.core.inputs import CoreInput
from hedgegrid.strategy.core.ladder import LadderRow
from hedgegrid.strategy.core.orders import Desired
from hedgegrid.strategy.core.quiet_range import NEVER_QUIET, QuietRange
from hedgegrid.strategy.core.state import LegState, Level, WorkingOrder
from hedgegrid.strategy.core.step import step


class LegStrategy(Generic[C, S]):
    """Base of every strategy. Methods are pure: no clock, no I/O, no randomness, `Decimal` money."""

    config_type: type[C]
    state_type: type[S]
    next_cycle_fields: ClassVar[frozenset[str]] = frozenset()
    """Config fields whose old values an open cycle keeps; the strategy itself sees to that."""

    def new_state(self, symbol: str) -> S:
        """State of a bot that has asked the venue nothing yet."""
        return self.state_type(symbol=symbol)

    def step(self, config: C, state: S, event: CoreInput) -> Decision:
        """Take one event in; never raises for anything the venue, a person or a lost message can do."""
        return step(self, config, state, event)

    def observe(self, draft: Draft[C, S], tick: QuoteTick) -> None:
        """Note in the state what a tick tells, before orders are derived. Only called while the bot is in step with
        the venue."""

    def desired(self, draft: Draft[C, S], leg: LegState, tick: QuoteTick | None) -> Iterable[Desired]:
        """Orders the leg should have now, resting ones that are to stay included.

        Without a tick nothing new may be wanted that needs a price. What the trading state or the guard forbids is left
        out by the caller, but a strategy asks `draft.effective` where it would otherwise wait in vain.
        """
        raise NotImplementedError

    def quiet(self, draft: Draft[C, S]) -> QuietRange:
        """Ticks that change nothing while the bot is in step with the venue; the default looks at every tick."""
        return NEVER_QUIET

    def levels_after_exit(
        self, levels: tuple[Level, ...], order: WorkingOrder | None, qty: Decimal
    ) -> tuple[Level, ...]:
        """Levels after `qty` was closed by `order` (None: by somebody else); the default keeps the cycle's levels."""
        return levels

    def ladder(self, config: C, instrument: Instrument, leg: Leg, first_px: Decimal) -> tuple[LadderRow, ...]:
        """The worst case of a leg that begins at `first_px`, for `hedgegrid check`; empty = this strategy has none."""
        return ()
