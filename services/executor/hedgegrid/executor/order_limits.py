"""Bounds that a sound strategy never meets: how far from the market an order may be, how many a minute, how many open.

They are for the strategy that is not sound: a wrong digit in a config, a loop that places and cancels. Only orders that
add exposure are bound; what reduces it always passes.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Leg, Side
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.messages.commands import AmendOrder, SubmitOrder
from hedgegrid.messages.events import DenyReason
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.config import AccountConfig

MINUTE_NS = 60_000_000_000
HUNDRED = Decimal(100)


class Refusal(NamedTuple):
    reason: DenyReason
    text: str


class Pace:
    """A rolling minute, counted for the account and for each bot."""

    def __init__(self, account_per_min: int, bot_per_min: int) -> None:
        self._limits = {True: account_per_min, False: bot_per_min}
        self._taken: dict[str, deque[int]] = defaultdict(deque)
        """When orders were let through, by symbol; "" for all of the account."""

    def take(self, symbol: str, now_ns: int) -> str | None:
        """Count one order of a bot, or say which limit it would break."""
        for key in ("", symbol):
            taken = self._taken[key]
            while taken and now_ns - taken[0] >= MINUTE_NS:
                taken.popleft()
            limit = self._limits[not key]
            if len(taken) >= limit:
                return f"{len(taken)} orders of {key or 'the account'} in the last minute, the most allowed is {limit}"
        for key in ("", symbol):
            self._taken[key].append(now_ns)
        return None


class OrderLimits:
    """`quotes` holds ticks some milliseconds old, `ask` the newest of a symbol it lacks; `open_orders` counts a
    symbol's orders that add exposure."""

    def __init__(
        self,
        config: AccountConfig,
        quotes: Mapping[str, QuoteTick],
        ask: Callable[[str], QuoteTick | None],
        open_orders: Callable[[str], int],
        max_open_orders: int,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._crossing_pct = config.collar_crossing_pct
        self._resting_pct = config.collar_resting_pct
        self._fresh_ms = config.guard.blind_after_ms
        self._quotes = quotes
        self._ask = ask
        self._open_orders = open_orders
        self._max_open_orders = max_open_orders
        self._pace = pace
        self._clock = clock

    def refusal(self, command: SubmitOrder | AmendOrder) -> Refusal | None:
        """Why an order that adds exposure must not be sent; None counts it as sent. Ask it last."""
        why = self._outside_collar(command)
        if why is not None:
            return Refusal(DenyReason.COLLAR, why)
        if isinstance(command, SubmitOrder) and self._open_orders(command.symbol) >= self._max_open_orders:
            text = f"{self._max_open_orders} orders of {command.symbol} are open, the most allowed"
            return Refusal(DenyReason.PACE, text)
        why = self._pace.take(command.symbol, self._clock.monotonic_ns())
        return None if why is None else Refusal(DenyReason.PACE, why)

    def _outside_collar(self, command: SubmitOrder | AmendOrder) -> str | None:
        if not self._crossing_pct and not self._resting_pct:
            return None
        quote = self._quotes.get(command.symbol) or self._ask(command.symbol)
        if quote is None:
            return f"no price of {command.symbol} is known to judge the order by"
        age_ms = self._clock.now_ms() - quote.ts_init
        if age_ms > self._fresh_ms:
            return f"the newest price of {command.symbol} is {age_ms} ms old, more than {self._fresh_ms} ms"
        price = command.price
        if price is None:
            return self._dislocated(quote)
        crossing_pct = crossing(command.leg, price, quote.mark_px)
        if self._crossing_pct and crossing_pct > self._crossing_pct:
            return _far(price, crossing_pct, "through", quote.mark_px, "collar_crossing_pct", self._crossing_pct)
        if self._resting_pct and -crossing_pct > self._resting_pct:
            return _far(price, -crossing_pct, "away from", quote.mark_px, "collar_resting_pct", self._resting_pct)
        return None

    def _dislocated(self, quote: QuoteTick) -> str | None:
        """An order at market trades near the last price, whatever the mark says."""
        apart_pct = abs(quote.last_px - quote.mark_px) / quote.mark_px * HUNDRED
        if not self._crossing_pct or apart_pct <= self._crossing_pct:
            return None
        far = _far(quote.last_px, apart_pct, "from", quote.mark_px, "collar_crossing_pct", self._crossing_pct)
        return f"at market, and the last price {far}"


def crossing(leg: Leg, price: Decimal, mark: Decimal) -> Decimal:
    """How far an opening order's price lies on the losing side of the mark, percent of it; negative when it rests."""
    beyond = price - mark if leg.opening_side is Side.BUY else mark - price
    return beyond / mark * HUNDRED


def _far(price: Decimal, pct: Decimal, where: str, mark: Decimal, name: str, bound: Decimal) -> str:
    return f"{plain(price)} is {pct:.2f} % {where} the mark {plain(mark)}, more than {name} {plain(bound)}"


def limits_of(
    config: AccountConfig,
    settings: ExecutorSettings,
    quotes: Mapping[str, QuoteTick],
    ask: Callable[[str], QuoteTick | None],
    open_orders: Callable[[str], int],
    clock: Clock,
) -> OrderLimits:
    """As config and settings of an account say."""
    pace = Pace(settings.orders_per_min, settings.orders_per_min_bot)
    return OrderLimits(config, quotes, ask, open_orders, settings.max_open_orders, pace, clock)
