"""Totals equal the plain sum of what was written, however often and in whatever pieces it was delivered."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.messages import ledger as lg
from hedgegrid.messages.base import Message
from hedgegrid.messages.events import AccountEvent
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.metrics.event_projection import EventProjection
from hedgegrid.metrics.ledger_projection import LedgerProjection
from hedgegrid.metrics.projection import Projection
from hedgegrid.metrics.table import Table
from hedgegrid.runtime.metric_names import Metrics
from tests.unit.metrics import sample
from tests.unit.metrics.sample import ACCOUNT, NOW_MS, order_id

SYMBOLS = ("BTCUSDT", "ETHUSDT")
PARTS = ("gross", "fees", "funding")

money = st.decimals(min_value=-1000, max_value=1000, places=8, allow_nan=False)
size = st.decimals(min_value="0.001", max_value=10, places=3, allow_nan=False)
symbols, legs = st.sampled_from(SYMBOLS), st.sampled_from(Leg)
ids = st.builds(order_id, st.integers(1, 6), legs)

fills = st.builds(
    sample.fill, symbol=symbols, leg=legs, gross=money, fee=money, qty=size, px=size, is_maker=st.booleans(),
    purpose=st.sampled_from([*Purpose, None]), level=st.integers(0, 5), cycle=st.integers(1, 4),
)  # fmt: skip
fundings = st.builds(sample.funding, symbol=symbols, leg=legs, amount=money)
closings = st.builds(sample.cycle_closed, symbol=symbols, leg=legs, cycle=st.integers(1, 4))
ledger_rows: st.SearchStrategy[lg.LedgerMessage] = fills | fundings | closings

feeds = st.builds(FeedConnected, feed=st.just("private"), session=st.integers(1, 3), ts_event=st.just(NOW_MS))
losses = st.builds(
    FeedLost, feed=st.just("private"), session=st.integers(1, 3), reason=st.just("closed"), ts_event=st.just(NOW_MS)
)
events: st.SearchStrategy[AccountEvent] = st.one_of(
    st.builds(sample.acked, ids),
    st.builds(sample.accepted, ids),
    st.builds(sample.filled, ids),
    st.builds(sample.completed, ids),
    st.builds(sample.canceled, ids),
    st.builds(sample.rejected, ids),
    st.builds(sample.denied, ids),
    st.builds(sample.position, symbol=symbols, leg=legs, qty=size, seq=st.integers(1, 9)),
    st.builds(sample.wallet, equity=money, ts_init=st.integers(NOW_MS, NOW_MS + 5)),
    st.builds(sample.snapshot, open_orders=st.lists(st.builds(sample.accepted, ids), max_size=3).map(tuple)),
    feeds,
    losses,
)


def straight(projection: Projection[Any], messages: list[Any]) -> Projection[Any]:
    for number, message in enumerate(messages, start=1):
        assert projection.apply(f"{number}-0", message)
    return projection


def redelivered(make: Callable[[], Projection[Any]], messages: list[Any], data: st.DataObject) -> Projection[Any]:
    """Deliver from any earlier point again and again, with restarts from what was saved, until all is in."""
    projection, done = make(), 0
    while done < len(messages):
        start = data.draw(st.integers(0, done), label="from")
        end = data.draw(st.integers(done + 1, len(messages)), label="to")
        for number in range(start, end):
            assert projection.apply(f"{number + 1}-0", messages[number]) is (number >= done)
        done = end
        if data.draw(st.booleans(), label="restart"):
            saved, projection = projection.dump(), make()
            projection.load(saved)
    return projection


@given(st.lists(ledger_rows, max_size=30), st.data())
def test_ledger_totals_are_the_same_under_redelivery_and_restart(
    rows: list[lg.LedgerMessage], data: st.DataObject
) -> None:
    expected = straight(LedgerProjection(ACCOUNT), rows)
    assert same(redelivered(lambda: LedgerProjection(ACCOUNT), rows, data), expected)


@given(st.lists(events, max_size=30), st.data())
def test_event_totals_are_the_same_under_redelivery_and_restart(rows: list[AccountEvent], data: st.DataObject) -> None:
    expected = straight(EventProjection(ACCOUNT), rows)
    assert same(redelivered(lambda: EventProjection(ACCOUNT), rows, data), expected)


@given(st.lists(ledger_rows, max_size=60))
def test_ledger_totals_equal_the_plain_sum(rows: list[lg.LedgerMessage]) -> None:
    table = straight(LedgerProjection(ACCOUNT), list(rows)).table
    for symbol in SYMBOLS:
        for leg in Leg:
            mine = [row for row in rows if row.symbol == symbol and getattr(row, "leg", None) is leg]
            booked = [row for row in mine if isinstance(row, lg.FillBooked)]
            paid = [row for row in mine if isinstance(row, lg.FundingBooked)]
            labels = (ACCOUNT, symbol, leg.word)
            sums = {part: table.get(Metrics.realised_pnl, *labels, part) or Decimal(0) for part in PARTS}
            assert sums["gross"] == sum(row.gross for row in booked)
            assert sums["fees"] == -sum(row.fee for row in booked)
            assert sums["funding"] == -sum(row.amount for row in paid)
            counted = [table.get(Metrics.fills, *labels, liquidity) or 0 for liquidity in ("maker", "taker")]
            assert sum(counted) == len(booked)
            assert (table.get(Metrics.fill_notional, *labels) or 0) == sum(row.qty * row.px for row in booked)
            closed = sum(isinstance(row, lg.CycleClosed) for row in mine)
            assert (table.get(Metrics.cycles, *labels) or 0) == closed


@given(st.lists(st.one_of(st.builds(sample.accepted, ids), st.builds(sample.completed, ids)), max_size=60))
def test_outcomes_equal_the_distinct_orders_that_had_them(rows: list[Message]) -> None:
    table = straight(EventProjection(ACCOUNT), list(rows)).table
    distinct = Counter(outcome for outcome, _ in {(type(row).__name__, row.client_order_id) for row in rows})  # type: ignore[attr-defined]
    assert outcome_sum(table, "accepted") == distinct["OrderAccepted"]
    assert outcome_sum(table, "completed") == distinct["OrderCompleted"]
    ended: set[str] = set()
    working: set[str] = set()
    for row in rows:
        name = row.client_order_id  # type: ignore[attr-defined]
        if type(row).__name__ == "OrderCompleted":
            ended.add(name)
            working.discard(name)
        elif name not in ended:
            working.add(name)
    shown = [table.get(Metrics.working_orders, ACCOUNT, "BTCUSDT", leg.word) or 0 for leg in Leg]
    assert sum(shown) == len(working)
    assert min(shown) >= 0


def outcome_sum(table: Table, outcome: str) -> int:
    return int(sum(v for name, labels, v in table.rows() if name == Metrics.orders.name and labels[-1] == outcome))


def same(one: Projection[Any], two: Projection[Any]) -> bool:
    return sorted(one.table.rows()) == sorted(two.table.rows()) and (one.memory, one.position) == (
        two.memory,
        two.position,
    )
