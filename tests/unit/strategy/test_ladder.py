"""The ladder by the original rules (peers.md §1.1, §1.2), its arithmetic mistakes left out, and by our additions."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.config import AveragingStyle, DualGridConfig, ExitPart
from hedgegrid.strategy.core.ladder import break_even_px, first_qty, ladder, take_profit_px, terms_of, trigger_px
from tests.property.strategy.world import INSTRUMENT

D = Decimal
FINE = replace(INSTRUMENT, tick_size=D("0.0001"), qty_step=D("0.00000001"), min_qty=D("0.00000001"), max_price=D(10**9))
FINE = replace(FINE, max_market_qty=D(10**6))
FREE = DualGridConfig(
    leverage=D(10),
    initial_margin_usdt=D(100),
    size_multiplier=D(2),
    max_levels=11,
    maker_fee_pct=D(0),
    taker_fee_pct=D(0),
)
# The author's table has 1.85 and 1.92 at levels 4 and 5 of the long leg; exact arithmetic gives 1.861 and 1.930.
LONG = "1.00 1.34 1.58 1.75 1.86 1.93 1.97 2.00 2.01 2.02 2.02"
SHORT = "1.00 1.33 1.56 1.72 1.82 1.88 1.92 1.94 1.95 1.96 1.97"


def changed(config: DualGridConfig = FREE, **fields: object) -> DualGridConfig:
    return msgspec.structs.replace(config, **fields)


@pytest.mark.parametrize(("leg", "golden"), [(Leg.LONG, LONG), (Leg.SHORT, SHORT)])
def test_take_profit_distance_from_the_last_fill_by_level(leg: Leg, golden: str) -> None:
    rows = ladder(FREE, FINE, leg, D(1_000_000))
    distances = [abs(row.take_profit_px - row.price) / row.price * 100 for row in rows]
    assert [f"{distance:.2f}" for distance in distances] == golden.split()


@pytest.mark.parametrize(
    ("multiplier", "sizes"),
    [
        ("1", "0.016 0.016 0.016 0.016 0.016 0.016"),
        ("1.5", "0.016 0.024 0.036 0.054 0.081 0.121"),
        ("2", "0.016 0.032 0.064 0.128 0.256 0.512"),
    ],
)
def test_ladder_sizes_by_multiplier(multiplier: str, sizes: str) -> None:
    config = changed(size_multiplier=D(multiplier), max_levels=6)
    rows = ladder(config, INSTRUMENT, Leg.LONG, D(60_000))
    assert [str(row.qty) for row in rows] == sizes.split()


@pytest.mark.parametrize(("max_levels", "margins"), [(11, 2047), (10, 1023)])
def test_a_doubling_ladder_holds_this_many_first_margins(max_levels: int, margins: int) -> None:
    rows = ladder(changed(max_levels=max_levels), FINE, Leg.LONG, D(1000))
    assert rows[-1].cum_qty == margins * rows[0].qty


@pytest.mark.parametrize("leg", list(Leg))
def test_take_profit_nets_its_percentage_after_the_fees_truly_paid(leg: Leg) -> None:
    config = changed(maker_fee_pct=D("0.02"), taker_fee_pct=D("0.055"), max_levels=4)
    for row in ladder(config, INSTRUMENT, leg, D(60_000)):
        fees = row.cum_value * D("0.00055") + row.take_profit_px * row.cum_qty * D("0.0002")
        net = leg.sign * (row.take_profit_px * row.cum_qty - row.cum_value) - fees
        target = row.cum_value * D("0.01")
        assert target <= net <= target + row.cum_qty * INSTRUMENT.tick_size * D("1.001")


@pytest.mark.parametrize("leg", list(Leg))
def test_break_even_leaves_nothing(leg: Leg) -> None:
    paid, fee, qty, value = D("13.7"), D("0.00055"), D("0.5"), D(30_000)
    price = break_even_px(leg, qty, value, paid, fee)
    assert abs(leg.sign * (price * qty - value) - price * qty * fee - paid) < D("1E-18")


def test_a_short_leg_that_paid_more_than_it_sold_for_has_no_break_even_above_zero() -> None:
    assert break_even_px(Leg.SHORT, D(1), D(10), D(11), D(0)) == 0


def test_resting_levels_pay_the_maker_fee() -> None:
    config = changed(taker_fee_pct=D("0.055"), maker_fee_pct=D(0))
    taken = ladder(config, INSTRUMENT, Leg.LONG, D(60_000))[-1]
    rested = ladder(changed(config, averaging_style=AveragingStyle.RESTING), INSTRUMENT, Leg.LONG, D(60_000))[-1]
    assert rested.take_profit_px < taken.take_profit_px
    assert rested.average_px == taken.average_px


def test_entry_is_margin_times_leverage_rounded_down_to_the_lot() -> None:
    assert first_qty(terms_of(FREE, D("63934.1")), INSTRUMENT, D("63934.1")) == D("0.015")


@pytest.mark.parametrize(
    ("price", "qty"),
    [
        (D(4000), D("0.002")),  # 0.001 would be 4 USDT
        (D(5000), D("0.001")),  # exactly the least notional
        (D("4999.9"), D("0.002")),  # one tick below it
        (D(60_000), D("0.001")),  # the least quantity is enough
    ],
)
def test_a_tiny_entry_is_what_the_venue_takes(price: Decimal, qty: Decimal) -> None:
    tiny = changed(leverage=D(1), initial_margin_usdt=D("0.01"), size_multiplier=D(1))
    rows = ladder(tiny, INSTRUMENT, Leg.LONG, price)
    assert rows[0].qty == qty
    assert all(row.qty * row.price >= INSTRUMENT.min_notional for row in rows)


def test_the_largest_order_bounds_every_level() -> None:
    small = replace(INSTRUMENT, max_market_qty=D("0.1"))
    assert max(row.qty for row in ladder(FREE, small, Leg.LONG, D(60_000))) == D("0.1")


@pytest.mark.parametrize(("leg", "trigger"), [(Leg.LONG, D(990_000)), (Leg.SHORT, D(1_010_000))])
def test_averaging_is_due_one_step_from_the_last_level(leg: Leg, trigger: Decimal) -> None:
    assert trigger_px(terms_of(FREE, D(1_000_000)), leg, 1, D(1_000_000)) == trigger


def test_steps_widen_by_their_factor() -> None:
    terms = terms_of(changed(step_widening=D(2), max_levels=8), D(100))
    assert [trigger_px(terms, Leg.LONG, level, D(100)) for level in (1, 2, 3)] == [99, 98, 96]
    assert trigger_px(terms, Leg.LONG, 8, D(100)) is None, "128 % down is no price"


def test_the_average_true_range_sets_the_step_where_it_is_larger() -> None:
    config = changed(step_atr_multiple=D(2))
    assert terms_of(config, D(1000), atr=D(10)).step == D("0.02")
    assert terms_of(config, D(1000), atr=D(1)).step == D("0.01")
    assert terms_of(config, D(1000)).step == D("0.01"), "not known yet"


def test_bounds_and_cap_cut_the_ladder_short() -> None:
    assert len(ladder(changed(lower_price=D(58_806)), INSTRUMENT, Leg.LONG, D(60_000))) == 3
    assert len(ladder(changed(upper_price=D(60_500)), INSTRUMENT, Leg.SHORT, D(60_000))) == 1
    rows = ladder(changed(max_leg_notional_usdt=D(7000)), INSTRUMENT, Leg.LONG, D(60_000))
    assert len(rows) == 3
    assert rows[-1].cum_value <= 7000


def test_a_long_ladder_ends_above_the_lowest_price() -> None:
    steep = changed(grid_step_pct=D(90), max_levels=20, initial_margin_usdt=D(1000))
    rows = ladder(steep, INSTRUMENT, Leg.LONG, D(60_000))
    assert rows[-1].price >= INSTRUMENT.min_price
    assert len(rows) == 6


@pytest.mark.parametrize("leg", list(Leg))
def test_take_profit_of_a_part_lies_between(leg: Leg) -> None:
    part = ExitPart(pct=D("0.4"), fraction=D("0.5"))
    near = take_profit_px(INSTRUMENT, leg, D(60_000), D(0), part.pct / 100, D(0))
    far = take_profit_px(INSTRUMENT, leg, D(60_000), D(0), D("0.01"), D(0))
    assert 60_000 * leg.sign < near * leg.sign < far * leg.sign
