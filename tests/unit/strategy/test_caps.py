"""Notional caps: worst case of what is held and ordered, denied with a reason that is told once in a while."""

from decimal import Decimal

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.messages.ledger import OpeningDenied
from tests.property.strategy.world import World
from tests.unit.strategy.situations import leg_of, orders, pass_s, settled, submitted, walk

D = Decimal


def denials(world: World) -> list[OpeningDenied]:
    return [row for row in world.ledger if isinstance(row, OpeningDenied)]


def test_a_level_beyond_the_legs_cap_is_denied_with_its_figures() -> None:
    world = settled(max_leg_notional_usdt=2000, legs="long")
    walk(world, "-0.15")
    [row] = denials(world)
    assert (row.leg, row.purpose, row.level) == (Leg.LONG, Purpose.AVERAGING, 1)
    assert row.reason.startswith("max_leg_notional_usdt 2000: 960.00 USDT are held or ordered, 14")
    assert not submitted(world, Purpose.AVERAGING)


def test_a_denial_is_tried_again_each_minute_and_told_each_ten() -> None:
    world = settled(max_leg_notional_usdt=2000, legs="long", take_profit_pct=50)
    walk(world, "-0.15")
    for _ in range(9):
        pass_s(world, 61)
    assert len(denials(world)) == 1
    pass_s(world, 61)
    assert len(denials(world)) == 2


def test_a_market_order_counts_with_the_price_band_on_top() -> None:
    world = settled(max_leg_notional_usdt=970, legs="long")
    assert not submitted(world, Purpose.ENTRY), "960 now, but up to 979 when it fills"
    assert denials(world)


def test_the_bots_cap_counts_both_legs() -> None:
    world = settled(max_bot_notional_usdt=1500)
    assert leg_of(world, Leg.LONG).book.qty > 0
    assert leg_of(world, Leg.SHORT).book.qty == 0
    assert denials(world)[0].reason.startswith("max_bot_notional_usdt 1500")


def test_resting_levels_count_as_if_filled() -> None:
    world = settled(averaging_style="resting", resting_levels=3, max_leg_notional_usdt=5000, legs="long")
    assert [order.level for order in orders(world, Purpose.AVERAGING)] == [1, 2], "960 + 1440 + 2160; 3240 do not fit"
    assert denials(world)[0].level == 3


def test_a_new_cycle_does_not_wait_for_an_old_denial() -> None:
    world = settled(max_leg_notional_usdt=2000, legs="long")
    walk(world, "-0.15", "0.4", "0")
    assert leg_of(world).cycle.number == 2
    assert leg_of(world).book.qty > 0
