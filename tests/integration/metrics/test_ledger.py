"""The trade ledger on a real Redis: complete after downtime, a kill in any moment, a lost bookmark."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bus import codec
from hedgegrid.bus.reader import last_id
from hedgegrid.ledger import reading
from hedgegrid.ledger.reading import Selection
from hedgegrid.ledger.schema import LedgerUnusable, open_for_reading
from hedgegrid.messages.ledger import FillBooked
from hedgegrid.metrics import bookmarks
from hedgegrid.runtime.errors import ConfigError
from tests.integration.metrics.running import World, eventually
from tests.unit.metrics import sample

KILLS = 4
PER_KILL = 300


@pytest.fixture
def world(redis_url: str, tmp_path: Path) -> Iterator[World]:
    world = World(redis_url, ledger_path=tmp_path / "books" / "ledger.sqlite")
    yield world
    world.client.close()


def fills(*numbers: int) -> list[FillBooked]:
    return [sample.fill(trade_id=str(n), gross=Decimal(n) / 10**8, fee=Decimal("0.00000003")) for n in numbers]


def stored(world: World) -> set[int]:
    """Trade ids in the ledger."""
    assert world.ledger_path is not None
    try:
        with closing(open_for_reading(world.ledger_path)) as ledger:
            return {int(fill.trade_id) for fill in reading.fills(ledger, Selection())}
    except (LedgerUnusable, sqlite3.OperationalError):
        return set()


def bookmark(world: World) -> str:
    """Up to where whoever trims may take the ledger's stream for stored."""
    groups: Any = world.client.xinfo_groups(world.ledger)
    [own] = [group for group in groups if group["name"] == bookmarks.LEDGER.encode()]
    assert own["pending"] == 0
    position: bytes = own["last-delivered-id"]
    return position.decode()


def test_all_streams_are_stored_and_marked_and_downtime_is_caught_up(world: World) -> None:
    last = world.write(world.ledger, *fills(1, 2), sample.cycle_closed())[-1]
    world.write(world.events, sample.accepted(), sample.filled(), sample.position())
    world.write(world.commands, sample.submit())
    with world.running() as first:
        eventually(lambda: stored(world) == {1, 2})
        labels = {"stream": world.ledger, "reader": "metrics"}
        eventually(lambda: first.value("hedgegrid_stream_lag_entries", **labels) == 0)
    assert first.error is None
    assert bookmark(world) == last
    world.write(world.ledger, *fills(3, 4))
    with world.running() as second:
        eventually(lambda: stored(world) == {1, 2, 3, 4})
        eventually(second.counting)
    assert world.ledger_path is not None
    with closing(open_for_reading(world.ledger_path)) as ledger:
        tables = ("cycles", "executions", "order_events")
        counts = [ledger.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]  # noqa: S608
    assert counts == [1, 1, 2]


def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(world: World, tmp_path: Path) -> None:
    """The totals equal the stream's own after every kill."""
    dice = random.Random(5)
    written = 0
    for _ in range(KILLS):
        with world.process(tmp_path) as process:
            before = len(stored(world))
            world.write(world.ledger, *fills(*range(written, written + PER_KILL)))
            written += PER_KILL
            eventually(lambda: len(stored(world)) > before)  # noqa: B023 - it is called in this round only
            more = dice.randrange(PER_KILL)
            for number in range(written, written + more):
                world.write(world.ledger, *fills(number))
            written += more
            process.kill()
            process.wait(timeout=10)
    with world.running() as last:
        eventually(lambda: len(stored(world)) == written)
        eventually(last.counting)
    assert bookmark(world) == last_id(world.client, world.ledger)
    entries: Any = world.client.xrange(world.ledger)
    in_stream = [codec.decode_ledger(fields) for _, fields in entries]
    assert world.ledger_path is not None
    with closing(open_for_reading(world.ledger_path)) as ledger:
        booked = list(reading.fills(ledger, Selection()))
        assert ledger.execute("SELECT count(*) FROM refused").fetchone() == (0,)
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    expected = sum((row.gross - row.fee for row in in_stream if isinstance(row, FillBooked)), Decimal(0))
    assert sum((fill.gross - fill.fee for fill in booked), Decimal(0)) == expected
    assert len(booked) == len(in_stream) == written


def test_what_a_former_version_was_handed_through_the_group_is_stored(world: World) -> None:
    world.write(world.ledger, *fills(1, 2, 3, 4))
    world.client.xgroup_create(world.ledger, bookmarks.LEDGER, id="0")
    world.client.xreadgroup(bookmarks.LEDGER, "metrics", {world.ledger: ">"}, count=2)
    with world.running():
        eventually(lambda: stored(world) == {1, 2, 3, 4})
    assert bookmark(world) == last_id(world.client, world.ledger)


def test_a_bookmark_that_was_lost_is_made_anew_and_reading_again_changes_nothing(world: World) -> None:
    world.write(world.ledger, *fills(1, 2, 3))
    with world.running():
        eventually(lambda: stored(world) == {1, 2, 3})
    world.client.xgroup_destroy(world.ledger, bookmarks.LEDGER)
    world.write(world.ledger, *fills(4))
    with world.running() as again:
        eventually(lambda: stored(world) == {1, 2, 3, 4})
        assert again.value("hedgegrid_ledger_refused_total", account=world.account) in (None, 0)
    assert bookmark(world) == last_id(world.client, world.ledger)


def test_a_contradiction_is_counted_and_the_first_word_stands(world: World) -> None:
    with world.running() as metrics:
        world.write(
            world.ledger, sample.fill(trade_id="7", gross=Decimal(1)), sample.fill(trade_id="7", gross=Decimal(2))
        )
        eventually(lambda: metrics.value("hedgegrid_ledger_refused_total", account=world.account) == 1)
        eventually(lambda: stored(world) == {7})
    assert metrics.error is None


def test_a_file_that_is_no_ledger_stops_the_start_with_one_line(world: World) -> None:
    assert world.ledger_path is not None
    world.ledger_path.parent.mkdir()
    world.ledger_path.write_text("something else altogether, and precious to somebody")
    with pytest.raises(ConfigError, match="HEDGEGRID_LEDGER_PATH"), world.running():
        pass
    assert world.ledger_path.read_text().startswith("something else")
