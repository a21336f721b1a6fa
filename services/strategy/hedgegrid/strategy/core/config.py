"""What a user sets for a dual-sided grid."""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgegrid.strategy.core.common_config import HUNDRED as HUNDRED
from hedgegrid.strategy.core.common_config import CommonConfig, require, require_optional
from hedgegrid.strategy.core.common_config import Legs as Legs

MOST_LEVELS = 50
_PCT_MOST = Decimal("99.99")


class EntryStyle(StrEnum):
    MARKET = "market"
    POST_ONLY = "post_only"
    """Rests at the own side's best price and follows it, `entry_reprices` times."""
    LIMIT_THEN_MARKET = "limit_then_market"
    """Rests `entry_wait_s`, then takes what is left at market."""


class EntryFallback(StrEnum):
    """What follows when a post-only entry was re-priced as often as allowed and is still not filled."""

    MARKET = "market"
    GIVE_UP = "give_up"
    """Keeps what was filled; with nothing filled it tries anew a minute later."""


class AveragingStyle(StrEnum):
    TRIGGER = "trigger"
    """At market, when the price is there."""
    RESTING = "resting"
    """Limit orders rest `resting_levels` ahead."""


class StopAction(StrEnum):
    CLOSE_LEG = "close_leg"
    CLOSE_BOT = "close_bot"
    """Both legs are closed at market, then the bot is HALTED."""
    HALT = "halt"
    """HALTED: orders are cancelled, positions kept."""


class ExitPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Part of a leg that leaves earlier than the rest."""

    pct: Decimal
    """Distance from the average entry, percent net of fees, > 0 and below `take_profit_pct`."""
    fraction: Decimal
    """Of everything the cycle entered, > 0 and < 1."""


class DualGridConfig(CommonConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules of one bot; the defaults are the shipped, cautious ones. Fields of the base apply too."""

    initial_margin_usdt: Decimal
    """Margin of a leg's first entry, USDT, > 0: its notional is this × leverage."""
    size_multiplier: Decimal = Decimal("1.5")
    """Each averaging order in terms of the one before it, 1…10. Default 1.5."""
    max_levels: int = 5
    """Entries of a leg, the first included, 1…50. Default 5."""
    grid_step_pct: Decimal = Decimal(1)
    """Adverse move from the leg's last level to the next, percent, > 0 and < 100. Default 1."""
    step_widening: Decimal = Decimal(1)
    """Each step in terms of the one before it, 1…5; no step may reach 100 %. Default 1."""
    step_atr_multiple: Decimal = Decimal(0)
    """Step = this × average true range, at least `grid_step_pct`; 0…100, 0 = off. Set when a cycle opens. Default 0."""
    atr_bars: int = 14
    """Bars that the average true range is taken over, 2…100. Default 14."""
    atr_bar_min: int = 15
    """Length of such a bar, minutes, 1…1440. Default 15."""
    take_profit_pct: Decimal = Decimal(1)
    """Take-profit above (short: below) the average entry, percent net of fees, > 0 and < 100. Default 1."""
    take_profit_parts: tuple[ExitPart, ...] = ()
    """Parts that leave earlier, nearest first, each `{pct, fraction}`; fractions together < 1. Default none."""
    trailing_take_profit_pct: Decimal = Decimal(0)
    """0 = off. Else the rest is closed at market once the price came back by this much, percent, from its best since
    the take-profit price; < `take_profit_pct`. Default 0."""
    entry_style: EntryStyle = EntryStyle.MARKET
    """market | post_only | limit_then_market. Default market."""
    entry_wait_s: int = 10
    """How long a resting entry waits before the next thing is tried, seconds, 1…3600. Default 10."""
    entry_reprices: int = 5
    """How often a post_only entry follows the price, 0…100. Default 5."""
    entry_fallback: EntryFallback = EntryFallback.MARKET
    """market | give_up, after the last re-pricing of a post_only entry. Default market."""
    averaging_style: AveragingStyle = AveragingStyle.TRIGGER
    """trigger | resting. Default trigger."""
    resting_levels: int = 1
    """Levels that rest ahead with averaging_style resting, 1…49. Default 1."""
    resting_post_only: bool = True
    """Resting averaging orders may only make liquidity, never take it. Default true."""
    lower_price: Decimal | None = None
    """Neither entries nor averaging below this price; take-profits go on. Quote coin, > 0; absent = none."""
    upper_price: Decimal | None = None
    """The same above this price."""
    cycle_pause_s: int = 0
    """Between the end of a leg's cycle and its next entry, seconds, 0…604800. Default 0."""
    stop_loss_pct: Decimal | None = None
    """Adverse distance of the price from the average entry, percent, > 0 and < 100 (short: < 1000); absent = none."""
    stop_loss_usdt: Decimal | None = None
    """Loss of the open cycle, closed parts, fees and funding included, USDT, > 0; absent = none. The nearer acts."""
    stop_loss_action: StopAction = StopAction.CLOSE_LEG
    """close_leg | close_bot | halt. Default close_leg."""

    def __post_init__(self) -> None:
        CommonConfig.__post_init__(self)
        require("initial_margin_usdt", self.initial_margin_usdt, None, 10_000_000)
        require("grid_step_pct", self.grid_step_pct, None, _PCT_MOST)
        require("size_multiplier", self.size_multiplier, 1, 10)
        require("max_levels", self.max_levels, 1, MOST_LEVELS)
        require("step_widening", self.step_widening, 1, 5)
        require("step_atr_multiple", self.step_atr_multiple, 0, 100)
        require("atr_bars", self.atr_bars, 2, 100)
        require("atr_bar_min", self.atr_bar_min, 1, 1440)
        require("entry_wait_s", self.entry_wait_s, 1, 3600)
        require("entry_reprices", self.entry_reprices, 0, 100)
        require("resting_levels", self.resting_levels, 1, MOST_LEVELS - 1)
        require("cycle_pause_s", self.cycle_pause_s, 0, 604_800)
        require_optional("stop_loss_pct", self.stop_loss_pct, None, 999)
        require_optional("stop_loss_usdt", self.stop_loss_usdt, None, 10**9)
        self._require_last_step()
        self._require_bounds()
        self._require_exits()

    @property
    def step(self) -> Decimal:
        """First grid step as a fraction, without the average true range."""
        return self.grid_step_pct / HUNDRED

    @property
    def take_profit(self) -> Decimal:
        """Take-profit distance as a fraction."""
        return self.take_profit_pct / HUNDRED

    def _require_last_step(self) -> None:
        last_pct = self.grid_step_pct * self.step_widening ** max(self.max_levels - 2, 0)
        if last_pct >= HUNDRED:
            raise ValueError(
                f"step_widening: the last of {self.max_levels} levels would be {last_pct:.4g} % from the one before; "
                "below 100 % needs a smaller step_widening, grid_step_pct or max_levels"
            )

    def _require_bounds(self) -> None:
        require_optional("lower_price", self.lower_price, None, 10**9)
        require_optional("upper_price", self.upper_price, None, 10**9)
        if self.lower_price is not None and self.upper_price is not None and self.lower_price >= self.upper_price:
            raise ValueError(f"lower_price: {self.lower_price} must be below upper_price {self.upper_price}")

    def _require_exits(self) -> None:
        require("take_profit_pct", self.take_profit_pct, None, _PCT_MOST)
        require("trailing_take_profit_pct", self.trailing_take_profit_pct, 0, _PCT_MOST)
        if self.trailing_take_profit_pct >= self.take_profit_pct:
            raise ValueError(
                f"trailing_take_profit_pct: {self.trailing_take_profit_pct} must be below take_profit_pct "
                f"{self.take_profit_pct}, or a profit could turn into a loss"
            )
        before, total = Decimal(0), Decimal(0)
        for part in self.take_profit_parts:
            require("take_profit_parts: pct", part.pct, None, _PCT_MOST)
            require("take_profit_parts: fraction", part.fraction, None, Decimal("0.9999"))
            if not before < part.pct < self.take_profit_pct:
                raise ValueError(
                    f"take_profit_parts: pct {part.pct} must be above the part before it ({before}) "
                    f"and below take_profit_pct {self.take_profit_pct}"
                )
            before, total = part.pct, total + part.fraction
        if total >= 1:
            raise ValueError(f"take_profit_parts: the fractions add up to {total}; they must leave a rest (below 1)")
