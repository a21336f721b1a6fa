"""A bot's stored state as watchers read it: what is shown is what the strategy itself acts by."""

from decimal import Decimal as D

import pytest

from hedgegrid.bus.struct_fields import to_fields
from hedgegrid.domain.order import Leg
from hedgegrid.metrics.bot_books import BotBooks, decode, ladder, take_profits
from hedgegrid.strategy.core.range_grid import RangeGrid
from tests.property.strategy.styles import range_
from tests.property.strategy.world import INSTRUMENT, World
from tests.unit.strategy.situations import leg_of, settled, walk

RESTING = {"averaging_style": "resting", "resting_levels": 2}


def books(world: World) -> BotBooks:
    return decode(to_fields(world.state))


@pytest.mark.parametrize("leg", list(Leg))
def test_the_strategy_averages_at_the_first_line_shown_and_not_before(leg: Leg) -> None:
    world = settled()
    first = ladder(books(world), leg)[0]
    tick = INSTRUMENT.tick_size
    before = len(leg_of(world, leg).levels)
    world.price = first.price + leg.sign * 2 * tick
    walk(world, "0")
    assert len(leg_of(world, leg).levels) == before
    world.price = first.price - leg.sign * tick
    walk(world, "0")
    assert [level.number for level in leg_of(world, leg).levels][-1] == first.level


@pytest.mark.parametrize("leg", list(Leg))
def test_lines_lead_away_from_the_price_up_to_the_last_level(leg: Leg) -> None:
    lines = ladder(books(settled(max_levels=6)), leg)
    assert [line.level for line in lines] == [1, 2, 3, 4, 5]
    distances = [leg.sign * (lines[0].price - line.price) for line in lines]
    assert distances == sorted(distances)
    assert not any(line.rests for line in lines)


def test_resting_orders_stand_where_they_rest_and_what_waits_follows_them() -> None:
    world = settled(**RESTING, max_levels=6)
    lines = ladder(books(world), Leg.LONG)
    assert [line.rests for line in lines] == [True, True, False, False, False]
    working = {order.level: order.price for order in leg_of(world).orders}
    assert [line.price for line in lines[:2]] == [working[1], working[2]]
    assert lines[2].price < lines[1].price


def test_a_bot_that_may_not_average_waits_for_nothing() -> None:
    world = settled()
    state = to_fields(world.state)
    assert ladder(decode({**state, "state:trading_state": b'"TP_ONLY"'}), Leg.LONG) == []
    assert ladder(decode({**state, "state:stage": b"3"}), Leg.LONG) == []


def test_average_break_even_and_take_profit_are_the_bots_own() -> None:
    world = settled()
    shown = books(world)
    for leg in Leg:
        own, seen = leg_of(world, leg), shown.leg(leg)
        assert seen.book.entry_px == own.book.entry_px
        assert seen.break_even_px == own.break_even_px
        price = take_profits(seen, leg)[0].price
        assert price is not None
        assert leg.sign * (price - own.book.entry_px) > 0
    assert shown.reconciled
    assert shown.max_levels == 4


def test_a_range_grid_shows_its_cells() -> None:
    world = World(3, range_(), strategy=RangeGrid())
    world.come_to_rest()
    lines = ladder(books(world), Leg.LONG)
    assert lines
    assert all(line.rests for line in lines)
    assert [line.price for line in lines] == sorted((line.price for line in lines), reverse=True)
    assert books(world).max_levels == 6


def test_a_state_that_was_never_born_is_readable() -> None:
    shown = decode({"state:symbol": b'"BTCUSDT"'})
    assert ladder(shown, Leg.LONG) == []
    assert shown.leg(Leg.SHORT).book.entry_px is None
    assert D(0) == shown.leg(Leg.SHORT).book.qty
