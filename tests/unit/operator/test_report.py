"""The report's figures, and that each kind of violation is caught."""

from decimal import Decimal

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.messages.events import CommandKind, DenyReason, OrderAccepted, OrderDenied, OrderRejected
from hedgegrid.operator.report import build_report, differences, percentiles
from hedgegrid.operator.venue_books import rivals
from tests.unit.operator.books import (
    BTC,
    ENTRY,
    ORDERS,
    TAKE_PROFIT,
    account,
    ack,
    fill,
    link_id,
    order,
    own_books,
    venue_books,
)


def test_books_that_agree_give_the_whole_report() -> None:
    assert differences([account()]) == []
    assert build_report([account()], 12.3456) == {
        "bots": [
            {
                "account": "main",
                "symbol": "BTCUSDT",
                "ticks": 77,
                "orders_sent": 3,
                "orders_rejected": 0,
                "orders_denied": 0,
                "fills": 3,
                "cycles_closed": 1,
                "ledger": {
                    "long": {"realised": "5.709", "fees": "0.241", "funding": "0.05"},
                    "short": {"realised": "-0.33", "fees": "0.33", "funding": "0"},
                },
                "venue": {"long": {"cum_realised": "5.709"}, "short": {"cum_realised": "-0.33"}},
                "working_orders": 0,
                "position": {"long": "0", "short": "0.01"},
            }
        ],
        "rest_calls": {
            "startup": {"GET /v5/account/wallet-balance": 1},
            "steady": {"POST /v5/order/create": 3},
            "reconcile": {},
            "audit": {},
        },
        "latency_ms": {
            "tick_to_decision": {"p50": 1.0, "p99": 1.0, "p999": 1.0},
            "tick_to_order_sent": {"p50": 3.0, "p99": 4.0, "p999": 4.0},
        },
        "duplicates": 0,
        "lost_fills": 0,
        "doubled_fills": 0,
        "wall_s": 12.346,
    }


def test_rest_calls_add_up_over_accounts() -> None:
    report = build_report([account(), account()], 1)
    assert report["rest_calls"]["steady"] == {"POST /v5/order/create": 6}  # type: ignore[index]


def test_a_lost_fill_is_caught() -> None:
    spoilt = account(venue=venue_books(executions=("t1", "t2", "t3", "t4", "f1")))
    assert build_report([spoilt], 1)["lost_fills"] == 1
    assert differences([spoilt]) == ["main: 1 lost fills (t4)"]


def test_a_lost_funding_payment_is_a_lost_fill() -> None:
    spoilt = account(venue=venue_books(executions=("t1", "t2", "t3", "f1", "f2")))
    assert build_report([spoilt], 1)["lost_fills"] == 1


def test_a_fill_booked_twice_is_caught() -> None:
    own = own_books()
    own.apply_row(fill("t1", ENTRY, "0", "0"))
    spoilt = account(own)
    assert build_report([spoilt], 1)["doubled_fills"] == 1
    assert differences([spoilt]) == ["main: 1 fills booked twice (t1)"]


def test_a_fill_the_venue_never_made_is_caught() -> None:
    spoilt = account(venue=venue_books(executions=("t1", "t2", "f1")))
    assert differences([spoilt]) == ["main: 1 fills the venue does not know (t3)"]


def test_a_pnl_that_differs_in_the_last_digit_is_caught() -> None:
    spoilt = account(venue=venue_books(long_realised="5.70900001"))
    assert differences([spoilt]) == [
        "main BTCUSDT long: ledger realised 5.709, venue 5.70900001, difference 0.00000001"
    ]
    assert build_report([spoilt], 1)["lost_fills"] == 0


def test_a_pnl_on_a_symbol_without_a_bot_is_caught() -> None:
    own = own_books()
    stray = fill("t1", ENTRY, "1", "0")
    own.legs[("ETHUSDT", Leg.LONG)] = own.leg(BTC, Leg.LONG)
    assert stray.symbol == BTC
    assert len(differences([account(own)])) == 1


def test_an_order_id_accepted_twice_is_a_duplicate() -> None:
    spoilt = account(venue=venue_books(orders=(*ORDERS, order(ENTRY, 40, 50))))
    assert build_report([spoilt], 1)["duplicates"] == 1
    assert differences([spoilt]) == [f"main: 1 placed twice ({ENTRY})"]


def test_two_live_orders_in_one_slot_are_a_duplicate() -> None:
    twin = link_id(Purpose.ENTRY, 9)
    spoilt = account(venue=venue_books(orders=(*ORDERS, order(twin, 19, None))))
    assert build_report([spoilt], 1)["duplicates"] == 1
    assert differences([spoilt]) == [f"main: 1 placed twice ({ENTRY} beside {twin})"]


def test_orders_of_other_slots_or_of_other_times_are_no_rivals() -> None:
    assert not rivals(
        (
            order(link_id(Purpose.AVERAGING, 1, level=1), 0, None),
            order(link_id(Purpose.AVERAGING, 2, level=2), 0, None),
            order(link_id(Purpose.AVERAGING, 3, level=1, leg=Leg.SHORT), 0, None),
            order(link_id(Purpose.TAKE_PROFIT, 4, level=1), 0, 5),
            order(link_id(Purpose.TAKE_PROFIT, 5, level=1), 5, 5),
            order(link_id(Purpose.TAKE_PROFIT, 6, level=1), 5, None),
            order("placed-by-hand", 0, None),
            order("placed-by-hand-too", 0, None),
        )
    )


def test_of_three_live_orders_in_one_slot_each_pair_counts() -> None:
    assert len(rivals(order(link_id(Purpose.ENTRY, number), number, None) for number in range(3))) == 3


def test_working_orders_are_those_open_at_the_venue() -> None:
    resting = order(link_id(Purpose.AVERAGING, 7, level=3), 5, None)
    report = build_report([account(venue=venue_books(orders=(*ORDERS, resting)))], 1)
    assert report["bots"][0]["working_orders"] == 1  # type: ignore[index]


def test_refused_orders_are_told_apart_and_count_once() -> None:
    own = own_books()
    rejected = OrderRejected(symbol=BTC, client_order_id="r", ts_event=0, code=110007, reason="no balance")
    for event in (
        rejected,
        rejected,
        OrderRejected(symbol=BTC, client_order_id="never-arrived", ts_event=0, code=0, reason="not found"),
        OrderDenied(symbol=BTC, client_order_id="d", ts_event=0, command=CommandKind.SUBMIT, reason=DenyReason.HALTED),
        OrderDenied(symbol=BTC, client_order_id=ENTRY, ts_event=0, command=CommandKind.AMEND, reason=DenyReason.STALE),
        ack(ENTRY),
    ):
        own.apply_event(event)
    bot = build_report([account(own)], 1)["bots"][0]  # type: ignore[index]
    assert (bot["orders_sent"], bot["orders_rejected"], bot["orders_denied"]) == (4, 2, 1)


def test_an_order_whose_ack_was_lost_counts_as_sent() -> None:
    own = own_books()
    accepted = OrderAccepted(
        symbol=BTC,
        client_order_id=link_id(Purpose.AVERAGING, 8, level=1),
        ts_event=0,
        leg=Leg.LONG,
        venue_order_id="v",
        side=Leg.LONG.opening_side,
        qty=Decimal(1),
        price=Decimal(1),
        cum_qty=Decimal(0),
        reduce_only=False,
        ts_init=0,
    )
    own.apply_event(accepted)
    assert len(own.sent) == 4


def test_orders_no_tick_asked_for_have_no_latency() -> None:
    own = own_books()
    own.apply_event(ack(TAKE_PROFIT + "x", cause_ns=0))
    own.apply_event(ack(ENTRY, sent_ms=999))
    assert len(own.sending_ns) == 3


def test_percentiles_are_exact_ranks_of_the_samples() -> None:
    thousand = [number * 1_000_000 for number in range(1, 1001)]
    assert percentiles(reversed(thousand)) == {"p50": 500.0, "p99": 990.0, "p999": 999.0}
    assert percentiles([7_000_000]) == {"p50": 7.0, "p99": 7.0, "p999": 7.0}
    assert percentiles([]) == {"p50": None, "p99": None, "p999": None}
