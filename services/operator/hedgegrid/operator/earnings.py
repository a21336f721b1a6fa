"""What was earned, by period, bot and leg, from rows of the trade ledger. Pure.

Net = gross − fees − funding, each as booked when it happened; so the nets of all periods add up to what the venue
realised. Cycles count in the period in which they closed, and a cycle's own net includes fees and funding of earlier
periods.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from hedgegrid.domain.money import ZERO
from hedgegrid.ledger.reading import Cycle, Fill, Funding


class Period(Enum):
    """How time is cut; the value is the strftime pattern of a period's name."""

    DAY = "%Y-%m-%d"
    MONTH = "%Y-%m"
    ALL = "all"


class Share(NamedTuple):
    """Whose earnings: one leg of one bot within one period."""

    period: str
    account: str
    symbol: str
    leg: str


@dataclass(slots=True)
class Earnings:
    """Sums in USDT; costs above 0 were paid."""

    gross: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    volume: Decimal = ZERO
    fills: int = 0
    cycles: list[Decimal] = field(default_factory=list)
    """Net of each closed cycle."""

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees - self.funding

    @property
    def win_rate(self) -> Decimal | None:
        """Part of the closed cycles that earned something, 0…1; None without any."""
        if not self.cycles:
            return None
        return Decimal(sum(net > 0 for net in self.cycles)) / len(self.cycles)

    @property
    def best(self) -> Decimal | None:
        return max(self.cycles, default=None)

    @property
    def worst(self) -> Decimal | None:
        return min(self.cycles, default=None)

    def add(self, other: "Earnings") -> None:
        """Take another's sums in."""
        self.gross += other.gross
        self.fees += other.fees
        self.funding += other.funding
        self.volume += other.volume
        self.fills += other.fills
        self.cycles += other.cycles


class Point(NamedTuple):
    """Realised net result since the beginning of the selection, after what happened at `ts_ms`."""

    ts_ms: int
    net: Decimal


def earnings(
    fills: Iterable[Fill], fundings: Iterable[Funding], cycles: Iterable[Cycle], period: Period, zone: tzinfo
) -> dict[Share, Earnings]:
    """Sum everything up, sorted by period, account, symbol and leg."""
    sums: dict[Share, Earnings] = {}

    def share_of(row: Fill | Funding | Cycle) -> Earnings:
        share = Share(period_of(row.ts_ms, period, zone), row.account, row.symbol, row.leg)
        return sums.setdefault(share, Earnings())

    for fill in fills:
        one = share_of(fill)
        one.gross += fill.gross
        one.fees += fill.fee
        one.volume += fill.qty * fill.px
        one.fills += 1
    for payment in fundings:
        share_of(payment).funding += payment.amount
    for cycle in cycles:
        share_of(cycle).cycles.append(cycle.net)
    return dict(sorted(sums.items()))


def period_of(ts_ms: int, period: Period, zone: tzinfo) -> str:
    """Name of the period a moment lies in."""
    return datetime.fromtimestamp(ts_ms // 1000, zone).strftime(period.value)


def total(sums: Iterable[Earnings]) -> Earnings:
    """Everything together."""
    whole = Earnings()
    for one in sums:
        whole.add(one)
    return whole


def curve(fills: Iterable[Fill], fundings: Iterable[Funding]) -> list[Point]:
    """Realised net result over time."""
    steps = [(fill.ts_ms, fill.gross - fill.fee) for fill in fills]
    steps += [(payment.ts_ms, -payment.amount) for payment in fundings]
    points: list[Point] = []
    net = ZERO
    for ts_ms, step in sorted(steps):
        net += step
        if points and points[-1].ts_ms == ts_ms:
            points.pop()
        points.append(Point(ts_ms, net))
    return points


def drawdown(points: Iterable[Point]) -> Decimal:
    """Largest fall of the realised result below its best before, USDT, never negative."""
    best = worst = ZERO
    for point in points:
        best = max(best, point.net)
        worst = max(worst, best - point.net)
    return worst
