"""Each cause of danger on its own: the stage it demands, and in words what was measured against which bound."""

from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.money import ZERO, plain
from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.config import HUNDRED, GuardConfig, Thresholds
from hedgegrid.guard.figures import RATE_CAP, Figures

_CENT = Decimal("0.01")


class Losses(NamedTuple):
    """What was lost since 00:00 UTC and since the best result, USDT, never negative."""

    day: Decimal
    peak: Decimal


class Demand(NamedTuple):
    stage: RiskStage
    cause: str
    blind: bool = False
    """The figures are not known well enough; nothing says that they are bad."""


NOTHING = Demand(RiskStage.NORMAL, "nothing is near a bound")


def demands(config: GuardConfig, figures: Figures, losses: Losses, ease: Decimal = ZERO) -> list[Demand]:
    """What every cause asks for; `ease` > 0 moves each bound by that fraction towards safety."""
    found = [_blind(config, figures), _old_wallet(config, figures)]
    if figures.equity is not None:
        found += _margin(config, figures, ease)
        found += _losses(config, figures.equity, losses, ease)
    cap = config.max_open_notional_usdt
    if cap is not None and figures.worst_notional > cap * (1 - ease):
        text = f"open notional {_usdt(figures.worst_notional)} USDT, all orders filled > {plain(cap)} USDT"
        found.append(Demand(RiskStage.NO_AVERAGING, text))
    return [demand for demand in found if demand.stage is not RiskStage.NORMAL]


def strictest(found: list[Demand]) -> Demand:
    """The first of the strictest demands."""
    return max(found, key=lambda demand: demand.stage, default=NOTHING)


def blind(config: GuardConfig, figures: Figures) -> bool:
    """True when the figures cannot be relied on, so that they prove no calm either."""
    return _blind(config, figures).blind or _old_wallet(config, figures).blind


def _margin(config: GuardConfig, figures: Figures, ease: Decimal) -> list[Demand]:
    found = []
    if figures.mm_rate is not None:
        shown, whose = figures.mm_rate, "own figure"
        fresh = figures.venue_age_ms is not None and figures.venue_age_ms <= config.blind_after_ms
        if fresh and figures.venue_mm_rate is not None and figures.venue_mm_rate > shown:
            shown, whose = figures.venue_mm_rate, f"the venue's figure, {figures.venue_age_ms} ms old"
        found.append(_rising(config.mm_rate_pct, shown * HUNDRED, ease, f"maintenance margin rate ({whose})", "%"))
    if figures.liquidation_distance is not None:
        found.append(_near(config.liquidation_distance_pct, figures.liquidation_distance * HUNDRED, ease))
    if figures.equity is not None and figures.free is not None and figures.im_rate:
        least = figures.equity * config.balance_buffer_pct / HUNDRED * (1 + ease)
        if figures.free < least:
            text = (
                f"free equity {_usdt(figures.free)} USDT with every order filled"
                f" < balance buffer {_usdt(least)} USDT ({plain(config.balance_buffer_pct)} %)"
            )
            found.append(Demand(RiskStage.NO_AVERAGING, text))
    return found


def _losses(config: GuardConfig, equity: Decimal, losses: Losses, ease: Decimal) -> list[Demand]:
    return [
        _rising(config.daily_loss_usdt, losses.day, ease, "loss of the day", " USDT"),
        _rising(config.daily_loss_pct, share(losses.day, equity), ease, "loss of the day", "%"),
        _rising(config.drawdown_pct, share(losses.peak, equity), ease, "drawdown from the best result", "%"),
    ]


def share(loss: Decimal, equity: Decimal) -> Decimal:
    """A loss in percent of what the equity would be without it: deposits and withdrawals do not look like results."""
    if loss <= 0:
        return ZERO
    return HUNDRED if equity <= 0 else loss / (equity + loss) * HUNDRED


def _rising(bounds: Thresholds, value: Decimal, ease: Decimal, what: str, unit: str) -> Demand:
    stage, bound = bounds.at_least(value, ease)
    if stage is RiskStage.NORMAL:
        return NOTHING
    shown = "beyond measure, no equity is left," if value >= RATE_CAP * HUNDRED else f"{_usdt(value)}{unit}"
    return Demand(stage, f"{what} {shown} ≥ {plain(bound)}{unit}")


def _near(bounds: Thresholds, value: Decimal, ease: Decimal) -> Demand:
    stage, bound = bounds.at_most(value, ease)
    if stage is RiskStage.NORMAL:
        return NOTHING
    return Demand(stage, f"liquidation {_usdt(value)}% away ≤ {plain(bound)}%, all marks moving together")


def _blind(config: GuardConfig, figures: Figures) -> Demand:
    if figures.blind_ms <= config.blind_after_ms:
        return NOTHING
    text = f"blind: {figures.blind_why} for {figures.blind_ms} ms, more than {config.blind_after_ms} ms"
    return Demand(config.blind_stage, text, blind=True)


def _old_wallet(config: GuardConfig, figures: Figures) -> Demand:
    if figures.wallet_ms <= config.wallet_blind_after_ms:
        return NOTHING
    text = f"blind: no word on the wallet for {figures.wallet_ms} ms, more than {config.wallet_blind_after_ms} ms"
    return Demand(config.blind_stage, text, blind=True)


def _usdt(value: Decimal) -> str:
    return plain(value.quantize(_CENT))
