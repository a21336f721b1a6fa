"""Average range of bars made of ticks, kept in the state: the same ticks give the same bars.

A bar knows its high and low only, so that ticks between them change nothing. Its range reaches back over a gap to the
bar before it, which is what makes it a true range. A bar without a tick does not exist.
"""

from decimal import Decimal

import msgspec

from hedgegrid.domain.money import ZERO


class Bars(msgspec.Struct, frozen=True, kw_only=True):
    """The bar that is growing, and the true ranges of the bars before it, oldest first. Prices in quote coin."""

    number: int = -1
    """Of the growing bar: our time of receipt // bar length; −1 = no tick yet."""
    high: Decimal = ZERO
    low: Decimal = ZERO
    before_high: Decimal | None = None
    before_low: Decimal | None = None
    ranges: tuple[Decimal, ...] = ()


def with_tick(bars: Bars, price: Decimal, now_ms: int, bar_min: int, kept: int) -> Bars:
    """Bars after a tick; one that is older than the growing bar counts to the growing one."""
    number = now_ms // (bar_min * 60_000)
    if bars.number < 0:
        return Bars(number=number, high=price, low=price)
    if number > bars.number:
        return Bars(
            number=number,
            high=price,
            low=price,
            before_high=bars.high,
            before_low=bars.low,
            ranges=(*bars.ranges, _true_range(bars))[-kept:],
        )
    if bars.low <= price <= bars.high:
        return bars
    return msgspec.structs.replace(bars, high=max(bars.high, price), low=min(bars.low, price))


def average_true_range(bars: Bars, count: int) -> Decimal | None:
    """Mean of the newest `count` true ranges, quote coin; None before there are as many."""
    if len(bars.ranges) < count:
        return None
    return sum(bars.ranges[-count:], ZERO) / count


def end_of_bar_ms(bars: Bars, bar_min: int) -> int:
    """Our time at which the growing bar ends."""
    return (bars.number + 1) * bar_min * 60_000


def _true_range(bars: Bars) -> Decimal:
    high, low = bars.high, bars.low
    if bars.before_low is not None and bars.before_high is not None:
        high, low = max(high, bars.before_low), min(low, bars.before_high)
    return high - low
