"""What a bot's stored state tells a watcher: the part of it that is shown, whatever its strategy.

The strategy owns the state and its schema; unknown fields are passed over, so only a change of these ones matters here.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgegrid.bus.struct_fields import names_of, to_json
from hedgegrid.domain.grid_step import next_level_px
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState

_PERCENT = Decimal(100)


class Order(msgspec.Struct, frozen=True):
    """An order the bot believes in; `price` None = at market."""

    purpose: Purpose
    level: int
    qty: Decimal
    phase: str
    price: Decimal | None = None
    cum_qty: Decimal = ZERO


class Level(msgspec.Struct, frozen=True):
    number: int
    qty: Decimal
    value: Decimal

    @property
    def px(self) -> Decimal:
        return self.value / self.qty


class Book(msgspec.Struct, frozen=True):
    qty: Decimal = ZERO
    entry_value: Decimal = ZERO

    @property
    def entry_px(self) -> Decimal | None:
        """Average entry; None when flat."""
        return self.entry_value / self.qty if self.qty else None


class Cycle(msgspec.Struct, frozen=True):
    number: int = 1
    opened_ms: int = 0


class LegBooks(msgspec.Struct, frozen=True):
    book: Book = Book()
    cycle: Cycle = Cycle()
    levels: tuple[Level, ...] = ()
    orders: tuple[Order, ...] = ()
    break_even_px: Decimal | None = None
    denied: str = ""
    denied_ms: int = 0


class Terms(msgspec.Struct, frozen=True):
    """`step` is a fraction."""

    step: Decimal
    widening: Decimal
    max_levels: int


class Plan(msgspec.Struct, frozen=True):
    cycle: int = 0
    terms: Terms | None = None
    closing: Purpose | None = None


class Rules(msgspec.Struct, frozen=True):
    tick_size: Decimal


class BotBooks(msgspec.Struct, frozen=True):
    symbol: str
    life: int = 0
    config: dict[str, str] = {}
    trading_state: TradingState = TradingState.ACTIVE
    why: str = ""
    stage: RiskStage = RiskStage.NORMAL
    reconciled: bool = False
    mismatches: int = 0
    instrument: Rules | None = None
    long: LegBooks = LegBooks()
    short: LegBooks = LegBooks()
    long_plan: Plan = Plan()
    short_plan: Plan = Plan()

    def leg(self, leg: Leg) -> LegBooks:
        return self.long if leg is Leg.LONG else self.short

    @property
    def max_levels(self) -> int | None:
        """Levels a leg may use at most; None where the strategy has no such figure."""
        text = self.config.get("max_levels") or self.config.get("cells")
        return int(text) if text else None

    @property
    def may_average(self) -> bool:
        """Whether state and guard let a leg grow."""
        return self.trading_state.may_average and self.stage < RiskStage.NO_AVERAGING


class Line(NamedTuple):
    """A price of the ladder; `rests` = a working order stands there."""

    level: int
    price: Decimal
    rests: bool


FIELDS = names_of(BotBooks)
"""Of the hash `bot`."""
_books = msgspec.json.Decoder(BotBooks)


def decode(fields: Mapping[str, bytes]) -> BotBooks:
    """Read a stored state.

    Raises:
        msgspec.DecodeError: it is not one, or its shown fields have changed their meaning.
    """
    return _books.decode(to_json(fields))


def ladder(books: BotBooks, leg: Leg) -> list[Line]:
    """Where the leg grows next, nearest first: working orders, and behind them the prices that a dual grid waits for.

    A market order under way has no price and is left out.
    """
    held = books.leg(leg)
    lines = {line.level: line for line in _resting(held)}
    terms = _terms(books, leg)
    if terms is not None and held.levels and books.may_average:
        lines = {line.level: line for line in _waiting(leg, held, terms, lines)} | lines
    return sorted(lines.values(), key=lambda line: -leg.sign * line.price)


def take_profits(held: LegBooks, leg: Leg) -> list[Order]:
    """Working take-profits that have a price, nearest first."""
    working = [order for order in held.orders if order.purpose is Purpose.TAKE_PROFIT and order.price is not None]
    return sorted(working, key=lambda order: leg.sign * (order.price or ZERO))


def _resting(held: LegBooks) -> Iterator[Line]:
    for order in held.orders:
        if not order.purpose.closes and order.price is not None:
            yield Line(order.level, order.price, rests=True)


def _waiting(leg: Leg, held: LegBooks, terms: Terms, resting: dict[int, Line]) -> Iterator[Line]:
    last = held.levels[-1]
    price = resting[last.number].price if last.number in resting else last.px
    for level in range(last.number + 1, terms.max_levels):
        due = resting[level].price if level in resting else next_level_px(leg, price, terms.step, terms.widening, level)
        if due is None or due <= 0:
            return
        price = due
        yield Line(level, due, rests=False)


def _terms(books: BotBooks, leg: Leg) -> Terms | None:
    """Terms of the open cycle; of a position that was taken over, the config's; None where no ladder is ahead."""
    plan = books.long_plan if leg is Leg.LONG else books.short_plan
    if plan.cycle == books.leg(leg).cycle.number:
        if plan.closing is not None:
            return None
        if plan.terms is not None:
            return plan.terms
    config = books.config
    if not {"grid_step_pct", "step_widening", "max_levels"} <= config.keys():
        return None
    step = Decimal(config["grid_step_pct"]) / _PERCENT
    return Terms(step, Decimal(config["step_widening"]), int(config["max_levels"]))
