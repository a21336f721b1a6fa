"""Events → metrics: outcomes once per order whatever comes twice or late, and snapshots repair what was missed."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.domain.order import Leg
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import events as ev
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale
from hedgegrid.metrics.event_projection import EventProjection, reason_label
from hedgegrid.metrics.order_tracker import ENDED_KEPT
from hedgegrid.runtime.metric_names import Metrics
from tests.unit.metrics import sample
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS, d, order_id


def projected(*messages: Message) -> EventProjection:
    projection = EventProjection(ACCOUNT)
    for number, message in enumerate(messages, start=1):
        assert projection.apply(f"{number}-0", message)  # type: ignore[arg-type]
    return projection


def outcomes(projection: EventProjection, leg: str = "long") -> dict[str, int]:
    return {
        labels[-1]: int(value)
        for name, labels, value in projection.table.rows()
        if name == Metrics.orders.name and labels[:3] == (ACCOUNT, BTC, leg)
    }


def working(projection: EventProjection, leg: str = "long") -> int:
    return int(projection.table.get(Metrics.working_orders, ACCOUNT, BTC, leg) or 0)


def test_the_life_of_an_order_counts_each_outcome_once() -> None:
    life = (sample.acked(), sample.accepted(), sample.filled(), sample.filled(trade_id="t2"), sample.completed())
    assert outcomes(projected(*life)) == {"acked": 1, "accepted": 1, "filled": 1, "completed": 1}
    assert working(projected(*life)) == 0
    assert working(projected(*life[:3])) == 1


def test_events_said_twice_or_after_the_end_change_nothing() -> None:
    projection = projected(
        sample.acked(), sample.accepted(), sample.accepted(cum_qty=d("0.005")), sample.completed(), sample.completed(),
        sample.accepted(), sample.filled(), sample.acked(),
    )  # fmt: skip
    assert outcomes(projection) == {"acked": 1, "accepted": 1, "completed": 1, "filled": 1}
    assert working(projection) == 0


def test_refusals_count_and_take_their_leg_from_the_id() -> None:
    one, two, three = (order_id(n, Leg.SHORT) for n in (1, 2, 3))
    projection = projected(
        sample.rejected(one),
        sample.denied(two),
        sample.denied(three, command=ev.CommandKind.AMEND, reason=ev.DenyReason.STALE),
        ev.AmendRejected(symbol=BTC, client_order_id=three, ts_event=NOW_MS, code=1, reason="gone"),
    )
    assert outcomes(projection, "short") == {"rejected": 1, "denied": 1}
    assert projection.table.get(Metrics.orders_denied, ACCOUNT, BTC, "DRY_RUN") == 1
    assert projection.table.get(Metrics.orders_denied, ACCOUNT, BTC, "STALE") == 1


def test_foreign_orders_are_told_apart_by_the_venue_id() -> None:
    one, two = (sample.accepted("web", venue_order_id=v) for v in ("v1", "v2"))
    nameless = [msgspec.structs.replace(order, client_order_id="") for order in (one, two)]
    projection = projected(*nameless)
    assert working(projection) == 2


def test_a_snapshot_repairs_what_the_feed_missed() -> None:
    done, gone, kept, new = (order_id(n) for n in (1, 2, 3, 4))
    projection = projected(
        *(sample.accepted(name) for name in (done, gone, kept)),
        sample.snapshot(
            open_orders=(sample.accepted(kept), sample.accepted(new)),
            ended_orders=(sample.completed(done), sample.canceled(order_id(99))),
            positions=(sample.position(qty=d(7), seq=9),),
            wallet=sample.wallet(equity=d(5)),
        ),
    )
    assert outcomes(projection) == {"accepted": 4, "completed": 1}
    assert working(projection) == 2
    assert projection.table.get(Metrics.position_qty, ACCOUNT, BTC, "long") == 7
    assert projection.table.get(Metrics.wallet_equity, ACCOUNT) == 5
    assert projection.table.get(Metrics.snapshots, ACCOUNT, "reconnect", "ok") == 1


def test_an_order_that_ended_before_the_snapshot_arrived_stays_ended() -> None:
    projection = projected(sample.accepted(), sample.completed(), sample.snapshot(open_orders=(sample.accepted(),)))
    assert working(projection) == 0


def test_a_snapshot_of_one_symbol_leaves_the_others_alone() -> None:
    projection = projected(sample.accepted(), sample.snapshot(symbol="ETHUSDT"))
    assert working(projection) == 1


def test_an_older_view_of_a_position_or_wallet_is_ignored() -> None:
    projection = projected(
        sample.position(qty=d(2), seq=5),
        sample.position(qty=d(1), seq=4),
        sample.wallet(equity=d(2), ts_init=NOW_MS),
        sample.wallet(equity=d(1), ts_init=NOW_MS - 1),
    )
    assert projection.table.get(Metrics.position_qty, ACCOUNT, BTC, "long") == 2
    assert projection.table.get(Metrics.wallet_equity, ACCOUNT) == 2


def test_a_figure_the_margin_mode_lacks_is_not_shown_as_zero() -> None:
    projection = projected(sample.wallet(), sample.wallet(im_rate=None, available=None))
    assert projection.table.get(Metrics.initial_margin_rate, ACCOUNT) is None
    assert projection.table.get(Metrics.wallet_available, ACCOUNT) is None
    assert projection.table.get(Metrics.maintenance_margin_rate, ACCOUNT) == Decimal("0.02")


def test_feed_state_and_reconnects_by_session() -> None:
    lost = FeedLost(feed="private", session=1, reason="silent for 20 s: no pong", ts_event=NOW_MS)
    projection = projected(FeedConnected(feed="private", session=1, ts_event=NOW_MS), lost, lost)
    assert projection.table.get(Metrics.feed_up, "private", ACCOUNT) == 0
    assert projection.table.get(Metrics.feed_reconnects, "private", ACCOUNT, "silent for s") == 1
    again = (FeedConnected(feed="private", session=1, ts_event=NOW_MS + 1),)
    twice = projected(lost, *again, FeedLost(feed="private", session=1, reason="closed", ts_event=NOW_MS + 2))
    assert twice.table.get(Metrics.feed_reconnects, "private", ACCOUNT, "closed") == 1
    assert projected(lost, *again).table.get(Metrics.feed_up, "private", ACCOUNT) == 1
    stale = FeedStale(feed="private", session=2, age_ms=9000, ts_event=NOW_MS)
    assert projected(*again, stale).table.get(Metrics.feed_up, "private", ACCOUNT) == 0


def test_reasons_make_few_labels() -> None:
    assert reason_label("closed by peer 1006: goodbye 42") == "closed by peer"
    assert len(reason_label("x" * 500)) == 40


def test_latencies_only_from_complete_stamps() -> None:
    stamps: dict[str, Any] = {
        "cause_ns": 1_000_000,
        "decided_ns": 3_000_000,
        "sent_ns": 5_000_000,
        "acked_ns": 105_000_000,
    }
    projection = projected(sample.acked(**stamps), sample.acked(order_id(2), **(stamps | {"cause_ns": 0})))
    observed = [(name, round(seconds, 9)) for (name, _), seconds in projection.table.take_observed()]
    assert observed == [
        (Metrics.tick_to_decision.name, 0.002),
        (Metrics.tick_to_order_sent.name, 0.004),
        (Metrics.order_ack.name, 0.1),
        (Metrics.order_ack.name, 0.1),
    ]


def test_the_account_state_is_one_of_all() -> None:
    changed = ev.TradingStateChanged(symbol=None, state=TradingState.TP_ONLY, reason="r", actor="a", ts_event=NOW_MS)
    projection = projected(changed)
    for state in TradingState:
        expected = int(state is TradingState.TP_ONLY)
        assert projection.table.get(Metrics.trading_state, ACCOUNT, "", str(state)) == expected


def test_memory_of_ended_orders_is_bounded() -> None:
    messages = [sample.rejected(order_id(n)) for n in range(ENDED_KEPT + 50)]
    projection = projected(*messages)
    assert len(projection.memory.orders.ended) == ENDED_KEPT
    assert not projection.memory.orders.live
