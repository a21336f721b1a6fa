"""What a snapshot may conclude, and what it may not: recent doings, failed queries, orders of somebody else."""

from decimal import Decimal

import msgspec
import pytest

from hedgegrid.domain.order import Leg, OrderType, Purpose, Side
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import RequestSnapshot, SubmitOrder
from hedgegrid.messages.events import (
    AmendRejected,
    CancelRejected,
    OrderAccepted,
    OrderRejected,
    SnapshotFailed,
    SnapshotReason,
    SnapshotTaken,
)
from hedgegrid.strategy.core.restoring import ASK_AGAIN_MS, SETTLED_MS
from hedgegrid.strategy.core.state import OrderPhase, WorkingOrder
from hedgegrid.venue.requests import NewOrder
from tests.property.strategy.world import ACCOUNT, SYMBOL, World
from tests.unit.strategy.situations import settled

D = Decimal


def take_profit(world: World) -> WorkingOrder:
    order: WorkingOrder = next(o for o in world.state.long.orders if o.purpose is Purpose.TAKE_PROFIT)
    return order


def wishes(world: World) -> list[RequestSnapshot]:
    return [command for command in world.waiting if isinstance(command, RequestSnapshot)]


def answer(world: World) -> SnapshotTaken:
    """What the venue shows to the wish that waits."""
    [wish] = wishes(world)
    world.waiting.remove(wish)
    shot = world.desk.snapshot(wish, world.now_ms)
    assert isinstance(shot, SnapshotTaken)
    return shot


def rest_by_hand(world: World, link_id: str) -> str:
    """Somebody places a bid far below; returns the venue's id of it."""
    order = NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        qty=D("0.001"),
        price=world.price * D("0.95") // 1,
        position_idx=Leg.LONG.value,
        order_link_id=link_id,
    )
    world.venue.submit(ACCOUNT, order, world.now_ms)
    world.collect()
    [placed] = [o for o in world.venue.orders_open(ACCOUNT, SYMBOL) if o.order_link_id == link_id]
    return placed.order_id


def trading_state(world: World) -> TradingState:
    state: TradingState = world.state.trading_state
    return state


def settle(world: World) -> None:
    while world.waiting or world.feed:
        world.execute()
        world.deliver()


@pytest.mark.parametrize("link_id", ["", "by-hand"])
def test_an_order_of_somebody_else_halts_the_bot_as_soon_as_it_is_told(link_id: str) -> None:
    world = settled()
    placed = rest_by_hand(world, link_id)
    settle(world)
    assert trading_state(world) is TradingState.HALTED
    assert placed in world.state.why
    assert world.state.foreign_orders == (placed,)
    assert placed in [order.order_id for order in world.venue.orders_open(ACCOUNT, SYMBOL)], "it is left alone"


def test_an_operator_may_go_on_beside_it_until_there_is_another() -> None:
    world = settled()
    rest_by_hand(world, "one")
    settle(world)
    world.operate(TradingState.ACTIVE)
    world.gap()
    settle(world)
    assert trading_state(world) is TradingState.ACTIVE
    second = rest_by_hand(world, "two")
    settle(world)
    assert trading_state(world) is TradingState.HALTED
    assert second in world.state.why


def test_orders_of_other_lives_of_ours_are_no_foreign_ones() -> None:
    world = settled()
    rest_by_hand(world, f"h7-{SYMBOL}-LA01-9")
    settle(world)
    assert trading_state(world) is TradingState.ACTIVE


def test_an_order_just_acknowledged_that_no_list_shows_yet_is_kept_and_asked_for_again() -> None:
    world = settled()
    order = take_profit(world)
    world.now_ms = order.since_ms + SETTLED_MS - 1
    world.gap()
    world.take(msgspec.structs.replace(answer(world), open_orders=(), ended_orders=()))
    assert take_profit(world) == order
    assert not world.state.reconciled
    assert not world.waiting, "nothing is placed in its stead"
    world.now_ms += ASK_AGAIN_MS
    world.tick()
    world.take(msgspec.structs.replace(answer(world), open_orders=(), ended_orders=()))
    assert world.state.reconciled, "by now the lists must show it"
    assert order.client_order_id in [o.client_order_id for o in world.state.long.unproven]
    assert any(isinstance(command, SubmitOrder) for command in world.waiting)


def test_positions_that_lag_behind_a_recent_fill_are_no_mismatch() -> None:
    world = settled()
    world.now_ms = world.state.booked_ms + SETTLED_MS - ASK_AGAIN_MS
    for _ in range(2):
        world.gap()
        shot = answer(world)
        flat = tuple(msgspec.structs.replace(p, qty=D(0), seq=p.seq + 1) for p in shot.positions)
        world.take(msgspec.structs.replace(shot, positions=flat))
        assert not world.state.reconciled
        world.now_ms += ASK_AGAIN_MS
    assert world.state.mismatches == 1, "only the second one came late enough to count"


@pytest.mark.parametrize("kind", [AmendRejected, CancelRejected])
def test_an_order_too_late_to_change_is_looked_into(kind: type[AmendRejected] | type[CancelRejected]) -> None:
    world = settled()
    order = take_profit(world)
    phase = OrderPhase.AMENDING if kind is AmendRejected else OrderPhase.CANCELING
    changed = msgspec.structs.replace(order, phase=phase, new_qty=order.qty, new_price=order.price)
    orders = tuple(changed if o is order else o for o in world.state.long.orders)
    world.state = msgspec.structs.replace(world.state, long=msgspec.structs.replace(world.state.long, orders=orders))
    gone = kind(symbol=SYMBOL, client_order_id=order.client_order_id, code=110001, reason="", ts_event=world.now_ms)
    world.take(gone)
    assert [wish.reason for wish in wishes(world)] == [SnapshotReason.GAP]
    assert not world.state.reconciled


def test_an_id_the_venue_knows_already_is_looked_into() -> None:
    world = World(3)
    for _ in range(3):
        world.execute()
        world.deliver()
        world.tick()
    [entry, *_] = [command for command in world.waiting if isinstance(command, SubmitOrder)]
    world.waiting.clear()
    refusal = OrderRejected(
        symbol=SYMBOL, client_order_id=entry.client_order_id, code=110072, reason="", ts_event=world.now_ms
    )
    world.take(refusal)
    assert [wish.reason for wish in wishes(world)] == [SnapshotReason.GAP]


def test_a_failed_query_concludes_nothing() -> None:
    world = settled()
    before = world.state
    world.gap()
    [wish] = wishes(world)
    world.waiting.clear()
    failed = SnapshotFailed(
        symbol=SYMBOL, reason=wish.reason, request=wish.request, text="timed out", ts_event=world.now_ms
    )
    world.take(failed)
    assert (world.state.long, world.state.short) == (before.long, before.short)
    assert not world.state.reconciled
    assert not world.waiting
    world.now_ms += ASK_AGAIN_MS
    world.tick()
    assert wishes(world)[0].request == wish.request + 1


def test_told_orders_that_are_known_to_rest_are_not_asked_for_again() -> None:
    world = settled()
    rest_by_hand(world, "one")
    told = next(event for event in world.feed if isinstance(event, OrderAccepted))
    settle(world)
    world.operate(TradingState.ACTIVE)
    settle(world)
    world.waiting.clear()
    world.take(told)
    assert not wishes(world)
