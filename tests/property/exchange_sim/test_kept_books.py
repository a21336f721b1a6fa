"""Books that were kept are the books that were: to the byte, after any history, and in all that follows."""

from copy import deepcopy
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgegrid.exchange_sim.market.feed import MarketFeed
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.state.books import Books
from hedgegrid.exchange_sim.state.state_file import StateFile
from hedgegrid.venue.engine import Venue
from tests.property.venue.flow import DEPOSIT, SYMBOLS, Act, Flow, Run, fresh_venue, go_on

SNAPSHOT_EVERY_BYTES = 3000
"""A few dozen entries, so that histories have several snapshots."""


class Kept:
    """A fresh venue whose changes go into a file."""

    def __init__(self, path: Path) -> None:
        self.venue = fresh_venue()
        views = {symbol: SymbolView(self.venue.instrument(symbol), {}) for symbol in SYMBOLS}
        state = StateFile(path, SNAPSHOT_EVERY_BYTES)
        feed = MarketFeed(self.venue, views)
        self._step = state.keep(lambda: Books(self.venue, views), self.venue, feed)
        self._steps = 0

    def step(self, venue: Venue, act: Act) -> None:
        """Between two acts: the place where a snapshot may be taken."""
        self._steps += 1
        self._step(self._steps)


def whole(venue: Venue) -> bytes:
    """All that can be asked of a venue. Its queries open slots, so it is asked of a copy."""
    copy = deepcopy({name: value for name, value in vars(venue).items() if not callable(value)})
    bare = Venue.__new__(Venue)
    vars(bare).update(copy)
    told = [
        (
            bare.wallet(account),
            bare.positions(account),
            [bare.positions(account, symbol) for symbol in SYMBOLS],
            bare.orders_open(account),
            bare.orders_closed(account),
            bare.executions(account),
            bare.transactions(account),
        )
        for account in DEPOSIT
    ]
    return msgspec.json.encode([told, [bare.ticker(symbol) for symbol in SYMBOLS]])


def loaded(path: Path) -> Venue:
    books = StateFile(path).load()
    assert books is not None
    return books.venue


@given(seed=st.integers(0, 2**32), first=st.integers(0, 120), then=st.integers(1, 60))
@settings(max_examples=60)
def test_a_venue_that_was_loaded_goes_on_like_the_one_that_was_never_stopped(seed: int, first: int, then: int) -> None:
    flow = Flow(seed).acts(first + then)
    with TemporaryDirectory() as folder:
        kept = Kept(Path(folder, "books"))
        lived = go_on(Run(kept.venue), flow[:first], kept.step)
        again = Run(loaded(Path(folder, "books")), orders=deepcopy(lived.orders), batches=list(lived.batches))
        assert whole(again.venue) == whole(lived.venue)
        go_on(lived, flow[first:])
        go_on(again, flow[first:])
        assert again.answers == lived.answers[first:]
        assert msgspec.json.encode(again.reports()) == msgspec.json.encode(lived.reports())
        assert whole(again.venue) == whole(lived.venue)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30)
def test_wherever_the_log_is_torn_the_books_of_an_earlier_moment_are_whole(seed: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "books")
        kept = Kept(path)
        [log] = path.parent.glob("books.*.log")
        moments = {0: whole(kept.venue)}

        def note(venue: Venue, act: Act) -> None:
            if log.exists():
                moments[log.stat().st_size] = whole(venue)

        go_on(Run(kept.venue), Flow(seed).acts(12), note)
        raw = log.read_bytes()
        cut = Random(seed).randint(0, len(raw))
        log.write_bytes(raw[:cut])
        assert whole(loaded(path)) == moments[max(size for size in moments if size <= cut)]
