"""Facts enter the ledger whole and once; what contradicts or cannot be read is kept apart."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bus.reader import Entry
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.ledger import reading
from hedgegrid.ledger.reading import Selection
from hedgegrid.ledger.schema import MIGRATIONS, LedgerUnusable, migrate, open_for_reading, open_for_writing, version_of
from hedgegrid.messages.base import Message
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import OrderFilled, SnapshotReason
from hedgegrid.messages.ledger import (
    BaselineTaken,
    CycleClosed,
    DifferenceFound,
    FillBooked,
    FundingBooked,
    StateChanged,
)
from hedgegrid.metrics.ledger_rows import rows_of
from hedgegrid.metrics.ledger_store import LedgerStore
from tests.unit.metrics import sample
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS
from tests.unit.metrics.streamed import STREAMS, entry

ALL = Selection()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[LedgerStore]:
    with closing(LedgerStore(path)) as store:
        yield store


def put(store: LedgerStore, kind: str, *messages: Message, first: int = 1) -> int:
    entries = [entry(kind, first + number, message) for number, message in enumerate(messages)]
    return store.store(ACCOUNT, STREAMS[kind], entries)


def rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(open_for_reading(path)) as ledger:
        return ledger.execute(statement).fetchall()


def state_changed(**given: object) -> StateChanged:
    fields = {"symbol": BTC, "ts_event": NOW_MS, "state": TradingState.HALTED, "reason": "too much", "actor": "bot"}
    return StateChanged(**(fields | given))  # type: ignore[arg-type]


def test_money_comes_back_to_the_last_digit(store: LedgerStore, path: Path) -> None:
    put(store, "ledger", sample.fill(fee=Decimal("-0.00000001"), gross=Decimal("123456789.12345678")))
    put(store, "ledger", sample.funding(amount=Decimal("1E-8")), first=2)
    put(store, "ledger", sample.cycle_closed(net=Decimal("4.80000001")), first=3)
    put(store, "events", sample.filled())
    with closing(open_for_reading(path)) as ledger:
        [fill] = reading.fills(ledger, ALL)
        [paid] = reading.fundings(ledger, ALL)
        [cycle] = reading.cycles(ledger, ALL)
    assert (fill.fee, fill.gross, fill.is_maker) == (Decimal("-0.00000001"), Decimal("123456789.12345678"), True)
    assert (fill.side, fill.leg, fill.purpose) == ("Buy", "long", "E")
    assert paid.amount == Decimal("0.00000001")
    assert cycle.net == Decimal("4.80000001")


def test_every_field_of_a_money_row_is_a_column(path: Path) -> None:
    with closing(open_for_writing(path)) as ledger:
        for kind, table in ((FillBooked, "fills"), (FundingBooked, "funding"), (CycleClosed, "cycles")):
            columns = {row[1] for row in ledger.execute(f"PRAGMA table_info({table})")}
            fields = {"ts_ms" if name == "ts_event" else name for name in kind.__struct_fields__} - {"v"}
            assert columns == fields | {"account"}


def test_a_fact_told_twice_is_stored_once_and_a_contradiction_is_kept_apart(store: LedgerStore, path: Path) -> None:
    one, other = sample.fill(gross=Decimal(1)), sample.fill(gross=Decimal(2))
    assert put(store, "ledger", one, one) == 0
    assert put(store, "ledger", one, first=3) == 0
    assert put(store, "ledger", other, first=4) == 1
    assert put(store, "ledger", other, first=4) == 0, "the same entry again is no news"
    assert rows(path, "SELECT gross FROM fills") == [("1",)]
    [(reason,)] = rows(path, "SELECT reason FROM refused")
    assert "gross 1 then 2" in str(reason)


def test_an_unreadable_entry_is_kept_and_the_next_one_stored(store: LedgerStore, path: Path) -> None:
    stream = STREAMS["ledger"]
    bad = [Entry(stream.name, "1-0", {b"__data__": b"\xff{"}), Entry(stream.name, "2-0", {})]
    assert store.store(ACCOUNT, stream, [*bad, entry("ledger", 3, sample.fill())]) == 2
    assert rows(path, "SELECT entry_id, raw FROM refused ORDER BY entry_id") == [("1-0", "\\xff{"), ("2-0", "")]
    assert rows(path, "SELECT count(*) FROM fills") == [(1,)]


def test_a_failed_batch_leaves_nothing(store: LedgerStore, path: Path) -> None:
    class Torn(Exception):
        pass

    def torn() -> Iterator[Entry]:
        yield entry("ledger", 1, sample.fill())
        raise Torn

    with pytest.raises(Torn):
        store.store(ACCOUNT, STREAMS["ledger"], torn())
    assert rows(path, "SELECT count(*) FROM fills") == [(0,)]
    assert put(store, "ledger", sample.fill()) == 0
    assert rows(path, "SELECT count(*) FROM fills") == [(1,)]


def test_the_life_of_an_order(store: LedgerStore, path: Path) -> None:
    put(store, "commands", sample.submit(issued_ms=NOW_MS - 2))
    put(store, "events", sample.acked(ts_event=NOW_MS - 1), sample.accepted(), sample.filled(), sample.completed())
    put(store, "events", sample.snapshot(ended_orders=(sample.completed(),), executions=(sample.filled(),)), first=9)
    kinds = [row[0] for row in rows(path, "SELECT kind FROM order_events ORDER BY ts_ms, kind")]
    assert kinds == ["SubmitOrder", "OrderAcked", "OrderAccepted", "OrderCompleted"], "REST repeats are one row"
    assert rows(path, "SELECT trade_id, side, qty FROM executions") == [("t1", "Buy", "0.01")]


def test_changes_of_state_and_wishes_are_kept_whole(store: LedgerStore, path: Path) -> None:
    put(store, "ledger", state_changed(), BaselineTaken(symbol=BTC, ts_event=NOW_MS, leg=1, cum_realised=Decimal(0)))  # type: ignore[arg-type]
    wish = SetTradingState(symbol=None, state=TradingState.HALTED, actor="me", reason="", ts_event=NOW_MS)
    put(store, "control", wish)
    changes = rows(path, "SELECT symbol, ts_ms, state, reason, actor FROM state_changes")
    assert changes == [(BTC, NOW_MS, "HALTED", "too much", "bot")]
    assert [row[0] for row in rows(path, "SELECT kind FROM journal ORDER BY kind")] == [
        "BaselineTaken", "SetTradingState", "StateChanged",
    ]  # fmt: skip


def test_executions_that_no_bot_booked_and_differences_are_doubts(store: LedgerStore, path: Path) -> None:
    born = BaselineTaken(symbol=BTC, ts_event=NOW_MS, leg=1, cum_realised=Decimal(0))  # type: ignore[arg-type]
    late: dict[str, Any] = {"ts_event": NOW_MS + 1}
    put(store, "events", sample.filled(trade_id="before"), sample.filled(trade_id="t1", **late))
    put(store, "events", sample.filled(trade_id="t2", **late), first=3)
    put(store, "ledger", born, sample.fill(trade_id="t1", **late))
    amounts = {"ours": Decimal(1), "venue": Decimal(2), "amount": Decimal(1)}
    put(store, "ledger", DifferenceFound(symbol=BTC, leg=1, **late, **amounts), first=9)  # type: ignore[arg-type]
    with closing(open_for_reading(path)) as ledger:
        assert reading.doubts(ledger, ALL) == reading.Doubts(refused=0, unbooked=1, differences=1)
        assert reading.doubts(ledger, Selection(account="other")).unbooked == 0


@pytest.mark.parametrize(
    "message",
    [
        sample.acked(), sample.rejected(), sample.denied(), sample.accepted(), sample.filled(), sample.completed(),
        sample.canceled(), sample.submit(),
    ],
    ids=lambda message: type(message).__name__,
)  # fmt: skip
def test_every_news_of_an_order_is_stored(message: Message) -> None:
    [row] = rows_of(ACCOUNT, "s", "1-0", message)
    assert row.table == ("executions" if isinstance(message, OrderFilled) else "order_events")
    assert row.values["symbol"] == BTC


def test_figures_of_the_moment_are_not_stored() -> None:
    for passing in (sample.position(), sample.wallet(), sample.snapshot(reason=SnapshotReason.AUDIT)):
        assert list(rows_of(ACCOUNT, "s", "1-0", passing)) == []


def test_a_file_is_brought_up_to_date_step_by_step(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        migrate(ledger, MIGRATIONS, NOW_MS)
        ledger.execute("INSERT INTO refused VALUES ('a', 's', '1-0', 'r', '')")
        later = (*MIGRATIONS, "ALTER TABLE refused ADD COLUMN seen INTEGER;")
        migrate(ledger, later, NOW_MS + 1)
        assert ledger.execute("SELECT * FROM refused").fetchall() == [("a", "s", "1-0", "r", "", None)]
        assert ledger.execute("SELECT * FROM schema_version").fetchall() == [(1, NOW_MS), (2, NOW_MS + 1)]
        migrate(ledger, later, NOW_MS + 2)
        assert version_of(ledger) == 2


def test_a_failed_migration_leaves_the_file_as_it_was(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as ledger:
        migrate(ledger, MIGRATIONS, NOW_MS)
        broken = (*MIGRATIONS, "CREATE TABLE more (x INTEGER); CREATE TABLE fills (x INTEGER);")
        with pytest.raises(sqlite3.OperationalError):
            migrate(ledger, broken, NOW_MS)
        assert version_of(ledger) == len(MIGRATIONS)
        assert ledger.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)


def test_a_file_that_is_not_ours_is_refused_with_one_clear_line(path: Path) -> None:
    with pytest.raises(LedgerUnusable, match="no ledger at"):
        open_for_reading(path)
    with closing(open_for_writing(path)) as ledger:
        ledger.execute("INSERT INTO schema_version VALUES (99, 0)")
    with pytest.raises(LedgerUnusable, match="version 99, this program knows 1"):
        open_for_writing(path)
    with pytest.raises(LedgerUnusable, match="version 99, this program reads 1"):
        open_for_reading(path)
    path.write_text("no database at all, but long enough to be looked at as one")
    with pytest.raises(LedgerUnusable, match="name another file"):
        open_for_writing(path)
    with pytest.raises(LedgerUnusable, match="cannot be read as a ledger"):
        open_for_reading(path)
    with pytest.raises(LedgerUnusable, match="cannot be opened"):
        open_for_writing(path / "below" / "a-file")


def test_the_operator_cannot_write(store: LedgerStore, path: Path) -> None:
    put(store, "ledger", sample.fill())
    with closing(open_for_reading(path)) as ledger, pytest.raises(sqlite3.OperationalError, match="readonly"):
        ledger.execute("DELETE FROM fills")
