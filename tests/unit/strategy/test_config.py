"""A wrong value gives one error that names the field and its range."""

import msgspec
import pytest

from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.range_config import RangeGridConfig

GOOD = {"leverage": "10", "initial_margin_usdt": "100"}
RANGE = {"leverage": "10", "lower_price": "100", "upper_price": "200", "cells": 10, "cell_margin_usdt": "5"}


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("grid_step_pct", "0", "must be above 0"),
        ("grid_step_pct", "100", "at most 99.99"),
        ("initial_margin_usdt", "-1", "must be above 0"),
        ("initial_margin_usdt", "NaN", "is not a number"),
        ("leverage", "201", "at most 200"),
        ("size_multiplier", "0.9", "at least 1"),
        ("max_levels", 0, "at least 1"),
        ("take_profit_pct", "0", "must be above 0"),
        ("step_widening", "0.9", "at least 1"),
        ("step_widening", "5", "the last of 5 levels would be 125"),
        ("step_atr_multiple", "-1", "at least 0"),
        ("atr_bars", 1, "at least 2"),
        ("atr_bar_min", 0, "at least 1"),
        ("trailing_take_profit_pct", "1", "must be below take_profit_pct 1"),
        ("take_profit_parts", [{"pct": "1", "fraction": "0.5"}], "below take_profit_pct 1"),
        ("take_profit_parts", [{"pct": "0.5", "fraction": "0.5"}, {"pct": "0.4", "fraction": "0.1"}], "before it"),
        ("take_profit_parts", [{"pct": "0.5", "fraction": "0.5"}, {"pct": "0.6", "fraction": "0.5"}], "leave a rest"),
        ("take_profit_parts", [{"pct": "0.5", "fraction": "0"}], "fraction: 0 must be above 0"),
        ("entry_style", "limit", "entry_style"),
        ("entry_wait_s", 0, "at least 1"),
        ("entry_reprices", 101, "at most 100"),
        ("averaging_style", "rest", "averaging_style"),
        ("resting_levels", 0, "at least 1"),
        ("lower_price", "0", "must be above 0"),
        ("cycle_pause_s", -1, "at least 0"),
        ("stop_loss_pct", "0", "must be above 0"),
        ("stop_loss_usdt", "-5", "must be above 0"),
        ("stop_loss_action", "panic", "stop_loss_action"),
        ("max_leg_notional_usdt", "0", "must be above 0"),
        ("max_bot_notional_usdt", "0", "must be above 0"),
        ("trading_state", "PAUSED", "trading_state"),
        ("maker_fee_pct", "-0.2", "at least -0.1"),
        ("taker_fee_pct", "-0.01", "at least 0"),
    ],
)
def test_a_wrong_value_names_its_field_and_range(field: str, value: object, says: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({**GOOD, field: value}, DualGridConfig, strict=False)
    assert field in str(refused.value)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("lower_price", "200", "must be below upper_price 200"),
        ("cells", 1, "at least 2"),
        ("cells", 51, "at most 50"),
        ("cell_margin_usdt", "0", "must be above 0"),
        ("trailing", True, "a neutral grid has no side to follow"),
        ("upper_price", "100.1", "not more than the fees of a round trip"),
    ],
)
def test_a_wrong_value_of_the_range_names_its_field(field: str, value: object, says: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({**RANGE, field: value}, RangeGridConfig, strict=False)
    assert says in str(refused.value)


def test_bounds_must_be_in_order() -> None:
    with pytest.raises(msgspec.ValidationError, match="lower_price: 5 must be below upper_price 4"):
        msgspec.convert({**GOOD, "lower_price": "5", "upper_price": "4"}, DualGridConfig, strict=False)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="grid_stp_pct"):
        msgspec.convert({**GOOD, "grid_stp_pct": "1"}, DualGridConfig, strict=False)
