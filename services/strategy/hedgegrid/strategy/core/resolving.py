"""The operator's answer to a mismatch: adopt what the venue holds, flatten it, or leave it to somebody else."""

from typing import Any

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import MismatchAnswer, ResolveMismatch
from hedgegrid.messages.events import SnapshotReason, SnapshotTaken
from hedgegrid.messages.ledger import MismatchResolved
from hedgegrid.strategy.core.birth import be_born, note_position
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.state import MISMATCHES_TOLERATED, Resolution


def take_answer(draft: Draft[Any, Any], answer: ResolveMismatch) -> None:
    """Note the answer and ask for a fresh view to carry it out on; a bot that trades on has nothing to answer."""
    resolution = Resolution(action=answer.action, actor=answer.actor, reason=answer.reason)
    halted = draft.state.trading_state is TradingState.HALTED
    differs = draft.state.mismatches >= MISMATCHES_TOLERATED
    if not (halted or differs) or draft.state.life == 0:
        _tell(draft, resolution, f"nothing to resolve: the bot is {draft.state.trading_state}")
        return
    draft.change(resolving=resolution, snapshot_asked=False)
    draft.ask_snapshot(SnapshotReason.GAP)


def resolve_mismatch(draft: Draft[Any, Any], resolution: Resolution, snapshot: SnapshotTaken) -> None:
    """Carry the noted answer out; to take positions over, orders of ours that still rest are cancelled first."""
    if resolution.action is MismatchAnswer.IGNORE:
        missing = [p.leg.word for p in snapshot.positions if p.qty < draft.leg(p.leg).book.qty]
        if missing:
            outcome = f"not done: the venue holds less than the books on {', '.join(missing)}; adopt or flatten instead"
            _tell(draft, resolution, outcome)
            draft.change(resolving=None)
            return
        outcome = _ignore(draft, snapshot)
    elif be_born(draft, snapshot, accept_all=True):
        outcome = f"the venue's positions are the bot's: {_positions(draft)}"
    else:
        return
    _tell(draft, resolution, outcome)
    draft.change(resolving=None)
    state = draft.state.trading_state
    if resolution.action is MismatchAnswer.FLATTEN:
        state = TradingState.FLATTEN
    elif state is TradingState.HALTED:
        state = draft.state.halted_from
    draft.set_trading_state(state, f"mismatch answered: {resolution.reason}", resolution.actor)


def _ignore(draft: Draft[Any, Any], snapshot: SnapshotTaken) -> str:
    for position in snapshot.positions:
        note_position(draft, position)
        leg = draft.leg(position.leg)
        draft.change_leg(position.leg, foreign_qty=position.qty - leg.book.qty)
    foreign = "; ".join(f"{leg.leg.word} {leg.foreign_qty}" for leg in draft.state.legs)
    return f"left to somebody else: {foreign}; the bot's own: {_positions(draft)}"


def _positions(draft: Draft[Any, Any]) -> str:
    return "; ".join(f"{leg.leg.word} {leg.book.qty}" for leg in draft.state.legs)


def _tell(draft: Draft[Any, Any], resolution: Resolution, outcome: str) -> None:
    draft.ledger.append(
        MismatchResolved(
            symbol=draft.state.symbol,
            action=resolution.action,
            outcome=outcome,
            reason=resolution.reason,
            actor=resolution.actor,
            ts_event=draft.now_ms,
        )
    )
