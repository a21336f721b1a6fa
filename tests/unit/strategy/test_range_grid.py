"""The grid between two prices: its lines, what rests where, what is entered at once, and how it follows the price."""

from decimal import Decimal

import pytest

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.ledger import CycleClosed
from hedgegrid.strategy.core.range_grid import RangeGrid
from tests.property.strategy.styles import range_
from tests.property.strategy.world import INSTRUMENT, World
from tests.unit.strategy.situations import leg_of, orders, settle, submitted, walk

D = Decimal


def grid(**fields: object) -> World:
    """Six cells from 59,700 to 60,300, the price at 60,000."""
    world = World(3, range_(spacing="arithmetic", **fields), RangeGrid())
    world.come_to_rest()
    return world


def levels(world: World, purpose: Purpose, leg: Leg) -> list[tuple[int, Decimal | None]]:
    return [(order.level, order.price) for order in orders(world, purpose, leg)]


@pytest.mark.parametrize(
    ("spacing", "lines"),
    [
        ("arithmetic", ["100.00", "133.33", "166.67", "200.00"]),
        ("geometric", ["100.00", "125.99", "158.74", "200.00"]),
    ],
)
def test_lines(spacing: str, lines: list[str]) -> None:
    config = range_(lower_price=100, upper_price=200, cells=3, spacing=spacing)
    assert [f"{config.line(number):.2f}" for number in range(4)] == lines


def test_a_neutral_grid_is_long_below_and_short_above() -> None:
    world = grid()
    assert levels(world, Purpose.ENTRY, Leg.LONG) == [(0, D(59700)), (1, D(59800)), (2, D(59900))]
    assert levels(world, Purpose.ENTRY, Leg.SHORT) == [(3, D(60100)), (4, D(60200)), (5, D(60300))]
    assert not leg_of(world).book.qty


def test_a_cell_is_bought_at_its_line_sold_at_the_next_and_bought_again() -> None:
    world = grid()
    walk(world, "-0.2")
    assert levels(world, Purpose.TAKE_PROFIT, Leg.LONG) == [(2, D(60000))]
    walk(world, "0.21", "0")
    assert leg_of(world).book.qty == 0
    assert levels(world, Purpose.ENTRY, Leg.LONG) == [(0, D(59700)), (1, D(59800)), (2, D(59900))]
    [cycle] = [row for row in world.ledger if isinstance(row, CycleClosed)]
    assert cycle.net > 0
    assert len(submitted(world, Purpose.ENTRY)) == 4
    world.check_at_rest()


def test_cells_end_one_by_one() -> None:
    world = grid()
    walk(world, "-0.4")
    assert [level.number for level in leg_of(world).levels] == [1, 2]
    walk(world, "0.25")
    assert [level.number for level in leg_of(world).levels] == [2]
    assert levels(world, Purpose.TAKE_PROFIT, Leg.LONG) == [(2, D(60000))]
    world.check_at_rest()


def test_a_long_grid_enters_the_cells_above_the_price_at_once() -> None:
    world = grid(legs="long")
    assert [level.number for level in leg_of(world).levels] == [4, 5] or [
        level.number for level in leg_of(world).levels
    ] == [3, 4, 5]
    assert not leg_of(world, Leg.SHORT).orders
    world.check_at_rest()


def test_below_its_range_a_long_grid_takes_nothing_at_market() -> None:
    world = World(3, range_(legs="long", lower_price=61000, upper_price=61600), RangeGrid())
    world.come_to_rest()
    assert not submitted(world, Purpose.ENTRY)


def test_a_trailing_range_follows_the_price_when_everything_is_sold() -> None:
    world = grid(legs="long", trailing=True)
    walk(world, "0.6", "0.3", "0")
    assert world.state.shift > 0
    assert not leg_of(world).book.qty or leg_of(world).levels
    bottom = world.config.line(world.state.shift)
    assert bottom > 59700
    assert min(order.price or 0 for order in orders(world, Purpose.ENTRY)) >= INSTRUMENT.price_down(bottom)
    world.come_to_rest()
    world.check_at_rest()


def test_no_new_cycles_sells_what_is_held_and_enters_no_cell() -> None:
    world = grid()
    walk(world, "-0.2")
    world.operate(TradingState.NO_NEW_CYCLES)
    settle(world)
    assert not orders(world, Purpose.ENTRY)
    walk(world, "0.3", "-0.3")
    assert leg_of(world).book.qty == 0


def test_a_state_that_is_lost_is_rebuilt_cell_by_cell() -> None:
    world = grid()
    walk(world, "-0.4", "0.2")
    before = leg_of(world).levels
    world.state = world.strategy.new_state("BTCUSDT")
    world.ledger.clear()
    world.restart()
    settle(world)
    assert leg_of(world).levels == before
    world.come_to_rest()
    assert levels(world, Purpose.TAKE_PROFIT, Leg.LONG) == [(1, D(59900)), (2, D(60000))]


def test_the_ladder_is_every_cell_nearest_first() -> None:
    config = range_(spacing="arithmetic")
    for leg, prices in ((Leg.LONG, [59900, 59800, 59700]), (Leg.SHORT, [60100, 60200, 60300])):
        rows = RangeGrid().ladder(config, INSTRUMENT, leg, D(60000))
        assert [row.price for row in rows] == prices
        assert rows[-1].cum_qty == sum(row.qty for row in rows)
