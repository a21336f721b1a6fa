"""Plays bars and funding through an account, jumping over bars in which nothing can happen."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby, pairwise

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.guard.figures import Figures
from hedgegrid.guard.view import Mark
from hedgegrid.strategy.backtest.bars import Point, path_of
from hedgegrid.strategy.backtest.runner import AccountRun, RunningBot
from hedgegrid.tapes.bars import Bar, Rate

CALM_MM_RATE = Decimal("0.5")
"""Above it every point of a bar is played: liquidation is not far."""
Group = Mapping[str, Bar]


@dataclass(frozen=True, slots=True)
class Sample:
    """The account at one moment; money in USDT, rates as fractions."""

    at_ms: int
    equity: float
    im_rate: float
    mm_rate: float
    held: float
    worst: float
    stage: int


@dataclass(slots=True)
class Course:
    """What was seen on the way. Extremes are exact over every moment judged; `samples` holds one per bar."""

    samples: list[Sample] = field(default_factory=list)
    bars: int = 0
    skipped: int = 0
    moments: int = 0
    highest_mm_rate: Decimal = ZERO
    nearest_liquidation: Decimal | None = None
    highest_held: Decimal = ZERO
    highest_worst: Decimal = ZERO
    lowest_equity: Decimal | None = None

    def note(self, figures: Figures) -> None:
        self.moments += 1
        self.highest_mm_rate = max(self.highest_mm_rate, figures.mm_rate or ZERO)
        self.highest_held = max(self.highest_held, figures.held_notional)
        self.highest_worst = max(self.highest_worst, figures.worst_notional)
        if figures.equity is not None:
            self.lowest_equity = min(figures.equity, self.lowest_equity or figures.equity)
        near = figures.liquidation_distance
        if near is not None:
            self.nearest_liquidation = near if self.nearest_liquidation is None else min(near, self.nearest_liquidation)

    def sample(self, at_ms: int, figures: Figures, stage: int) -> None:
        rates = figures.im_rate or ZERO, figures.mm_rate or ZERO
        money = figures.equity or ZERO, figures.held_notional, figures.worst_notional
        self.samples.append(
            Sample(at_ms, float(money[0]), float(rates[0]), float(rates[1]), float(money[1]), float(money[2]), stage)
        )


class Replay:
    """`bars` and `rates` by symbol; bars of all symbols that begin together are played together."""

    def __init__(self, run: AccountRun, bars: Mapping[str, Sequence[Bar]], rates: Mapping[str, Sequence[Rate]]) -> None:
        self._run = run
        self._bars = bars
        self._rules: dict[str, Instrument] = {symbol: run.venue.instrument(symbol) for symbol in bars}
        self._length_ms = min(b.start_ms - a.start_ms for rows in bars.values() for a, b in pairwise(rows))
        self._rates = heapq.merge(*(_named(symbol, rows) for symbol, rows in rates.items() if symbol in bars))
        self._due = next(self._rates, None)
        self.course = Course()

    def play(self) -> Course:
        """Everything from the first moment at which all symbols have a price."""
        first_ms = max(rows[0].start_ms for rows in self._bars.values())
        self._skip_funding(first_ms)
        started = False
        for start_ms, group in _groups(self._bars):
            if start_ms < first_ms:
                continue
            if not started:
                self._run.start({s: Point(start_ms, bar.open, bar.volume / 4) for s, bar in group.items()})
                started = True
            self._fund(start_ms)
            self._play(group)
            self.course.sample(start_ms, self._run.desk.risk.figures, self._run.desk.risk.stage)
        self._run.catch_up(self.course.samples[-1].at_ms + self._length_ms - 1)
        return self.course

    def _play(self, group: Group) -> None:
        self.course.bars += 1
        end_ms = max(bar.start_ms for bar in group.values()) + self._length_ms - 1
        if self._is_quiet(group, end_ms):
            self.course.skipped += 1
            self._run.jump({s: Point(end_ms, bar.close, ZERO) for s, bar in group.items()}, end_ms)
            self.course.note(self._run.desk.risk.figures)
            return
        paths = ([(p.at_ms, s, p) for p in path_of(bar, self._length_ms, self._rules[s])] for s, bar in group.items())
        for at_ms, points in groupby(heapq.merge(*paths), key=lambda row: row[0]):
            self._run.moment({symbol: point for _, symbol, point in points}, at_ms)
            self.course.note(self._run.desk.risk.figures)

    def _is_quiet(self, group: Group, end_ms: int) -> bool:
        """No bot would act, no order be reached and no stage change, even if all went as badly as the bars allow."""
        risk = self._run.desk.risk
        mm_rate = risk.figures.mm_rate
        if (
            mm_rate is None
            or mm_rate > CALM_MM_RATE
            or not all(_ignores(self._run.bots[symbol], bar, end_ms) for symbol, bar in group.items())
        ):
            return False
        worst = {symbol: Mark(self._worst(symbol, bar), end_ms) for symbol, bar in group.items()}
        return not risk.would_change(worst, end_ms)

    def _worst(self, symbol: str, bar: Bar) -> Decimal:
        """The extreme at which the bot's net position loses most."""
        long, short = self._run.bots[symbol].state.legs
        return bar.low if long.book.qty >= short.book.qty else bar.high

    def _fund(self, until_ms: int) -> None:
        while self._due is not None and self._due[0] <= until_ms:
            at_ms, symbol, rate = self._due
            self._run.fund(symbol, rate, at_ms)
            self._due = next(self._rates, None)

    def _skip_funding(self, before_ms: int) -> None:
        while self._due is not None and self._due[0] < before_ms:
            self._due = next(self._rates, None)


def _ignores(bot: RunningBot, bar: Bar, end_ms: int) -> bool:
    state = bot.state
    if not (state.quiet_above < bar.low and bar.high < state.quiet_below and end_ms < state.wake_ms):
        return False
    prices = [order.price for leg in state.legs for order in leg.orders]
    return all(price is not None and not bar.low <= price <= bar.high for price in prices)


def _groups(bars: Mapping[str, Sequence[Bar]]) -> Iterator[tuple[int, Group]]:
    rows = heapq.merge(*([(bar.start_ms, symbol, bar) for bar in of_symbol] for symbol, of_symbol in bars.items()))
    for start_ms, group in groupby(rows, key=lambda row: row[0]):
        yield start_ms, {symbol: bar for _, symbol, bar in group}


def _named(symbol: str, rates: Sequence[Rate]) -> list[tuple[int, str, Decimal]]:
    return [(rate.at_ms, symbol, rate.rate) for rate in rates]
