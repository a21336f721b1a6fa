"""How a cycle begins: at market, resting and following the price, giving up, within bounds, after a pause."""

from decimal import Decimal

from hedgegrid.domain.order import Leg, OrderType, Purpose, Side, TimeInForce
from hedgegrid.messages.commands import AmendOrder, CancelOrder
from tests.property.strategy.styles import dual
from tests.property.strategy.world import World
from tests.unit.strategy.situations import leg_of, orders, pass_s, print_trade, settle, settled, submitted, walk

D = Decimal
POST_ONLY = {"entry_style": "post_only", "entry_wait_s": 2, "entry_reprices": 2, "legs": "long"}


def begun(**fields: object) -> World:
    """Born, and its first entry resting."""
    world = World(3, dual(**fields))
    settle(world)
    world.tick()
    settle(world)
    return world


def test_a_post_only_entry_rests_at_the_best_bid() -> None:
    world = begun(**POST_ONLY)
    [entry] = submitted(world, Purpose.ENTRY)
    assert (entry.order_type, entry.time_in_force) == (OrderType.LIMIT, TimeInForce.POST_ONLY)
    assert entry.price == world.price - D("0.1")


def test_it_follows_the_price_a_bounded_number_of_times_and_then_takes() -> None:
    world = begun(**POST_ONLY)
    for _ in range(2):
        walk(world, "0.05")
        assert orders(world, Purpose.ENTRY)[0].price != world.price - D("0.1"), "not before its time"
        pass_s(world, 2)
        assert orders(world, Purpose.ENTRY)[0].price == world.price - D("0.1")
    assert len([c for c in world.seen if isinstance(c, AmendOrder)]) == 2
    pass_s(world, 2)
    assert isinstance(world.seen[-1], CancelOrder)
    world.come_to_rest()
    assert [entry.order_type for entry in submitted(world, Purpose.ENTRY)] == [OrderType.LIMIT, OrderType.MARKET]
    assert leg_of(world).book.qty > 0
    world.check_at_rest()


def test_giving_up_waits_a_minute_and_tries_anew() -> None:
    world = begun(**{**POST_ONLY, "entry_reprices": 0, "entry_fallback": "give_up"})
    pass_s(world, 2)
    assert not orders(world, Purpose.ENTRY)
    pass_s(world, 58)
    assert len(submitted(world, Purpose.ENTRY)) == 1
    pass_s(world, 2)
    assert len(submitted(world, Purpose.ENTRY)) == 2


def test_what_was_filled_before_giving_up_is_kept() -> None:
    world = begun(**{**POST_ONLY, "entry_reprices": 0, "entry_fallback": "give_up"})
    price = orders(world, Purpose.ENTRY)[0].price
    assert price is not None
    print_trade(world, price, "3.005", Side.SELL)  # 3 stood there before
    assert leg_of(world).book.qty == D("0.005")
    assert orders(world, Purpose.TAKE_PROFIT)[0].qty == D("0.005"), "a part is protected at once"
    pass_s(world, 2)
    world.come_to_rest()
    assert leg_of(world).book.qty == D("0.005")
    assert not orders(world, Purpose.ENTRY)


def test_limit_then_market_takes_only_the_rest() -> None:
    world = begun(entry_style="limit_then_market", entry_wait_s=2, legs="long")
    entry = orders(world, Purpose.ENTRY)[0]
    assert entry.price is not None
    assert submitted(world, Purpose.ENTRY)[0].time_in_force is TimeInForce.GTC
    print_trade(world, entry.price, "3.005", Side.SELL)
    pass_s(world, 2)
    world.come_to_rest()
    assert [order.qty for order in submitted(world, Purpose.ENTRY)] == [entry.qty, entry.qty - D("0.005")]
    assert leg_of(world).book.qty == entry.qty
    assert len(leg_of(world).levels) == 1


def test_no_entry_outside_the_price_bounds() -> None:
    world = settled(lower_price=60100)
    assert not submitted(world, Purpose.ENTRY)
    walk(world, "0.3")
    world.come_to_rest()
    assert leg_of(world).book.qty > 0


def test_no_averaging_outside_the_price_bounds_but_take_profits_go_on() -> None:
    world = settled(lower_price=59950)
    walk(world, "-0.3")
    assert len(leg_of(world).levels) == 1
    walk(world, "0.5", "0.1")
    assert leg_of(world).cycle.number == 2


def test_the_next_cycle_waits_for_the_pause() -> None:
    world = settled(cycle_pause_s=60, legs="long")
    walk(world, "0.5")
    assert leg_of(world).book.qty == 0
    pass_s(world, 50)
    assert len(submitted(world, Purpose.ENTRY)) == 1
    pass_s(world, 10)
    assert len(submitted(world, Purpose.ENTRY)) == 2


def test_a_leg_left_out_opens_nothing() -> None:
    world = settled(legs="short")
    assert not submitted(world, Purpose.ENTRY, Leg.LONG)
    assert leg_of(world, Leg.SHORT).book.qty > 0


def test_the_step_follows_the_average_true_range_once_it_is_known() -> None:
    world = settled(step_atr_multiple=1, atr_bars=2, atr_bar_min=1, legs="long")
    assert world.state.long_plan.terms.step == D("0.001")
    for move in ("0.4", "-0.4") * 4:
        walk(world, move)
        pass_s(world, 30)
    world.come_to_rest()
    walk(world, "0.6", "0.1", "0.1")
    assert world.state.long_plan.terms.step > D("0.002")
