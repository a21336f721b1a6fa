"""However entries reach the ledger - again, in other batches, streams in another order - the file says the same."""

import sqlite3
import tempfile
from collections import defaultdict
from contextlib import closing
from datetime import UTC
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.bus.reader import Entry
from hedgegrid.domain.order import Leg
from hedgegrid.ledger import reading
from hedgegrid.ledger.reading import Selection
from hedgegrid.ledger.schema import open_for_reading
from hedgegrid.messages.base import Message
from hedgegrid.messages.ledger import CycleClosed, FillBooked, FundingBooked
from hedgegrid.metrics.ledger_store import LedgerStore
from hedgegrid.operator.earnings import Period, curve, earnings, total
from tests.unit.metrics import sample
from tests.unit.metrics.sample import ACCOUNT, NOW_MS, order_id
from tests.unit.metrics.streamed import STREAMS, entry

TABLES = ("fills", "funding", "cycles", "executions", "order_events", "journal", "refused")

money = st.decimals(min_value=-1000, max_value=1000, places=8, allow_nan=False)


def filled(order: str, number: str) -> Message:
    """A trade belongs to one order."""
    return sample.filled(order, trade_id=f"{order}-{number}")


size = st.decimals(min_value="0.001", max_value=10, places=3, allow_nan=False)
symbols, legs = st.sampled_from(("BTCUSDT", "ETHUSDT")), st.sampled_from(Leg)
times = st.integers(NOW_MS, NOW_MS + 200_000_000)
ids = st.builds(order_id, st.integers(1, 6), legs)

fills = st.builds(sample.fill, symbol=symbols, leg=legs, gross=money, fee=money, qty=size, px=size, ts_event=times)
fundings = st.builds(sample.funding, symbol=symbols, leg=legs, amount=money, ts_event=times)
cycles = st.builds(sample.cycle_closed, symbol=symbols, leg=legs, net=money, ts_event=times)
events = st.one_of(
    st.builds(sample.accepted, ids, ts_event=times),
    st.builds(sample.completed, ids, ts_event=times),
    st.builds(filled, ids, st.sampled_from("abc")),
    st.builds(sample.position, symbol=symbols),
)


def numbered(rows: list[Message]) -> list[Message]:
    """Give every booked fact a trade id or cycle of its own, as the venue and the bots do."""
    numbers: list[Message] = []
    for number, row in enumerate(rows):
        match row:
            case FillBooked():
                numbers.append(sample.fill(**fields(row) | {"trade_id": f"t{number}"}))
            case FundingBooked():
                numbers.append(sample.funding(**fields(row) | {"trade_id": f"f{number}"}))
            case CycleClosed():
                numbers.append(sample.cycle_closed(**fields(row) | {"cycle": number}))
            case _:
                numbers.append(row)
    return numbers


def fields(row: Message) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__ if name != "v"}


booked = st.lists(st.one_of(fills, fundings, cycles), max_size=25).map(lambda rows: numbered(list(rows)))
told = st.lists(events, max_size=15)


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(open_for_reading(path)) as ledger:
        return {table: sorted(ledger.execute(f"SELECT * FROM {table}"), key=repr) for table in TABLES}  # noqa: S608


def deliver(path: Path, batches: list[tuple[str, list[Entry]]]) -> None:
    with closing(LedgerStore(path)) as store:
        for kind, entries in batches:
            store.store(ACCOUNT, STREAMS[kind], entries)


@settings(max_examples=60)
@given(booked, told, st.data())
def test_any_delivery_gives_the_same_file(rows: list[Message], news: list[Message], data: st.DataObject) -> None:
    streams = {
        "ledger": [entry("ledger", number, row) for number, row in enumerate(rows, start=1)],
        "events": [entry("events", number, row) for number, row in enumerate(news, start=1)],
    }
    batches = []
    for kind, entries in streams.items():
        while entries:
            size = data.draw(st.integers(1, len(entries)), label=f"batch of {kind}")
            batches.append((kind, entries[:size]))
            entries = entries[size:]
    again = data.draw(st.lists(st.sampled_from(batches), max_size=5), label="again") if batches else []
    shuffled = data.draw(st.permutations(batches + again), label="order")
    with tempfile.TemporaryDirectory() as folder:
        straight, other = Path(folder) / "straight", Path(folder) / "other"
        deliver(straight, list(streams.items()))
        deliver(other, list(shuffled))
        assert contents(other) == contents(straight)
        assert not contents(other)["refused"]


@settings(max_examples=60)
@given(booked)
def test_totals_of_any_report_equal_the_sum_over_the_stream(rows: list[Message]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        deliver(path, [("ledger", [entry("ledger", number, row) for number, row in enumerate(rows, start=1)])])
        with closing(open_for_reading(path)) as ledger:
            for period in Period:
                check_totals(ledger, rows, period)


def check_totals(ledger: sqlite3.Connection, rows: list[Message], period: Period) -> None:
    everything = Selection()
    stored = list(reading.fills(ledger, everything)), list(reading.fundings(ledger, everything))
    sums = earnings(*stored, reading.cycles(ledger, everything), period, UTC)
    expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        match row:
            case FillBooked():
                expected[row.symbol, row.leg.word] += row.gross - row.fee
            case FundingBooked():
                expected[row.symbol, row.leg.word] -= row.amount
    got: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for share, one in sums.items():
        got[share.symbol, share.leg] += one.net
    assert {key: value for key, value in got.items() if value} == {k: v for k, v in expected.items() if v}
    whole = total(sums.values())
    assert whole.net == sum(expected.values())
    assert len(whole.cycles) == sum(isinstance(row, CycleClosed) for row in rows)
    points = curve(*stored)
    assert (points[-1].net if points else 0) == whole.net
