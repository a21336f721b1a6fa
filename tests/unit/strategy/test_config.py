"""A wrong value gives one error that names the field and its range."""

import msgspec
import pytest

from hedgegrid.strategy.core.config import DualGridConfig

GOOD = {"leverage": "10", "initial_margin_usdt": "100"}


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
    ],
)
def test_a_wrong_value_names_its_field_and_range(field: str, value: object, says: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({**GOOD, field: value}, DualGridConfig, strict=False)
    assert field in str(refused.value)
    assert says in str(refused.value)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="grid_stp_pct"):
        msgspec.convert({**GOOD, "grid_stp_pct": "1"}, DualGridConfig, strict=False)
