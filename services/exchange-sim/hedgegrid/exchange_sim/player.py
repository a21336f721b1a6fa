"""Plays the market: steps of 100 ms venue time go into the venue, then out to the subscribers.

A path point of a bar is a step of its own. Within a step trades and quotes reach the venue one by one; the private
pushes they cause leave before the public ones.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from itertools import chain
from typing import Protocol

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.exchange_sim.clock import Speed, VenueClock, wall_ms
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.market.feed import MarketFeed
from hedgegrid.exchange_sim.market.publisher import Publisher
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.market_events import Events, MarketEvent, on_tick, scaled, shifted
from hedgegrid.tapes.lines import TapeError
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import MarketQuote, MarkPrice

STEP_MS = 100
ONE = Decimal(1)
LONGEST_SLEEP_S = 0.25
FAR_MS = 1 << 53
"""Beyond every market: the clock runs freely."""


class Source(Protocol):
    """A market: which symbols, which of them come with a mark price, and its events from the start."""

    @property
    def symbols(self) -> frozenset[str]: ...

    @property
    def marked(self) -> frozenset[str]: ...

    def events(self) -> Events: ...


class Pace(Protocol):
    """Back-pressure at maximum speed: returns once everything up to `venue_ms` has been dealt with downstream."""

    async def settled(self, venue_ms: int) -> None: ...


class FreeRun:
    """No back-pressure."""

    async def settled(self, venue_ms: int) -> None:
        """At once, but lets other work of the loop run."""
        await asyncio.sleep(0)


class Player:
    """Owns the order in which the market reaches the venue and its subscribers.

    `steps` and `ticks` count what was played; `ended` when the tape is over; `failure` holds what broke it. `pace`,
    `before_step` (told the venue time) and `is_live` (the tape is followed by `play_live`) may be set before the start.
    """

    def __init__(
        self,
        source: Source,
        venue: Venue,
        views: Mapping[str, SymbolView],
        publisher: Publisher,
        flush: Callable[[], None],
        *,
        speed: Speed,
        epoch_ms: int | None = None,
        not_before_ms: int = 0,
    ) -> None:
        """`epoch_ms`: when the market begins, the moment of its start without; never before `not_before_ms`.

        Reads ahead until every symbol has a quote and a mark, so that tickers have prices before the start.

        Raises:
            StartError: the tape ends before that; TapeError: it cannot be read.
        """
        self.steps = 0
        self.ticks = 0
        self.ended = False
        self.failure: Exception | None = None
        self.is_live = False
        self.before_step: Callable[[int], object] | None = None
        self._started_ms = 0
        self._marked = source.marked
        self.market = MarketFeed(venue, views)
        self._views = views
        self._publisher = publisher
        self._flush = flush
        self.pace: Pace = FreeRun()
        self._speed = speed
        self._running = asyncio.Event()
        self._credit_at = 0.0
        self._begun = False
        self.clock = VenueClock(speed, wall=lambda: max(wall_ms() if epoch_ms is None else epoch_ms, not_before_ms))
        events = source.events()
        first = next(events, None)
        if first is None:
            raise StartError("the tape is empty")
        self._first_ms = first.ts_ms
        self._shift_ms = self.clock.now_ms() - first.ts_ms
        recorded = self._primed(chain([first], events), source.symbols)
        self._steps = _steps(shifted(event, self._shift_ms) for event in recorded)
        self._silent: set[str] = set()
        self._repriced: dict[str, Instrument] = {}
        self._factors: dict[str, Decimal] = {}
        self._next: tuple[int, list[MarketEvent]] | None = None

    @property
    def running(self) -> bool:
        return self._running.is_set()

    @property
    def elapsed_s(self) -> float:
        """Venue seconds since the first start; 0 before it."""
        return (self.clock.now_ms() - self._started_ms) / 1000 if self._begun else 0.0

    def start(self) -> None:
        """Begin, or go on after a pause; the tape's first event happens at the moment of the first start."""
        if not self._running.is_set():
            now_ms = self.clock.start()
            if not self._begun:
                self._begun = True
                self._started_ms = now_ms
                self._shift_ms = now_ms - self._first_ms
            self._credit_at = asyncio.get_running_loop().time()
            self._running.set()

    def pause(self) -> None:
        """Stop time and market after the current step; orders are still taken."""
        self.clock.stop()
        self._running.clear()

    def play_now(self, steps: int) -> int:
        """Play steps at once while paused or not yet started; how many there were."""
        if not self._begun:
            self.start()
            self.pause()
        for played in range(steps):
            step = self._peek()
            if step is None:
                self.ended = True
                return played
            self._next = None
            self._play(*step)
        return steps

    def silence(self, symbol: str) -> None:
        """No market of this symbol from now on."""
        self._silent.add(symbol)

    def reprice(self, rules: Instrument) -> None:
        """Put the market's prices on the tick of these rules, from the quote that stands on."""
        self._repriced[rules.symbol] = rules
        quote = self._views[rules.symbol].quote
        if quote is not None:
            self.market.take(on_tick(quote, rules))

    def jump(self, symbol: str, factor: Decimal) -> None:
        """Multiply the market's prices, from the quote and the mark that stand on."""
        view = self._views[symbol]
        self._factors[symbol] = self._factors.get(symbol, ONE) * factor
        rules = self._repriced.setdefault(symbol, view.rules)
        for standing in (view.quote, view.mark):
            if standing is not None:
                self.market.take(on_tick(scaled(standing, factor), rules))

    def _adapted(self, events: list[MarketEvent]) -> list[MarketEvent]:
        return [self._adapt(event) for event in events if event.symbol not in self._silent]

    def _adapt(self, event: MarketEvent) -> MarketEvent:
        rules = self._repriced.get(event.symbol)
        if rules is None:
            return event
        return on_tick(scaled(event, self._factors.get(event.symbol, ONE)), rules)

    def play_live(self, events: list[MarketEvent]) -> None:
        """Play what has just come in; while paused, or before the tape that precedes it is over, it is lost."""
        if self._running.is_set() and self.clock.ceiling_ms == FAR_MS:
            now_ms = self.clock.now_ms()
            self._play(now_ms, [msgspec.structs.replace(event, ts_ms=now_ms) for event in events])

    async def run(self) -> None:
        """Play to the end of the tape; a tape that breaks ends it with `failure` set."""
        await self._running.wait()
        try:
            while (step := self._peek()) is not None:
                at_ms, events = step
                await self._until(events[0].ts_ms, at_ms)
                if self._next is step:  # else it was played by hand while this one waited
                    self._next = None
                    self._play(at_ms, events)
            self.ended = not self.is_live
            self.clock.ceiling_ms = FAR_MS if self.is_live else self.clock.ceiling_ms
        except (StartError, TapeError) as error:
            self.failure = error
            raise

    def _peek(self) -> tuple[int, list[MarketEvent]] | None:
        """The step to be played next; None at the end."""
        if self._next is None:
            self._next = next(self._steps, None)
        return self._next

    async def _until(self, first_ms: int, at_ms: int) -> None:
        """Wait for the step's time, the pace, and while paused; meanwhile the clock stays at its first event."""
        await self._running.wait()
        self.clock.ceiling_ms = first_ms
        while True:
            await self.pace.settled(self.clock.now_ms())
            await self._running.wait()
            wait_s = self.clock.wait_s(at_ms)
            if self._speed.ticks_per_s is not None:
                wait_s = self._credit_at - asyncio.get_running_loop().time()
            if wait_s <= 0:
                return
            await asyncio.sleep(min(wait_s, LONGEST_SLEEP_S))

    def _play(self, at_ms: int, events: list[MarketEvent]) -> None:
        self.clock.reached(at_ms)
        if self.before_step is not None:
            self.before_step(at_ms)
        if self._silent or self._repriced:
            events = self._adapted(events)
        touched = dict.fromkeys(event.symbol for event in events)
        for event in events:
            self.market.take(event)
        for symbol in touched:
            self._mark(symbol, at_ms)
        self._flush()
        ticks = self._publisher.publish(touched, at_ms)
        self.steps += 1
        self.ticks += ticks
        if self._speed.ticks_per_s is not None:
            self._credit_at += ticks / self._speed.ticks_per_s

    def _mark(self, symbol: str, at_ms: int) -> None:
        """A symbol whose tape tells no mark price is marked at the middle of its quote."""
        view = self._views[symbol]
        if symbol in self._marked:
            return
        mid = view.mid()
        if mid is not None and (view.mark is None or view.mark.mark_px != mid):
            self.market.take(MarkPrice(symbol=symbol, mark_px=mid, index_px=mid, ts_ms=at_ms))

    def _primed(self, events: Events, symbols: frozenset[str]) -> Events:
        """Load the first quote and mark of each symbol; what was read ahead is played again at its time."""
        read: list[MarketEvent] = []
        missing = set(symbols)
        for event in events:
            read.append(event)
            symbol = event.symbol
            if symbol in missing and isinstance(event, MarketQuote | MarkPrice):
                view = self._views[symbol]
                known = view.quote if isinstance(event, MarketQuote) else view.mark
                if known is None:
                    self.market.take(shifted(event, self._shift_ms))
                self._mark(symbol, event.ts_ms + self._shift_ms)
                if view.is_priced:
                    missing.discard(symbol)
            if not missing:
                return chain(read, events)
        raise StartError(f"{', '.join(sorted(missing))}: the tape holds no quote and mark price to start from")


def _steps(events: Events) -> Iterator[tuple[int, list[MarketEvent]]]:
    """Events of the same 100 ms together, with the time of the last one."""
    bucket: list[MarketEvent] = []
    number = -1
    for event in events:
        if event.ts_ms // STEP_MS != number and bucket:
            yield bucket[-1].ts_ms, bucket
            bucket = []
        number = event.ts_ms // STEP_MS
        bucket.append(event)
    if bucket:
        yield bucket[-1].ts_ms, bucket
