"""Take-profits, stop-losses and trailing stops: set with an order or on a position, and how they follow it."""

from decimal import Decimal as D

import pytest

from hedgegrid.domain.order import OrderType, Side
from hedgegrid.venue.conditions import StopOrderType, TpSl, TpSlMode, Trigger, TriggerDirection
from hedgegrid.venue.refusals import Refused
from hedgegrid.venue.reports import CancelType, CreateType, OrderReport, OrderStatus
from hedgegrid.venue.requests import Accepted, NewOrder, OrderChange
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, refused

FULL, PARTIAL = TpSlMode.FULL, TpSlMode.PARTIAL
TP, SL, TRAIL = StopOrderType.TAKE_PROFIT, StopOrderType.STOP_LOSS, StopOrderType.TRAILING_STOP


def buy(
    desk: Desk, qty: str, price: str | None = None, link: str = "", **tpsl: D | TpSlMode | OrderType
) -> Accepted | Refused:
    order = NewOrder(
        symbol="ABCUSDT",
        side=BUY,
        order_type=OrderType.LIMIT if price else OrderType.MARKET,
        qty=D(qty),
        price=D(price) if price else None,
        position_idx=1,
        order_link_id=link,
        **tpsl,  # type: ignore[arg-type]
    )
    return desk.venue.submit("a", order, desk.tick())


def stops(desk: Desk) -> dict[StopOrderType, OrderReport]:
    return {o.stop_order_type: o for o in desk.venue.orders_open("a") if o.stop_order_type is not StopOrderType.NONE}


def ended(desk: Desk) -> dict[StopOrderType, OrderReport]:
    return {o.stop_order_type: o for o in desk.venue.orders_closed("a")}


def test_attached_ones_are_made_when_the_order_fills() -> None:
    desk = Desk()
    answer = buy(desk, "2", "99", link="parent", take_profit=D(103), stop_loss=D(97))
    assert desk.order(answer).tpsl == TpSl(take_profit=D(103), stop_loss=D(97))
    assert stops(desk) == {}
    desk.print("98.9", "1.5", SELL)
    made = stops(desk)
    assert (made[TP].side, made[TP].qty, made[TP].reduce_only) == (SELL, D("1.5"), True)
    assert made[TP].trigger == Trigger(D(103), TriggerDirection.RISE)
    assert (made[SL].create_type, made[SL].parent_order_link_id) == (CreateType.BY_STOP_LOSS, "parent")
    desk.print("98.9", "1.5", SELL)
    assert {o.qty for o in stops(desk).values()} == {D(2)}
    row = desk.position(1)
    assert (row.take_profit, row.stop_loss, row.trailing_stop) == (D(103), D(97), D(0))


def test_when_one_half_fires_the_other_ends() -> None:
    for price, fired, other, cancel_type in (
        ("103", TP, SL, CancelType.SL_BY_TP),
        ("97", SL, TP, CancelType.TP_BY_SL),
    ):
        desk = Desk()
        buy(desk, "2", take_profit=D(103), stop_loss=D(97))
        desk.print(price, "1", BUY)
        assert desk.position(1).size == 0
        assert ended(desk)[fired].status is OrderStatus.FILLED
        assert (ended(desk)[other].status, ended(desk)[other].cancel_type) == (OrderStatus.DEACTIVATED, cancel_type)
        assert desk.venue.orders_open("a") == []


def test_they_grow_and_shrink_with_the_position_and_go_with_it() -> None:
    desk = Desk()
    buy(desk, "2")
    assert desk.protect(1, stop_loss="95", trailing_stop="3") is None
    buy(desk, "1")
    assert {o.qty for o in stops(desk).values()} == {D(3)}
    desk.market(SELL, 1, "2.5", reduce=True)
    assert {o.qty for o in stops(desk).values()} == {D("0.5")}
    desk.market(SELL, 1, "0.5", reduce=True)
    assert stops(desk) == {}
    assert {ended(desk)[kind].cancel_type for kind in (SL, TRAIL)} == {CancelType.BY_TPSL_CLEAR}


def test_a_position_that_turns_loses_its_stops() -> None:
    desk = Desk(hedge=False)
    desk.market(BUY, 0, "2")
    assert desk.protect(0, stop_loss="95") is None
    desk.market(SELL, 0, "3")
    assert desk.position(0).side is SELL
    assert stops(desk) == {}


def test_full_mode_changes_what_stands() -> None:
    desk = Desk()
    buy(desk, "2")
    assert desk.protect(1, take_profit="103", stop_loss="97") is None
    first = stops(desk)
    desk.venue.drain()
    assert desk.protect(1, take_profit="104") is None
    assert stops(desk)[TP].order_id == first[TP].order_id
    assert [r.order_id for r in desk.drain(OrderReport)] == [first[TP].order_id]
    assert desk.position(1).take_profit == 104
    assert refused(desk.protect(1, take_profit="104", stop_loss="97")) == 34040
    assert refused(desk.protect(1)) == 34040
    assert desk.protect(1, stop_loss="0") is None
    assert desk.position(1).stop_loss == 0
    assert refused(desk.protect(1, stop_loss="0")) == 34040
    assert refused(desk.protect(1, trailing_stop="0")) == 34040


def test_a_pair_set_together_is_cancelled_together_and_one_changed_alone_is_not() -> None:
    desk = Desk()
    buy(desk, "2")
    desk.protect(1, take_profit="103", stop_loss="97")
    desk.cancel(Accepted(stops(desk)[TP].order_id, ""))
    assert stops(desk) == {}
    desk.protect(1, take_profit="103", stop_loss="97")
    desk.protect(1, take_profit="104")
    desk.cancel(Accepted(stops(desk)[TP].order_id, ""))
    assert set(stops(desk)) == {SL}


def test_partial_pairs_are_added_and_end_together() -> None:
    desk = Desk()
    buy(desk, "3")
    for price in ("102", "103"):
        assert desk.protect(
            1, tpsl_mode=PARTIAL, take_profit=price, stop_loss="97", tp_size="1", sl_size="1",
            tp_order_type=OrderType.LIMIT, tp_limit_price=price,
        ) is None  # fmt: skip
    assert len(desk.venue.orders_open("a")) == 4
    desk.print("102", "1", BUY)
    resting = [o for o in desk.venue.orders_open("a") if o.status is OrderStatus.NEW]
    assert [(o.order_type, o.price, o.qty) for o in resting] == [(OrderType.LIMIT, D(102), D(1))]
    assert ended(desk)[StopOrderType.PARTIAL_STOP_LOSS].cancel_type is CancelType.SL_BY_TP
    assert desk.position(1).take_profit == 0
    desk.market(SELL, 1, "2.5", reduce=True)
    assert {o.qty for o in desk.venue.orders_open("a")} == {D("0.5")}


def test_an_order_s_partial_pair_is_for_what_it_filled() -> None:
    desk = Desk()
    buy(desk, "5")
    buy(desk, "2", "99", tpsl_mode=PARTIAL, take_profit=D(103))
    desk.print("98.9", "1", SELL)
    desk.print("98.9", "9", SELL)
    assert [(o.stop_order_type, o.qty) for o in desk.venue.orders_open("a")] == [
        (StopOrderType.PARTIAL_TAKE_PROFIT, D(2))
    ]


def test_twenty_partial_pairs_at_most() -> None:
    desk = Desk()
    buy(desk, "3")
    sizes = {"tp_size": "0.1", "sl_size": "0.1"}
    for _ in range(20):
        assert desk.protect(1, tpsl_mode=PARTIAL, take_profit="103", stop_loss="97", **sizes) is None
    assert refused(desk.protect(1, tpsl_mode=PARTIAL, take_profit="103", stop_loss="97", **sizes)) == 110061


def test_a_trailing_stop_follows_the_best_price() -> None:
    desk = Desk()
    buy(desk, "2")
    desk.print("100", "1", BUY)
    assert desk.protect(1, trailing_stop="2") is None
    for price in ("99", "101", "104", "102.5"):
        desk.print(price, "1", BUY)
    assert (desk.position(1).size, desk.position(1).trailing_stop) == (D(2), D(2))
    desk.print("102", "1", SELL)
    assert desk.position(1).size == 0
    assert ended(desk)[TRAIL].status is OrderStatus.FILLED


def test_a_trailing_stop_of_a_short_waits_for_its_activation_price() -> None:
    desk = Desk()
    desk.market(SELL, 2, "2")
    desk.print("100", "1", BUY)
    assert desk.protect(2, trailing_stop="1", active_price="98") is None
    for price in ("104", "98.5", "99.9"):
        desk.print(price, "1", BUY)
    assert desk.position(2).size == 2
    desk.print("97.5", "1", SELL)
    desk.print("98.4", "1", BUY)
    assert desk.position(2).size == 2
    desk.print("98.5", "1", BUY)
    assert desk.position(2).size == 0


@pytest.mark.parametrize(
    "wish",
    [
        {"take_profit": "99"},
        {"stop_loss": "101"},
        {"take_profit": "103.05"},
        {"trailing_stop": "0.05"},
        {"trailing_stop": "1", "active_price": "99"},
        {"take_profit": "103", "tp_order_type": OrderType.LIMIT, "tp_limit_price": "103"},
        {"tpsl_mode": PARTIAL, "take_profit": "103", "stop_loss": "97", "tp_size": "1", "sl_size": "2"},
        {"tpsl_mode": PARTIAL, "take_profit": "103"},
        {"tpsl_mode": PARTIAL, "take_profit": "103", "tp_size": "1", "tp_order_type": OrderType.LIMIT},
        {"tpsl_mode": PARTIAL, "take_profit": "103", "tp_size": "9"},
    ],
)
def test_a_wrong_trading_stop_is_refused_and_changes_nothing(wish: dict[str, str]) -> None:
    desk = Desk()
    buy(desk, "2")
    desk.venue.drain()
    assert refused(desk.protect(1, **wish)) in (10001, 110003, 110058)
    assert desk.venue.drain() == []


def test_a_flat_position_has_nothing_to_protect() -> None:
    assert refused(Desk().protect(1, stop_loss="95")) == 10001


@pytest.mark.parametrize(
    ("side", "tpsl"),
    [(BUY, {"take_profit": D(98)}), (BUY, {"stop_loss": D("99.5")}), (SELL, {"stop_loss": D(98)})],
)
def test_an_order_s_stops_must_lie_beyond_its_price(side: Side, tpsl: dict[str, D]) -> None:
    desk = Desk()
    order = NewOrder(
        symbol="ABCUSDT", side=side, order_type=OrderType.LIMIT, qty=D(1), price=D(99),
        position_idx=1 if side is BUY else 2, **tpsl,  # type: ignore[arg-type]
    )  # fmt: skip
    assert refused(desk.venue.submit("a", order, desk.tick())) == 10001


def test_what_an_order_brings_may_be_amended_until_it_fills() -> None:
    desk = Desk()
    answer = buy(desk, "2", "99", take_profit=D(103))

    def change(**terms: D) -> Accepted | Refused:
        wish = OrderChange(symbol="ABCUSDT", order_id=accepted(answer), **terms)  # type: ignore[arg-type]
        return desk.venue.amend("a", wish, desk.tick())

    accepted(change(take_profit=D(0), stop_loss=D(96)))
    assert desk.order(answer).tpsl == TpSl(stop_loss=D(96))
    assert refused(change(stop_loss=D(99))) == 10001
    desk.print("98.9", "1", SELL)
    assert refused(change(stop_loss=D(95))) == 110059
    assert set(stops(desk)) == {SL}
    assert refused(
        desk.venue.amend("a", OrderChange(symbol="ABCUSDT", order_id=stops(desk)[SL].order_id, qty=D(1)), desk.tick())
    ) == 110060  # fmt: skip


def test_terms_named_again_unchanged_do_not_hide_a_new_stop() -> None:
    desk = Desk()
    for answer in (buy(desk, "2", "99"), desk.stop(BUY, 1, "2", "101", price="101")):
        price = desk.order(answer).price
        change = OrderChange(symbol="ABCUSDT", order_id=accepted(answer), qty=D(2), price=price, stop_loss=D(95))
        accepted(desk.venue.amend("a", change, desk.tick()))
        assert desk.order(answer).tpsl == TpSl(stop_loss=D(95))
        assert refused(desk.venue.amend("a", change, desk.tick())) == 10001


def test_a_stop_closes_what_is_worth_less_than_the_minimum_order() -> None:
    desk = Desk()
    buy(desk, "2")
    desk.market(SELL, 1, "1.96", reduce=True)
    desk.protect(1, stop_loss="97")
    desk.print("97", "1", SELL)
    assert desk.position(1).size == 0


def test_partial_mode_leaves_the_stops_of_the_whole_alone() -> None:
    desk = Desk()
    buy(desk, "2")
    desk.protect(1, stop_loss="97")
    assert refused(desk.protect(1, tpsl_mode=PARTIAL, stop_loss="0")) == 34040
    assert desk.position(1).stop_loss == 97


def test_reduce_only_orders_bring_no_stops() -> None:
    desk = Desk()
    desk.market(SELL, 2, "2")
    order = NewOrder(
        symbol="ABCUSDT", side=BUY, order_type=OrderType.MARKET, qty=D(1), position_idx=2, reduce_only=True,
        take_profit=D(120),
    )  # fmt: skip
    assert refused(desk.venue.submit("a", order, desk.tick())) == 10001
