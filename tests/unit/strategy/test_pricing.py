"""Prices and sizes by the original rules (peers.md §1.1, §1.2), its arithmetic mistakes left out."""

from decimal import Decimal

import pytest

from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.pricing import averaging_qty, averaging_trigger, entry_qty, take_profit_px
from hedgegrid.strategy.core.state import Cycle, LegState, Level
from tests.property.strategy.world import INSTRUMENT

D = Decimal
NO_FEE = D(0)
FREE = DualGridConfig(
    leverage=D(10), initial_margin_usdt=D(100), size_multiplier=D(2), max_levels=11, maker_fee_pct=D(0)
)
# The author's table has 1.85 and 1.92 at levels 4 and 5 of the long leg; exact arithmetic gives 1.861 and 1.930.
LONG = "1.00 1.34 1.58 1.75 1.86 1.93 1.97 2.00 2.01 2.02 2.02"
SHORT = "1.00 1.33 1.56 1.72 1.82 1.88 1.92 1.94 1.95 1.96 1.97"


def ladder(leg: Leg, levels: int, fee_rate: Decimal = NO_FEE) -> LegState:
    """A leg whose levels were each filled exactly at their trigger, doubling, from 1,000,000 on."""
    filled: list[Level] = []
    price = D(1_000_000)
    for number in range(levels):
        qty = D(2) ** number
        filled.append(Level(qty=qty, value=qty * price))
        price *= 1 - leg.sign * D("0.01")
    value = sum((level.value for level in filled), D(0))
    qty = sum((level.qty for level in filled), D(0))
    return LegState(
        book=LegBook(leg=leg, qty=qty, entry_value=value),
        levels=tuple(filled),
        cycle=Cycle(entry_qty=qty, entry_value=value, entry_fees=value * fee_rate),
    )


@pytest.mark.parametrize(("leg", "golden"), [(Leg.LONG, LONG), (Leg.SHORT, SHORT)])
def test_take_profit_distance_from_the_last_fill_by_level(leg: Leg, golden: str) -> None:
    distances = []
    for levels in range(1, 12):
        state = ladder(leg, levels)
        last = state.levels[-1].px
        distances.append(abs(take_profit_px(FREE, INSTRUMENT, state) - last) / last * 100)
    assert [f"{distance:.2f}" for distance in distances] == golden.split()


@pytest.mark.parametrize("leg", list(Leg))
def test_take_profit_nets_its_percentage_after_the_fees_truly_paid(leg: Leg) -> None:
    config = DualGridConfig(leverage=D(10), initial_margin_usdt=D(100), maker_fee_pct=D("0.02"))
    state = ladder(leg, 4, fee_rate=D("0.00055"))
    price = take_profit_px(config, INSTRUMENT, state)
    qty = state.book.qty
    net = leg.sign * (price * qty - state.book.entry_value) - state.cycle.entry_fees - price * qty * D("0.0002")
    target = state.book.entry_value * D("0.01")
    assert target <= net <= target + qty * INSTRUMENT.tick_size


def test_entry_is_margin_times_leverage_rounded_down_to_the_lot() -> None:
    assert entry_qty(FREE, INSTRUMENT, D("63934.1")) == D("0.015")


def test_entry_is_at_least_what_the_venue_takes() -> None:
    tiny = DualGridConfig(leverage=D(1), initial_margin_usdt=D("0.01"))
    qty = entry_qty(tiny, INSTRUMENT, D(4000))
    assert qty == D("0.002")
    assert qty * 4000 >= INSTRUMENT.min_notional


@pytest.mark.parametrize(("leg", "trigger"), [(Leg.LONG, D(990_000)), (Leg.SHORT, D(1_010_000))])
def test_averaging_is_due_one_step_from_the_last_fill(leg: Leg, trigger: Decimal) -> None:
    assert averaging_trigger(FREE, ladder(leg, 1)) == trigger


def test_averaging_multiplies_the_last_size() -> None:
    assert averaging_qty(FREE, INSTRUMENT, ladder(Leg.LONG, 3), D(1_000_000)) == D(8)
