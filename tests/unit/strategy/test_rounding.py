"""Sizes and prices on the grids of ten real instruments (tick, lot step and prices as recorded on 2026-08-09).

The expected figures were worked out with exact fractions, apart from this code: 250 USDT first entry, ×1.5, step 1 %,
take-profit 1 %, maker fee 0.02 %, entry without fee; the last column is the smallest order the venue takes (5 USDT).
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.ladder import ladder
from tests.property.strategy.world import INSTRUMENT

D = Decimal
CONFIG = DualGridConfig(leverage=D(10), initial_margin_usdt=D(25), max_levels=2, taker_fee_pct=D(0))
GOLDEN = [
    # symbol, tick, lot step = least lot, price; entry, second lot; second level long, short; TP long, short; smallest
    ("BTCUSDT", "0.10", "0.001", "63934.1", "0.003", "0.004", "63294.70", "64573.50", "64586.40", "63282.10", "0.001"),
    ("ETHUSDT", "0.01", "0.01", "2451.37", "0.10", "0.15", "2426.85", "2475.89", "2476.38", "2426.37", "0.01"),
    ("SOLUSDT", "0.010", "0.1", "148.33", "1.6", "2.4", "146.840", "149.820", "149.850", "146.810", "0.1"),
    ("BNBUSDT", "0.10", "0.01", "612.4", "0.40", "0.60", "606.20", "618.60", "618.70", "606.10", "0.01"),
    ("XRPUSDT", "0.0001", "0.1", "0.5123", "487.9", "731.8", "0.5071", "0.5175", "0.5176", "0.5070", "9.8"),
    ("DOGEUSDT", "0.00001", "1", "0.09471", "2639", "3958", "0.09376", "0.09566", "0.09568", "0.09374", "53"),
    (
        "1000PEPEUSDT",
        "0.0000010",
        "100",
        "0.0071230",
        "35000",
        "52500",
        "0.0070510",
        "0.0071950",
        "0.0071960",
        "0.0070500",
        "800",
    ),
    (
        "1000BONKUSDT",
        "0.0000010",
        "100",
        "0.0134570",
        "18500",
        "27700",
        "0.0133220",
        "0.0135920",
        "0.0135950",
        "0.0133190",
        "400",
    ),
    (
        "1000000BABYDOGEUSDT",
        "0.0000001",
        "100",
        "0.0011237",
        "222400",
        "333600",
        "0.0011124",
        "0.0011350",
        "0.0011352",
        "0.0011122",
        "4500",
    ),
    (
        "10000SATSUSDT",
        "0.00000001",
        "100",
        "0.00023417",
        "1067600",
        "1601400",
        "0.00023182",
        "0.00023652",
        "0.00023656",
        "0.00023178",
        "21400",
    ),
]


@pytest.mark.parametrize("row", GOLDEN, ids=[row[0] for row in GOLDEN])
def test_orders_are_on_the_instruments_grid(row: tuple[str, ...]) -> None:
    symbol, *numbers = row
    tick, step, price, first, second, below, above, profit_long, profit_short, smallest = map(D, numbers)
    instrument = replace(
        INSTRUMENT,
        symbol=symbol,
        tick_size=tick,
        qty_step=step,
        min_qty=step,
        max_limit_qty=D(10**9),
        max_market_qty=D(10**9),
        min_price=tick,
    )
    for leg, level_px, profit_px in ((Leg.LONG, below, profit_long), (Leg.SHORT, above, profit_short)):
        rows = ladder(CONFIG, instrument, leg, price)
        assert [rung.qty for rung in rows] == [first, second]
        assert rows[1].price == level_px
        assert rows[0].take_profit_px == profit_px
        assert all(instrument.is_on_tick(rung.price) and instrument.is_on_step(rung.qty) for rung in rows)
    assert instrument.smallest_qty(price) == smallest
