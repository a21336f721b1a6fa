"""The guard's figures as gauges."""

from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.decide import GuardState
from hedgegrid.guard.figures import Figures
from hedgegrid.runtime.config import AccountConfig
from hedgegrid.runtime.metric_names import Metrics

MS_PER_S = 1000


def show(metrics: Metrics, config: AccountConfig, figures: Figures, state: GuardState) -> None:
    """Set all gauges of an account's guard; a figure that cannot be told keeps its last value, and blindness shows."""
    account = config.id
    for stage in RiskStage:
        metrics.guard_stage.labels(account, stage.name).set(int(stage is state.stage))
    metrics.guard_rounds.labels(account).set(state.round)
    metrics.guard_worst_notional.labels(account).set(float(figures.worst_notional))
    metrics.guard_daily_loss.labels(account).set(float(state.losses.day))
    metrics.guard_drawdown.labels(account).set(float(state.losses.peak))
    metrics.guard_blind.labels(account).set(figures.blind_ms / MS_PER_S)
    metrics.guard_wallet_age.labels(account).set(figures.wallet_ms / MS_PER_S)
    if figures.equity is not None:
        metrics.guard_equity.labels(account).set(float(figures.equity))
        metrics.guard_liquidation_distance.labels(account).set(
            1.0 if figures.liquidation_distance is None else float(figures.liquidation_distance)
        )
    if figures.mm_rate is not None and figures.im_rate is not None:
        metrics.guard_mm_rate.labels(account).set(float(figures.mm_rate))
        metrics.guard_im_rate.labels(account).set(float(figures.im_rate))
    fresh = figures.venue_age_ms is not None and figures.venue_age_ms <= config.guard.blind_after_ms
    if fresh and figures.difference is not None:
        metrics.guard_difference.labels(account).set(float(figures.difference))
