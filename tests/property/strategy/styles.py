"""Every way of trading that the random histories go through: strategy and configs that the bot is restarted with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.dual_grid import DualGrid
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.core.range_config import RangeGridConfig
from hedgegrid.strategy.core.range_grid import RangeGrid

_DUAL = {
    "leverage": 10,
    "initial_margin_usdt": 100,
    "grid_step_pct": "0.1",
    "size_multiplier": "1.5",
    "max_levels": 4,
    "take_profit_pct": "0.1",
}
_RANGE = {
    "leverage": 10,
    "lower_price": 59700,
    "upper_price": 60300,
    "cells": 6,
    "cell_margin_usdt": 50,
}
_PARTS = [{"pct": "0.04", "fraction": "0.3"}, {"pct": "0.07", "fraction": "0.3"}]
_RESTING = {"averaging_style": "resting"}
_CAPS = {"max_leg_notional_usdt": 6000, "max_bot_notional_usdt": 7000}


class Style(NamedTuple):
    strategy: LegStrategy[Any, Any]
    configs: tuple[Any, ...]


def dual(**fields: object) -> DualGridConfig:
    """A dual grid that trades often on small moves, with these fields changed; values as TOML would have them."""
    return msgspec.convert({**_DUAL, **fields}, DualGridConfig, strict=False)


def range_(**fields: object) -> RangeGridConfig:
    return msgspec.convert({**_RANGE, **fields}, RangeGridConfig, strict=False)


def _dual_style(*changes: Mapping[str, object]) -> Style:
    return Style(DualGrid(), tuple(dual(**change) for change in changes))


STYLES: dict[str, Style] = {
    "plain": _dual_style({}),
    "resting": _dual_style({**_RESTING, "resting_levels": 2}),
    "resting_taker": _dual_style({**_RESTING, "resting_levels": 3, "resting_post_only": False, "step_widening": "1.2"}),
    "post_only": _dual_style({**_RESTING, "entry_style": "post_only", "entry_wait_s": 1, "entry_reprices": 2}),
    "give_up": _dual_style(
        {
            "entry_style": "post_only",
            "entry_wait_s": 1,
            "entry_reprices": 1,
            "entry_fallback": "give_up",
            "cycle_pause_s": 1,
        }
    ),
    "limit_then_market": _dual_style({"entry_style": "limit_then_market", "entry_wait_s": 1}),
    "trailing": _dual_style({"trailing_take_profit_pct": "0.05"}),
    "parts": _dual_style({**_RESTING, "take_profit_parts": _PARTS}),
    "parts_trailing": _dual_style({**_RESTING, "take_profit_parts": _PARTS, "trailing_take_profit_pct": "0.03"}),
    "atr": _dual_style({"step_atr_multiple": "0.5", "atr_bars": 2, "atr_bar_min": 1}),
    "stop_pct": _dual_style({"stop_loss_pct": "0.25", "cycle_pause_s": 1}),
    "stop_usdt": _dual_style({**_RESTING, "stop_loss_usdt": 4, "stop_loss_action": "close_bot"}),
    "stop_halt": _dual_style({"stop_loss_pct": "0.3", "stop_loss_action": "halt"}),
    "caps": _dual_style({"max_leg_notional_usdt": 3000, "max_bot_notional_usdt": 5000}),
    "caps_resting": _dual_style({**_RESTING, **_CAPS, "resting_levels": 3}),
    "bounds": _dual_style({"lower_price": 59950, "upper_price": 60050}),
    "changing": _dual_style(
        _CAPS,
        {**_CAPS, **_RESTING, "resting_levels": 3},
        {**_CAPS, "max_levels": 6, "grid_step_pct": "0.2"},
        {**_CAPS, "legs": "short"},
        {**_CAPS, "entry_style": "post_only", "entry_wait_s": 1},
        {**_CAPS, "take_profit_parts": _PARTS},
        {**_CAPS, "trailing_take_profit_pct": "0.05", "stop_loss_pct": "0.4"},
        {**_CAPS, "trading_state": "NO_NEW_CYCLES"},
    ),
    "range_neutral": Style(RangeGrid(), (range_(lower_price=59000, upper_price=61000, cells=12),)),
    "range_long": Style(RangeGrid(), (range_(legs="long", trailing=True),)),
    "range_short": Style(
        RangeGrid(),
        (
            range_(legs="short", trailing=True, spacing="arithmetic", max_leg_notional_usdt=2000),
            range_(legs="short", cells=4, max_leg_notional_usdt=2000),
        ),
    ),
}
