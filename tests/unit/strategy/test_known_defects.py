"""The twenty known defects of the bot whose rules this one follows (peers.md §1.7, a…t), each as it would show here."""

from decimal import Decimal

import msgspec
import pytest
from pydantic import SecretStr

from hedgegrid.bybit.parse import private_frame
from hedgegrid.bybit.ws import PrivateSocket
from hedgegrid.domain.order import Leg, OrderType, Purpose, Side
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import RequestSnapshot, SubmitOrder
from hedgegrid.messages.events import (
    OrderFilled,
    OrderRejected,
    PositionChanged,
    SnapshotFailed,
    SnapshotReason,
    WalletChanged,
)
from hedgegrid.messages.feed import FeedLost
from hedgegrid.messages.ledger import BaselineTaken, CycleClosed, FillBooked
from hedgegrid.strategy.core.inputs import WorkerStarted
from hedgegrid.strategy.core.permission import effective_state
from hedgegrid.strategy.core.state import BotState, OrderPhase, WorkingOrder
from hedgegrid.venue.requests import MarketTrade
from tests.architecture.source_tree import python_files
from tests.property.strategy.styles import dual
from tests.property.strategy.world import ACCOUNT, INSTRUMENT, SYMBOL, World

D = Decimal
POSITION = {
    "symbol": SYMBOL,
    "category": "linear",
    "positionIdx": 2,
    "side": "Sell",
    "size": "0.016",
    "entryPrice": "60000",
    "markPrice": "60010",
    "liqPrice": "",
    "leverage": "10",
    "cumRealisedPnl": "-123.45",
    "seq": 7,
    "updatedTime": "1700000000000",
}


def frame(*rows: dict[str, object]) -> bytes:
    return msgspec.json.encode({"topic": "position", "id": "1", "creationTime": 1700000000000, "data": rows})


def positions(*rows: dict[str, object]) -> list[PositionChanged]:
    return [event for event in private_frame(frame(*rows), 1).events if isinstance(event, PositionChanged)]


def settled() -> World:
    """One level on each leg, take-profits resting."""
    world = World(3)
    world.come_to_rest()
    assert [len(leg.levels) for leg in world.state.legs] == [1, 1]
    return world


def settle(world: World) -> None:
    while world.waiting or world.feed:
        world.execute()
        world.deliver()


def take_profit(world: World, leg: Leg = Leg.LONG) -> WorkingOrder:
    order: WorkingOrder | None = world.state.legs[leg.value - 1].order(Purpose.TAKE_PROFIT, 0)
    assert order is not None
    return order


def submits(world: World, purpose: Purpose) -> list[SubmitOrder]:
    letter = f"{purpose.value}0"
    return [c for c in world.seen if isinstance(c, SubmitOrder) and letter in c.client_order_id.split("-")[2]]


def test_a_every_private_row_goes_to_its_own_symbol() -> None:
    told = positions({**POSITION}, {**POSITION, "symbol": "ETHUSDT", "size": "3"})
    assert [(event.symbol, event.qty) for event in told] == [(SYMBOL, D("0.016")), ("ETHUSDT", D(3))]


def test_b_the_demo_account_is_heard_on_its_own_host() -> None:
    socket = PrivateSocket(
        "demo", SecretStr("none"), SecretStr("none"), on_frame=lambda *_: None, on_lost=lambda *_: None
    )
    assert socket.endpoint == "wss://stream-demo.bybit.com/v5/private"


def test_c_the_take_profit_is_tracked_though_it_is_a_limit_order() -> None:
    order = take_profit(settled())
    assert (order.order_type, order.phase) == (OrderType.LIMIT, OrderPhase.LIVE)


def test_d_the_entry_price_of_the_position_topic_is_read() -> None:
    assert positions(POSITION)[0].entry_px == D(60000)


def test_e_a_closed_position_without_a_side_belongs_to_its_leg() -> None:
    [told] = positions({**POSITION, "side": "", "size": "0", "entryPrice": "0"})
    assert (told.leg, told.qty) == (Leg.SHORT, D(0))


def test_f_results_from_before_the_bot_are_its_baseline_and_no_profit() -> None:
    world = settled()
    world.move(D("0.5"))
    world.come_to_rest()
    before = world.venue.position(ACCOUNT, SYMBOL, 1).cum_realised_pnl
    assert before
    world.state = world.strategy.new_state(SYMBOL)
    world.ledger.clear()
    world.take(WorkerStarted(ts_event=world.now_ms))
    settle(world)
    assert next(row for row in world.ledger if isinstance(row, BaselineTaken)).cum_realised == before
    world.move(D("0.5"))
    settle(world)
    closed = [row for row in world.ledger if isinstance(row, CycleClosed) and row.leg is Leg.LONG]
    assert closed
    assert abs(closed[0].net) < abs(closed[0].qty * closed[0].entry_px)
    assert world.state.long.book.realised == world.venue.position(ACCOUNT, SYMBOL, 1).cum_realised_pnl - before


def test_g_execution_and_position_of_one_close_reopen_once() -> None:
    world = settled()
    entries = len(submits(world, Purpose.ENTRY))
    world.move(D("0.5"))
    told = list(world.feed)
    assert any(isinstance(event, OrderFilled) for event in told)
    assert any(isinstance(event, PositionChanged) for event in told)
    for event in [*told, *told]:
        world.take(event)
        world.tick()
    assert len([c for c in submits(world, Purpose.ENTRY)[entries:] if c.leg is Leg.LONG]) == 1
    assert len([row for row in world.ledger if isinstance(row, CycleClosed)]) == 1


def test_h_a_partial_fill_of_the_take_profit_keeps_the_rest() -> None:
    world = settled()
    order = take_profit(world)
    assert order.price is not None
    world.venue.on_trade(
        MarketTrade(symbol=SYMBOL, price=order.price, qty=D("3.004"), taker_side=Side.BUY, ts_ms=world.now_ms)
    )
    world.collect()
    settle(world)
    assert 0 < world.state.long.book.qty < order.qty
    assert not [row for row in world.ledger if isinstance(row, CycleClosed)]
    still = take_profit(world)
    assert still.client_order_id == order.client_order_id
    assert still.qty - still.cum_qty == world.state.long.book.qty


def test_i_a_failed_query_is_not_a_flat_account() -> None:
    world = settled()
    before = world.state.long.book
    world.gap()
    world.waiting.clear()
    failed = SnapshotFailed(
        symbol=SYMBOL,
        reason=SnapshotReason.GAP,
        request=world.state.request,
        text="timeout",
        ts_event=world.now_ms,
    )
    world.take(failed)
    world.tick()
    assert world.state.long.book == before
    assert not [c for c in world.waiting if isinstance(c, SubmitOrder)], "nothing is concluded from no answer"
    world.now_ms += 2_000
    world.tick()
    assert [type(c) for c in world.waiting] == [RequestSnapshot], "it asks again"


def test_j_nothing_that_hears_the_sockets_can_call_rest() -> None:
    guilty = [
        path.name
        for path in python_files("services/ws-gateway", "services/strategy")
        if "bybit.rest" in path.read_text(encoding="utf-8")
    ]
    assert not guilty


def test_k_the_guard_is_obeyed_without_any_news_of_the_wallet() -> None:
    world = settled()
    world.guard(RiskStage.NO_AVERAGING)
    empty = WalletChanged(
        equity=D(1),
        wallet_balance=D(1),
        available=None,
        im_rate=None,
        mm_rate=None,
        ts_event=world.now_ms,
        ts_init=world.now_ms,
    )
    world.take(empty)
    world.move(D("-0.3"))
    settle(world)
    world.tick()
    assert effective_state(world.state) is TradingState.TP_ONLY, "a wallet without a rate does not switch it off"
    assert not submits(world, Purpose.AVERAGING)


def test_l_every_order_has_an_id_a_price_on_the_tick_and_enough_value() -> None:
    world = World(5, dual(averaging_style="resting", resting_levels=3, initial_margin_usdt="0.01"))
    for _ in range(1000):
        world.act()
    orders = [c for c in world.seen if isinstance(c, SubmitOrder)]
    assert len({order.client_order_id for order in orders}) == len(orders) > 10
    for order in orders:
        assert INSTRUMENT.is_on_step(order.qty)
        assert order.price is None or INSTRUMENT.is_on_tick(order.price)
        assert order.qty * (order.price or world.price) >= INSTRUMENT.min_notional * D("0.99")


def test_m_an_emergency_stop_stays_stopped() -> None:
    world = settled()
    world.operate(TradingState.FLATTEN)
    settle(world)
    count = len(submits(world, Purpose.ENTRY))
    for move in ("0.3", "-0.3", "0.3"):
        world.move(D(move))
        settle(world)
        world.tick()
    assert world.state.trading_state is TradingState.HALTED
    assert len(submits(world, Purpose.ENTRY)) == count


def test_n_losing_the_private_socket_stops_the_bot() -> None:
    world = settled()
    world.take(FeedLost(feed="private", session=1, reason="closed", ts_event=world.now_ms))
    world.move(D("-0.3"))
    world.feed.clear()
    world.tick()
    assert not world.waiting
    assert not world.state.reconciled


def test_o_a_refused_emergency_close_is_tried_again() -> None:
    world = settled()
    world.operate(TradingState.FLATTEN)
    closes = submits(world, Purpose.CLOSE)
    assert len(closes) == 2
    world.waiting.clear()
    for close in closes:
        world.take(
            OrderRejected(
                symbol=SYMBOL,
                client_order_id=close.client_order_id,
                code=10016,
                reason="server error",
                ts_event=world.now_ms,
            )
        )
    assert str(world.state.trading_state) == "FLATTEN", "not done before it is flat"
    world.come_to_rest()
    assert len(submits(world, Purpose.CLOSE)) >= 4
    assert all(leg.book.qty == 0 for leg in world.state.legs)
    assert world.state.trading_state is TradingState.HALTED


def test_p_every_bot_of_the_account_flattens_at_the_word_and_not_at_its_next_tick() -> None:
    worlds = [settled(), settled()]
    for world in worlds:
        world.guard(RiskStage.FLATTEN)
        assert {c.leg for c in world.waiting if isinstance(c, SubmitOrder)} == set(Leg)


def test_q_nothing_is_opened_before_the_venue_said_what_it_holds() -> None:
    world = settled()
    state = world.strategy.new_state(SYMBOL)
    tick = world.quote(world.price, world.now_ms)
    for _ in range(3):
        decision = world.strategy.step(world.config, state, tick)
        state = decision.state
        assert not [c for c in decision.commands if isinstance(c, SubmitOrder)]


def test_r_levels_are_what_was_filled_and_not_what_was_expected() -> None:
    world = World(3)
    world.execute()
    while world.feed:
        world.deliver()
    world.tick()
    world.move(D("0.3"))  # between decision and fill
    settle(world)
    [level] = world.state.long.levels
    [fill] = [row for row in world.ledger if isinstance(row, FillBooked) and row.leg is Leg.LONG]
    assert level.px == fill.px != D(60000)


def test_s_stages_only_get_stricter_and_both_legs_know_their_side() -> None:
    strictness = list(TradingState)
    ranks = [strictness.index(effective_state(BotState(symbol=SYMBOL, stage=stage))) for stage in RiskStage]
    assert ranks == sorted(ranks)
    assert (Leg.LONG.sign, Leg.SHORT.sign) == (1, -1)


def test_t_no_history_of_restarts_doubles_an_order_or_loses_a_take_profit() -> None:
    world = settled()
    for _ in range(50):
        world.restart()
        settle(world)
        world.tick()
    resting = world.venue.orders_open(ACCOUNT, SYMBOL)
    assert len(resting) == 2
    world.check_at_rest()
    [gone] = [order for order in resting if order.position_idx == Leg.LONG.value]
    world.venue.cancel_all(ACCOUNT, SYMBOL, world.now_ms)
    world.venue.drain()  # the news is lost, and found missing at the restart
    world.restart()
    world.come_to_rest()
    world.check_at_rest()
    assert take_profit(world).client_order_id != gone.order_link_id


@pytest.mark.parametrize("leg", list(Leg))
def test_t_a_pending_fill_after_the_take_profit_is_booked_and_gets_its_own_exit(leg: Leg) -> None:
    world = World(3, dual(averaging_style="resting"))
    world.come_to_rest()
    world.move(D("0.5") * leg.sign)  # the take-profit fills
    fills = [event for event in world.feed if isinstance(event, OrderFilled) and event.leg is leg]
    for fill in fills:
        world.take(fill)
        world.feed.remove(fill)
    world.move(D("-1.2") * leg.sign)  # before the cancel of the next level arrives, it fills too
    world.come_to_rest()
    world.check_at_rest()
    assert any(isinstance(row, CycleClosed) and row.leg is leg for row in world.ledger)
