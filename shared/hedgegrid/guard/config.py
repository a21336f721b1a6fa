"""What a user sets for an account's guard. The defaults are cautious and on."""

from decimal import Decimal
from itertools import pairwise

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.risk import RiskStage

HUNDRED = Decimal(100)
_NAMES = {stage: stage.name.lower() for stage in RiskStage if stage is not RiskStage.NORMAL}


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which value of one figure on each stage is demanded; a stage left out is never demanded by this figure."""

    warn: Decimal | None = None
    no_new_cycles: Decimal | None = None
    no_averaging: Decimal | None = None
    reduce: Decimal | None = None
    flatten: Decimal | None = None

    def __post_init__(self) -> None:
        for name, bound in self.named().items():
            if not bound.is_finite() or bound <= 0:
                raise ValueError(f"{name}: {bound} must be above 0; leave it out for no such stage")

    def named(self) -> dict[str, Decimal]:
        """The given bounds by stage name, mildest stage first."""
        bounds = ((name, getattr(self, name)) for name in _NAMES.values())
        return {name: bound for name, bound in bounds if bound is not None}

    def at_least(self, value: Decimal, ease: Decimal = ZERO) -> tuple[RiskStage, Decimal]:
        """Strictest stage whose bound, lowered by the fraction `ease`, `value` has reached, and that lowered bound."""
        return self._strictest([(s, b * (1 - ease)) for s, b in self._bounds() if value >= b * (1 - ease)])

    def at_most(self, value: Decimal, ease: Decimal = ZERO) -> tuple[RiskStage, Decimal]:
        """The same for a figure that is dangerous when small: bounds are raised by `ease`."""
        return self._strictest([(s, b * (1 + ease)) for s, b in self._bounds() if value <= b * (1 + ease)])

    def _bounds(self) -> list[tuple[RiskStage, Decimal]]:
        bounds = ((stage, getattr(self, name)) for stage, name in _NAMES.items())
        return [(stage, bound) for stage, bound in bounds if bound is not None]

    @staticmethod
    def _strictest(reached: list[tuple[RiskStage, Decimal]]) -> tuple[RiskStage, Decimal]:
        return max(reached, default=(RiskStage.NORMAL, ZERO))


class GuardConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[accounts.guard]`. Percentages are of equity unless they say otherwise."""

    mm_rate_pct: Thresholds = Thresholds(
        warn=Decimal(20), no_new_cycles=Decimal(30), no_averaging=Decimal(40), reduce=Decimal(55), flatten=Decimal(75)
    )
    """Maintenance margin / equity, percent; at 100 the venue liquidates. Own figure, or the venue's where larger."""
    liquidation_distance_pct: Thresholds = Thresholds(
        warn=Decimal(20), no_new_cycles=Decimal(15), no_averaging=Decimal(10), reduce=Decimal(5), flatten=Decimal(3)
    )
    """Smallest move of all marks at once, percent, after which the account would be liquidated; falling bounds."""
    daily_loss_pct: Thresholds = Thresholds(warn=Decimal(5), no_new_cycles=Decimal(10), flatten=Decimal(20))
    """Loss since 00:00 UTC, open positions at mark included, percent of the equity without that loss."""
    daily_loss_usdt: Thresholds = Thresholds()
    """The same loss in USDT; off unless given."""
    drawdown_pct: Thresholds = Thresholds(warn=Decimal(10), no_new_cycles=Decimal(15), flatten=Decimal(30))
    """Loss since the best result so far, percent of the equity without that loss."""
    balance_buffer_pct: Decimal = Decimal(10)
    """Part of equity that must stay free of initial margin with every open order filled, 0…100. Orders that would eat
    into it are denied; when moves have eaten into it, nothing is added (stage NO_AVERAGING)."""
    max_open_notional_usdt: Decimal | None = None
    """Cap on the value of all positions and opening orders together, USDT, > 0; absent = off. Enforced likewise."""
    blind_after_ms: int = 10_000
    """Age of a mark, or time without a trusted view of the account, that counts as blind, 500…3,600,000 ms."""
    wallet_blind_after_ms: int = 900_000
    """Age of the newest word on the wallet that counts as blind, 1,000…86,400,000 ms; audits renew it."""
    blind_stage: RiskStage = RiskStage.NO_AVERAGING
    """Stage demanded while blind: warn, no_new_cycles, no_averaging, reduce or flatten."""
    hysteresis_pct: Decimal = Decimal(10)
    """On the way back every bound counts as this much nearer, percent of the bound, 0…50."""
    calm_ms: int = 300_000
    """A stage is left when the eased bounds have kept clear of it for this long, 0…86,400,000 ms."""
    reduce_keep_pct: Decimal = Decimal(50)
    """What a round of REDUCE leaves of every leg, percent, ≥ 0 and < 100."""
    reduce_every_ms: int = 10_000
    """Time between rounds while the danger lasts, 100…3,600,000 ms."""
    taker_fee_pct: Decimal = Decimal("0.055")
    """Taker fee of the account, percent of notional, 0…1; part of the venue's margins."""
    tolerance_pct: Decimal = Decimal(1)
    """Difference between our maintenance margin rate and the venue's fresh one, percentage points, that is reported."""

    def __post_init__(self) -> None:
        for name in ("mm_rate_pct", "daily_loss_pct", "daily_loss_usdt", "drawdown_pct"):
            _require_order(name, getattr(self, name), rising=True)
        _require_order("liquidation_distance_pct", self.liquidation_distance_pct, rising=False)
        for name in ("mm_rate_pct", "daily_loss_pct", "drawdown_pct"):
            for stage, bound in getattr(self, name).named().items():
                if bound > HUNDRED:
                    raise ValueError(f"{name}: {stage} {bound} must be at most 100")
        _within("balance_buffer_pct", self.balance_buffer_pct, 0, 100)
        _within("blind_after_ms", self.blind_after_ms, 500, 3_600_000)
        _within("wallet_blind_after_ms", self.wallet_blind_after_ms, 1_000, 86_400_000)
        _within("hysteresis_pct", self.hysteresis_pct, 0, 50)
        _within("calm_ms", self.calm_ms, 0, 86_400_000)
        _within("reduce_keep_pct", self.reduce_keep_pct, 0, Decimal("99.99"))
        _within("reduce_every_ms", self.reduce_every_ms, 100, 3_600_000)
        _within("taker_fee_pct", self.taker_fee_pct, 0, 1)
        _within("tolerance_pct", self.tolerance_pct, 0, 100)
        if self.blind_stage is RiskStage.NORMAL:
            raise ValueError("blind_stage: being blind is danger; choose warn or a stricter stage")
        if self.max_open_notional_usdt is not None and not self.max_open_notional_usdt > 0:
            raise ValueError(f"max_open_notional_usdt: {self.max_open_notional_usdt} must be above 0; absent = no cap")

    @property
    def taker_fee(self) -> Decimal:
        """Fraction of the value traded."""
        return self.taker_fee_pct / HUNDRED

    @property
    def ease(self) -> Decimal:
        """Hysteresis as a fraction."""
        return self.hysteresis_pct / HUNDRED


def _require_order(name: str, thresholds: Thresholds, rising: bool) -> None:
    """A stricter stage must not come before a milder one."""
    given = list(thresholds.named().items())
    for (mild, before), (strict, after) in pairwise(given):
        if (after < before) if rising else (after > before):
            word = "at least" if rising else "at most"
            raise ValueError(f"{name}: {strict} {after} must be {word} {mild} {before}, as the stricter stage")


def _within(name: str, value: Decimal | int, least: Decimal | int, most: Decimal | int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name}: {value} must be {least}…{most}")
