"""Risk tiers of the real venue's rows, whichever unit their rates have."""

from decimal import Decimal
from typing import Any

import pytest

from hedgegrid.listing.tiers import tier_of_row

ROW: dict[str, Any] = {"riskLimitValue": "2000000", "maxLeverage": "100.00", "mmDeduction": ""}


@pytest.mark.parametrize(("initial", "maintenance"), [("0.01", "0.005"), ("1", "0.5")])
def test_rates_become_fractions(initial: str, maintenance: str) -> None:
    tier = tier_of_row(ROW | {"initialMargin": initial, "maintenanceMargin": maintenance})
    assert (tier.im_rate, tier.mm_rate) == (Decimal("0.01"), Decimal("0.005"))
    assert (tier.limit_value, tier.mm_deduction) == (Decimal(2_000_000), Decimal(0))
