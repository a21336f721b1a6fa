"""How a bot without a state of its own begins: with what the venue holds, or not at all."""

from decimal import Decimal

import msgspec

from hedgegrid.domain.order import Leg, OrderType, Purpose, Side
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import CancelOrder, RequestSnapshot
from hedgegrid.messages.events import PositionChanged, SnapshotTaken
from hedgegrid.messages.ledger import BaselineTaken
from hedgegrid.strategy.core.inputs import WorkerStarted
from hedgegrid.venue.requests import NewOrder
from tests.property.strategy.world import ACCOUNT, SYMBOL, World

D = Decimal


def traded() -> World:
    """A world with two levels on the long leg, one on the short, and its take-profits resting."""
    world = World(3)
    world.come_to_rest()
    world.move(D("-0.12"))
    world.come_to_rest()
    assert [len(leg.levels) for leg in world.state.legs] == [2, 1]
    return world


def reborn(world: World) -> None:
    """The state is lost; another worker begins with nothing."""
    world.state = world.strategy.new_state(SYMBOL)
    world.ledger.clear()
    world.take(WorkerStarted(ts_event=world.now_ms))


def settle(world: World) -> None:
    while world.waiting or world.feed:
        world.execute()
        world.deliver()


def test_a_lost_state_is_rebuilt_level_by_level_from_executions() -> None:
    world = traded()
    before = world.state
    reborn(world)
    settle(world)
    for old, new in zip(before.legs, world.state.legs, strict=True):
        assert new.levels == old.levels
        assert new.book.qty == old.book.qty
        assert (new.cycle.entry_value, new.cycle.entry_fees) == (old.cycle.entry_value, old.cycle.entry_fees)
    assert world.state.life == before.life + 1
    assert world.state.trading_state is TradingState.ACTIVE
    world.come_to_rest()
    resting = [order.order_link_id for order in world.venue.orders_open(ACCOUNT, SYMBOL)]
    assert len(resting) == 2
    assert all(name.startswith("h2-") for name in resting), "the former life's orders are gone"


def test_the_baseline_takes_up_what_the_venue_has_realised_before() -> None:
    world = traded()
    reborn(world)
    settle(world)
    baselines = {row.leg: row.cum_realised for row in world.ledger if isinstance(row, BaselineTaken)}
    for leg in Leg:
        assert baselines[leg] == world.venue.position(ACCOUNT, SYMBOL, leg.value).cum_realised_pnl != 0


def test_orders_of_a_former_life_are_cancelled_before_the_bot_is_born() -> None:
    world = traded()
    reborn(world)
    world.execute()
    while world.feed:
        world.deliver()
    assert [type(command) for command in world.waiting] == [CancelOrder, CancelOrder, RequestSnapshot]
    assert world.state.life == 0


def test_orders_of_somebody_else_halt_the_bot() -> None:
    world = World(3)
    world.state = world.strategy.new_state(SYMBOL)
    world.waiting.clear()
    order = NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        qty=D("0.01"),
        price=D(50000),
        position_idx=1,
        order_link_id="mine",
    )
    world.venue.submit(ACCOUNT, order, world.now_ms)
    world.take(WorkerStarted(ts_event=world.now_ms))
    settle(world)
    world.tick()
    assert world.state.trading_state is TradingState.HALTED
    assert "somebody else" in world.state.why
    assert not world.submitted


def test_a_position_that_executions_do_not_explain_halts_the_bot() -> None:
    world = traded()
    reborn(world)
    while world.state.life == 0:
        world.execute()
        world.feed = [
            msgspec.structs.replace(event, executions=()) if isinstance(event, SnapshotTaken) else event
            for event in world.feed
        ]
        while world.feed:
            world.deliver()
    assert world.state.trading_state is TradingState.HALTED
    assert "do not explain" in world.state.why


def test_three_snapshots_that_disagree_halt_the_bot() -> None:
    world = traded()
    long, _ = world.state.legs
    wrong = msgspec.structs.replace(long, book=long.book.opened(D(1), D(1), D(0)))
    world.state = msgspec.structs.replace(world.state, long=wrong)
    for _ in range(8):
        world.gap()
        settle(world)
        world.now_ms += 10_000
        world.tick()
        settle(world)
    assert world.state.trading_state is TradingState.HALTED
    assert "positions differ after 3 snapshots: long: ours" in world.state.why


def test_a_take_profit_that_a_person_cancels_is_placed_again() -> None:
    world = traded()
    [order] = [o for o in world.venue.orders_open(ACCOUNT, SYMBOL) if o.position_idx == Leg.LONG.value]
    world.venue.cancel_all(ACCOUNT, SYMBOL, world.now_ms)
    world.collect()
    world.come_to_rest()
    purposes = [o.purpose for o in world.state.long.orders]
    assert purposes == [Purpose.TAKE_PROFIT]
    assert world.state.long.orders[0].client_order_id != order.order_link_id
    world.check_at_rest()


def test_a_position_message_older_than_the_newest_is_ignored() -> None:
    world = traded()
    old = PositionChanged(
        symbol=SYMBOL,
        leg=Leg.LONG,
        qty=D(0),
        entry_px=D(0),
        mark_px=D(1),
        liq_px=None,
        leverage=D(1),
        cum_realised=D(0),
        seq=0,
        ts_event=1,
        ts_init=world.now_ms,
    )
    before = world.state
    world.take(old)
    assert world.state.long.venue_qty == before.long.venue_qty
