"""A seeded market for several correlated symbols: the same seed gives the same events, for ever.

Each symbol's log price is a reference plus a mean-reverting deviation; a regime moves the reference or the deviation.
Floats appear only in the random walk; prices and quantities leave as Decimals on tick and lot.
"""

import math
import random
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.market_events import Events, FundingNotice, MarketEvent
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice

START_MS = 1_767_225_600_000
"""2026-01-01T00:00Z, a funding boundary; the clock shifts it to the present."""
STEP_MS = 100
FUNDING_INTERVAL_MS = 8 * 3_600_000
CORRELATION = 0.6
DEVIATION = 0.004
"""Standard deviation of the log price around its reference."""
HALF_LIFE_S = 45.0
STEPS_KEPT = 4
"""Whoever plays the market has read at most two steps ahead."""


class Regime(StrEnum):
    """chop: mean reversion around one price, so that grids cycle; trend: the reference climbs 6 % an hour;
    crash: every ten minutes it falls 20 % in 30 s and recovers half in 5 min; gap: jumps of 2 % about once a minute;
    flat: the price stands still.
    """

    CHOP = "chop"
    TREND = "trend"
    CRASH = "crash"
    GAP = "gap"
    FLAT = "flat"


@dataclass(slots=True)
class _Walk:
    rules: Instrument
    start: float
    tick: float
    deviation: float = 0.0
    gaps: float = 0.0
    ticks: int = 0
    """Last price in ticks."""
    rate: Decimal = field(default=Decimal("0.0001"))


@dataclass(frozen=True, slots=True)
class Walked:
    """Where a market stands before its step number `step`; of use with the same symbols only."""

    step: int
    randomness: tuple[Any, ...]
    walks: tuple[_Walk, ...]


class SyntheticSource:
    """`start_prices` in the quote coin; the order of `rules` does not matter, symbols are walked by name."""

    def __init__(
        self,
        rules: Sequence[Instrument],
        start_prices: Mapping[str, Decimal],
        regime: Regime,
        seed: int,
        begin: Walked | None = None,
    ) -> None:
        """`begin`: go on from there instead of from the start."""
        self.first_step = begin.step if begin else 0
        self._begin = begin
        self._passed: deque[Walked] = deque(maxlen=STEPS_KEPT)
        self.symbols = frozenset(instrument.symbol for instrument in rules)
        self.marked = self.symbols
        self._rules = sorted(rules, key=lambda instrument: instrument.symbol)
        self._prices = start_prices
        self._regime = regime
        self._seed = seed

    def events(self) -> Events:
        rng = random.Random(self._seed)  # noqa: S311 a reproducible market, no secret
        if self._begin is not None:
            rng.setstate(self._begin.randomness)
            walks = [replace(walk) for walk in self._begin.walks]
        else:
            walks = [
                _Walk(rules, float(self._prices[rules.symbol]), float(rules.tick_size), rng.gauss(0.0, DEVIATION))
                for rules in self._rules
            ]
        step = self.first_step
        while True:
            self._passed.append(Walked(step, rng.getstate(), tuple(replace(walk) for walk in walks)))
            now_ms = START_MS + step * STEP_MS
            if now_ms % FUNDING_INTERVAL_MS == 0:
                yield from _funding(walks, rng, now_ms)
            common = rng.gauss(0.0, 1.0)
            reference = _reference(self._regime, step * STEP_MS / 1000)
            for walk in walks:
                yield from _tick(walk, self._regime, reference, common, rng, now_ms)
            step += 1

    def walked(self, step: int) -> Walked:
        """Where the market stood before a step, one of the latest few."""
        return next(passed for passed in self._passed if passed.step == step)

    def skipped(self, steps: int) -> "SyntheticSource":
        """The same market that many steps on."""
        walker = SyntheticSource(self._rules, self._prices, self._regime, self._seed, self._begin)
        events = walker.events()
        next(events)
        while walker._passed[-1].step < self.first_step + steps:
            next(events)
        return SyntheticSource(self._rules, self._prices, self._regime, self._seed, walker._passed[-1])


def _funding(walks: list[_Walk], rng: random.Random, now_ms: int) -> Iterator[MarketEvent]:
    for walk in walks:
        symbol = walk.rules.symbol
        if now_ms > START_MS:
            yield FundingDue(symbol=symbol, rate=walk.rate, ts_ms=now_ms)
        walk.rate = Decimal(round(rng.gauss(1.0, 2.0), 2)).quantize(Decimal("0.01")) / 10_000
        yield FundingNotice(symbol=symbol, rate=walk.rate, next_ms=now_ms + FUNDING_INTERVAL_MS, ts_ms=now_ms)


def _reference(regime: Regime, at_s: float) -> float:
    """Log offset of the reference price at a venue second."""
    if regime is Regime.TREND:
        return 0.06 * at_s / 3600
    if regime is Regime.CRASH:
        rounds, into = divmod(at_s, 600.0)
        fall = math.log(0.8)
        lost = rounds * fall / 2
        if into < 60:
            return lost
        if into < 90:
            return lost + fall * (into - 60) / 30
        return lost + fall - fall / 2 * min((into - 90) / 300, 1.0)
    return 0.0


def _tick(
    walk: _Walk, regime: Regime, reference: float, common: float, rng: random.Random, now_ms: int
) -> Iterator[MarketEvent]:
    """One step of one symbol: a trade when the price moved (or sometimes without), the quote around it, the mark."""
    own = rng.gauss(0.0, 1.0)
    chance = rng.random()
    size = rng.random()
    if regime is not Regime.FLAT:
        _move(walk, regime, CORRELATION * common + math.sqrt(1 - CORRELATION**2) * own, rng)
        price = walk.start * math.exp(reference + walk.gaps + walk.deviation)
    else:
        price = walk.start
    before, walk.ticks = walk.ticks, max(round(price / walk.tick), 2)
    tick, symbol = walk.rules.tick_size, walk.rules.symbol
    rises = walk.ticks > before if walk.ticks != before else chance < 0.5
    last = walk.ticks * tick
    if walk.ticks != before or size < 0.3:
        qty = _lots(walk.rules, 2_000 + 60_000 * size * size, price)
        side = Side.BUY if rises else Side.SELL
        yield MarketTrade(symbol=symbol, price=last, qty=qty, taker_side=side, ts_ms=now_ms)
    bid = last - tick if rises else last
    yield MarketQuote(
        symbol=symbol,
        bid_px=bid,
        bid_qty=_lots(walk.rules, 50_000 + 200_000 * chance, price),
        ask_px=bid + tick,
        ask_qty=_lots(walk.rules, 250_000 - 200_000 * chance, price),
        ts_ms=now_ms,
    )
    yield MarkPrice(symbol=symbol, mark_px=last, index_px=last, ts_ms=now_ms)


def _move(walk: _Walk, regime: Regime, shock: float, rng: random.Random) -> None:
    """One step of the mean-reverting deviation (exact discretisation), and now and then a gap."""
    keep = 0.5 ** (STEP_MS / 1000 / HALF_LIFE_S)
    walk.deviation = walk.deviation * keep + DEVIATION * math.sqrt(1 - keep * keep) * shock
    if regime is Regime.GAP and rng.random() < STEP_MS / 60_000:
        walk.gaps += 0.02 if walk.gaps < 0 or (walk.gaps == 0 and shock > 0) else -0.02


def _lots(rules: Instrument, notional: float, price: float) -> Decimal:
    """A quantity worth about `notional`, in whole lots, at least the minimum."""
    lots = max(round(notional / price / float(rules.qty_step)), 1)
    return max(lots * rules.qty_step, rules.min_qty)
