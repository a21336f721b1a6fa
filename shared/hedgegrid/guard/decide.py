"""From figures to the account's risk stage: strict at once, back only after calm, in rounds while reducing."""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.causes import NOTHING, Demand, Losses, blind, demands, strictest
from hedgegrid.guard.config import HUNDRED, GuardConfig
from hedgegrid.guard.figures import Figures
from hedgegrid.guard.view import LegKey
from hedgegrid.messages.events import RiskStageChanged

DAY_MS = 86_400_000


class GuardState(msgspec.Struct, frozen=True, kw_only=True):
    """What the guard remembers; kept durably, so that a restart forgets neither the day nor the stage.

    `result` sums what all legs won or lost since this state was born, open positions included. It is built from
    differences per leg, so symbols may come and go, and transfers do not show in it.
    """

    stage: RiskStage = RiskStage.NORMAL
    cause: str = ""
    since_ms: int = 0
    """When the stage was entered."""
    round: int = 0
    """Rounds of REDUCE so far; only ever rises."""
    round_ms: int = 0
    calm_since_ms: int | None = None
    """Since when the eased bounds ask for less than the stage."""
    sighted: RiskStage | None = None
    """While blindness alone holds the stage: what the eased figures asked for before it and since."""
    result: Decimal = ZERO
    peak: Decimal = ZERO
    day: int = 0
    """Days since 1970, UTC."""
    day_start: Decimal = ZERO
    """`result` when the day began."""
    totals: dict[str, Decimal] = {}
    """Last total of each leg, by `SYMBOL:leg`."""
    acknowledged_ms: int = 0
    """The operator's newest word that was taken as leave to go on."""

    @property
    def losses(self) -> Losses:
        return Losses(max(self.day_start - self.result, ZERO), max(self.peak - self.result, ZERO))


class Judgement(NamedTuple):
    state: GuardState
    event: RiskStageChanged | None


def decide(config: GuardConfig, state: GuardState, figures: Figures, acknowledged_ms: int = 0) -> Judgement:
    """The stage that `figures` demand; the event is None when neither stage nor round changed.

    FLATTEN is left only at the operator's word: `acknowledged_ms`, their clock when they last set the whole account
    ACTIVE. It also makes the present result the new peak and the day's start.
    """
    state = _tracked(state, figures)
    leave = acknowledged_ms > max(state.since_ms, state.acknowledged_ms)
    if leave:
        state = msgspec.structs.replace(
            state, acknowledged_ms=acknowledged_ms, peak=state.result, day_start=state.result
        )
    state = _with_sight(config, state, figures)
    wanted = strictest(demands(config, figures, state.losses))
    if wanted.stage > state.stage:
        return _enter(config, state, wanted, figures)
    if wanted.stage < state.stage:
        return _easing(config, state, figures, leave)
    state = msgspec.structs.replace(state, calm_since_ms=None) if state.calm_since_ms is not None else state
    if state.stage is RiskStage.REDUCE and figures.now_ms - state.round_ms >= config.reduce_every_ms:
        return _enter(config, state, wanted, figures)
    return Judgement(state, None)


def announce(config: GuardConfig, state: GuardState, figures: Figures) -> RiskStageChanged:
    """The present stage as an event, for readers that may not have heard of it."""
    reducing = state.stage is RiskStage.REDUCE
    keep = config.reduce_keep_pct / HUNDRED if reducing else Decimal(state.stage is not RiskStage.FLATTEN)
    return RiskStageChanged(
        stage=state.stage,
        cause=state.cause,
        round=state.round,
        keep=keep,
        equity=figures.equity,
        im_rate=figures.im_rate,
        mm_rate=figures.mm_rate,
        ts_event=figures.now_ms,
    )


def _easing(config: GuardConfig, state: GuardState, figures: Figures, leave: bool) -> Judgement:
    """Less is demanded: go back when the eased bounds agree, for long enough or at the operator's word."""
    eased = strictest(demands(config, figures, state.losses, config.ease))
    if leave and eased.stage < state.stage:
        return _enter(config, state, eased, figures)
    if state.stage is RiskStage.FLATTEN:
        return Judgement(state, None)
    if state.sighted is not None and state.sighted < state.stage:
        return _enter(config, state, Demand(state.sighted, "it sees again"), figures)
    if eased.stage >= state.stage or blind(config, figures):
        changed = state if state.calm_since_ms is None else msgspec.structs.replace(state, calm_since_ms=None)
        return Judgement(changed, None)
    if state.calm_since_ms is None:
        state = msgspec.structs.replace(state, calm_since_ms=figures.now_ms)
    if figures.now_ms - (state.calm_since_ms or 0) < config.calm_ms:
        return Judgement(state, None)
    return _enter(config, state, eased, figures)


def _enter(config: GuardConfig, state: GuardState, demand: Demand, figures: Figures) -> Judgement:
    """Enter a stage, or the next round of REDUCE."""
    reducing = demand.stage is RiskStage.REDUCE
    before = state.stage if state.sighted is None else state.sighted
    state = msgspec.structs.replace(
        state,
        stage=demand.stage,
        cause=demand.cause,
        since_ms=state.since_ms if demand.stage is state.stage else figures.now_ms,
        round=state.round + reducing,
        round_ms=figures.now_ms if reducing else state.round_ms,
        calm_since_ms=None,
        sighted=before if demand.blind else None,
    )
    return Judgement(_with_sight(config, state, figures), announce(config, state, figures))


def _with_sight(config: GuardConfig, state: GuardState, figures: Figures) -> GuardState:
    """What figures ask for beside blindness outlasts it."""
    if state.sighted is None:
        return state
    asked = demands(config, figures, state.losses, config.ease)
    stage = max((demand.stage for demand in asked if not demand.blind), default=NOTHING.stage)
    return msgspec.structs.replace(state, sighted=stage) if stage > state.sighted else state


def _tracked(state: GuardState, figures: Figures) -> GuardState:
    """Follow the result, its peak and the day."""
    totals = {_name(key): total for key, total in figures.totals.items()}
    result, peak, day_start = state.result, state.peak, state.day_start
    if totals != state.totals:
        result += sum((total - state.totals.get(name, total) for name, total in totals.items()), ZERO)
        peak = max(peak, result)
    elif figures.now_ms // DAY_MS == state.day:
        return state
    day = figures.now_ms // DAY_MS
    if day != state.day:
        day_start = state.result if state.day else result
    return msgspec.structs.replace(
        state, result=result, peak=peak, day=day, day_start=day_start, totals=_kept(state.totals, totals)
    )


def _kept(before: Mapping[str, Decimal], now: dict[str, Decimal]) -> dict[str, Decimal]:
    """A leg that cannot be valued for now keeps its last total, so that nothing of its result gets lost."""
    return {**before, **now}


def _name(key: LegKey) -> str:
    symbol, leg = key
    return f"{symbol}:{leg.word}"
