"""The state file: what is written down, what is refused, and when its format must change."""

import hashlib
import inspect
import io
import pickle
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.state.books import COMMANDS, FIRST_LOOKS, MARKET
from hedgegrid.exchange_sim.state.state_file import FORMAT, StateFile
from hedgegrid.exchange_sim.synthetic import Regime, SyntheticSource, Walked
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.queries import Queries
from tests.property.exchange_sim.test_kept_books import Kept
from tests.property.venue.flow import Flow, Run, go_on

READS = {
    "accounts", "drain", "executions", "has_reports", "instrument", "instruments", "order_by_id", "order_by_link",
    "orders_closed", "orders_open", "phase", "risk_limits", "ticker", "transactions", "wallet",
}  # fmt: skip


def test_every_method_of_the_venue_is_written_down_or_changes_nothing() -> None:
    public = {name for name, _ in inspect.getmembers(Venue) if not name.startswith("_")}
    assert public == COMMANDS | MARKET | FIRST_LOOKS | READS
    assert set(dir(Queries)) >= FIRST_LOOKS


def test_no_file_is_no_books(tmp_path: Path) -> None:
    assert StateFile(tmp_path / "books").load() is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"something else", "not a state file of this program"),
        (b"hedgegrid exchange-sim state 0 1\nx", f"of format 0, not {FORMAT}; remove it to begin anew"),
    ],
)
def test_what_is_no_state_of_this_version_is_refused_in_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "books").write_bytes(content)
    with pytest.raises(StartError, match=expected):
        StateFile(tmp_path / "books").load()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"--state .*No such file"):
        Kept(tmp_path / "nowhere" / "books")


def market(regime: Regime, begin: Walked | None = None) -> SyntheticSource:
    listings = load_listings(None)
    rules = [listings[symbol].rules for symbol in ("BTCUSDT", "ETHUSDT")]
    return SyntheticSource(rules, {one.symbol: listings[one.symbol].synthetic_price for one in rules}, regime, 5, begin)


def test_a_synthetic_market_goes_on_where_it_stood() -> None:
    source = market(Regime.GAP)
    events = source.events()
    before = list(islice(events, 700))
    stood = source.walked((before[-1].ts_ms - before[0].ts_ms) // 100)
    from_there = [event for event in before if event.ts_ms >= before[-1].ts_ms] + list(islice(events, 900))
    again = market(Regime.GAP, stood)
    assert list(islice(again.events(), 900)) == from_there[:900]
    at = from_there[0].ts_ms + 40 * 100
    later = [event for event in from_there if event.ts_ms >= at][:50]
    assert list(islice(again.skipped(40).events(), 50)) == later


class _Shapes(pickle.Pickler):
    """Names of the classes that go into a pickle, with the fields that their objects have there."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), pickle.HIGHEST_PROTOCOL)
        self.found: dict[str, set[str]] = {}

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, type) and type(obj).__module__.startswith("hedgegrid."):
            fields = self.found.setdefault(type(obj).__qualname__, set())
            fields |= set(getattr(obj, "__struct_fields__", ())) | set(getattr(obj, "__dict__", ()))
            for base in type(obj).__mro__:
                fields |= set(getattr(base, "__slots__", ()))
        return NotImplemented


def test_the_format_counts_up_when_what_is_kept_changes_its_shape(tmp_path: Path) -> None:
    """If this fails, books kept by the last release cannot be read: raise FORMAT and write the new digest here."""
    kept = Kept(tmp_path / "books")
    go_on(Run(kept.venue), Flow(3).acts(400))
    books = StateFile(tmp_path / "books").load()
    assert books is not None
    for event in islice(market(Regime.CHOP).events(), 40):
        SymbolView.apply(books.views["ABCUSDT"], event)
    source = market(Regime.CHOP)
    next(source.events())
    shapes = _Shapes()
    shapes.dump(replace(books, walked=source.walked(0)))
    text = repr(sorted((name, sorted(fields)) for name, fields in shapes.found.items()))
    assert len(shapes.found) > 15
    assert {FORMAT: hashlib.sha256(text.encode()).hexdigest()[:16]} == {1: "6e866c71018a6752"}
