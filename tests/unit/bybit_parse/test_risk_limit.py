"""The venue's risk-limit table: fractions or percent, with or without deductions."""

from decimal import Decimal

import pytest

from hedgegrid.bybit import parse
from hedgegrid.bybit.parse import ParseError, RiskLimitRow
from hedgegrid.domain.risk import RiskTier

D = Decimal


def row(limit: str, maintenance: str, initial: str, leverage: str, deduction: str | None = None) -> RiskLimitRow:
    return RiskLimitRow(
        risk_limit_value=limit, maintenance_margin=maintenance, initial_margin=initial, max_leverage=leverage,
        mm_deduction=deduction,
    )  # fmt: skip


def test_percent_and_fractions_read_alike() -> None:
    percent = [row("150", "0.5", "1", "100.00"), row("300", "1", "2", "50.00")]
    fractions = [row("300", "0.01", "0.02", "50.00", ""), row("150", "0.005", "0.01", "100.00", "")]
    expected = (
        RiskTier(limit_value=D(150), im_rate=D("0.01"), mm_rate=D("0.005"), mm_deduction=D(0), max_leverage=D(100)),
        RiskTier(limit_value=D(300), im_rate=D("0.02"), mm_rate=D("0.01"), mm_deduction=D("0.75"), max_leverage=D(50)),
    )
    assert parse.risk_tiers(percent) == parse.risk_tiers(fractions) == expected


def test_a_stated_deduction_is_taken() -> None:
    tiers = parse.risk_tiers([row("150", "0.005", "0.01", "100"), row("300", "0.01", "0.02", "50", "0.8")])
    assert tiers[1].mm_deduction == D("0.8")


def test_the_wires_names() -> None:
    raw = {"id": 1, "symbol": "BTCUSDT", "riskLimitValue": "2000000", "maintenanceMargin": "0.005",
           "initialMargin": "0.01", "isLowestRisk": 1, "maxLeverage": "100.00", "mmDeduction": ""}  # fmt: skip
    (tier,) = parse.risk_tiers([parse.row_of(RiskLimitRow, raw)])
    assert (tier.limit_value, tier.mm_rate) == (D(2_000_000), D("0.005"))


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ([], "list"),
        ([row("150", "", "1", "100")], "maintenanceMargin"),
        ([row("150", "0.5", "1", "0")], "maxLeverage"),
        ([row("150", "0.5", "1", "100"), row("150", "1", "2", "50")], "riskLimitValue"),
        ([row("150", "0.5", "1", "100"), row("300", "0.4", "2", "50")], "riskLimitValue"),
    ],
)
def test_a_table_that_makes_no_sense_names_the_field(rows: list[RiskLimitRow], field: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse.risk_tiers(rows)
    assert caught.value.field == field
