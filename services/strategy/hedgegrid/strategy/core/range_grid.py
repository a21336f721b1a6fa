"""A grid between two prices: every cell is entered at one line and closed at the next, again and again.

Long cells are bought at their lower line, short cells sold at their upper one. A long grid that begins inside its range
enters the cells above the price at once (their orders are passed by it), which is the stock it sells on the way up.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.core.draft import Draft
from hedgegrid.strategy.core.ladder import LadderRow, break_even_px
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.core.orders import Desired
from hedgegrid.strategy.core.quiet_range import ALWAYS_QUIET, HIGHEST, NEVER_MS, NEVER_QUIET, QuietRange
from hedgegrid.strategy.core.range_config import RangeGridConfig
from hedgegrid.strategy.core.state import BotState, LegState, Level, WorkingOrder

NUMBERS = 100
"""Level numbers that an order id has room for; a cell's is its place modulo this."""


class RangeGridState(BotState, frozen=True, kw_only=True):
    anchor_px: Decimal | None = None
    """Price at which the bot began: a neutral grid is long below and short above it."""
    shift: int = 0
    """Cells that the range has moved up (down: negative) since."""


class Cell(NamedTuple):
    number: int
    entry_px: Decimal
    exit_px: Decimal
    qty: Decimal


RangeDraft = Draft[RangeGridConfig, RangeGridState]


class RangeGrid(LegStrategy[RangeGridConfig, RangeGridState]):
    config_type = RangeGridConfig
    state_type = RangeGridState

    def observe(self, draft: RangeDraft, tick: QuoteTick) -> None:
        if draft.state.anchor_px is None:
            draft.change(anchor_px=tick.last_px)
        if draft.config.trailing:
            sign = draft.config.legs.chosen[0].sign
            held = any(leg.levels for leg in draft.state.legs)
            while not held and sign * (tick.last_px - _follows_at(draft)) >= 0:
                draft.change(shift=draft.state.shift + sign)

    def desired(self, draft: RangeDraft, leg: LegState, tick: QuoteTick | None) -> Iterable[Desired]:
        held = {level.number: level for level in leg.levels}
        for cell in _cells(draft, leg.leg):
            level = held.pop(cell.number, None)
            order = leg.order(Purpose.ENTRY, cell.number)
            if order is not None:
                yield Desired(Purpose.ENTRY, cell.number, order.qty - order.cum_qty, cell.entry_px)
            elif level is None and tick is not None:
                passed = _is_passed(leg.leg, cell.entry_px, tick)
                if not passed or _is_inside(draft, leg.leg, tick.last_px):
                    yield Desired(Purpose.ENTRY, cell.number, cell.qty, cell.entry_px, post_only=not passed)
            if level is not None and (order is None or level.qty >= draft.instrument.smallest_qty(cell.exit_px)):
                yield Desired(Purpose.TAKE_PROFIT, cell.number, level.qty, cell.exit_px)
        for number, level in held.items():  # of a range that is not ours any more: out at cost
            yield Desired(Purpose.TAKE_PROFIT, number, level.qty, _at_cost(draft.instrument, leg.leg, level))

    def quiet(self, draft: RangeDraft) -> QuietRange:
        if draft.state.anchor_px is None:
            return NEVER_QUIET
        quiet = ALWAYS_QUIET
        for leg in draft.state.legs:
            if draft.effective.may_open_cycle and draft.now_ms >= leg.opening.until_ms and _misses_entry(draft, leg):
                return NEVER_QUIET
        if draft.config.trailing and not any(leg.levels for leg in draft.state.legs):
            bound = _follows_at(draft)
            up = draft.config.legs.chosen[0] is Leg.LONG
            quiet = QuietRange(ZERO, bound, NEVER_MS) if up else QuietRange(bound, HIGHEST, NEVER_MS)
        return quiet

    def levels_after_exit(
        self, levels: tuple[Level, ...], order: WorkingOrder | None, qty: Decimal
    ) -> tuple[Level, ...]:
        """A cell's own exit shrinks the cell; what closes for another reason takes the highest numbers first."""
        own = order.level if order is not None and order.purpose is Purpose.TAKE_PROFIT else None
        rest: list[Level] = []
        for level in sorted(levels, key=lambda level: (level.number != own, -level.number)):
            part = min(qty, level.qty)
            qty -= part
            left = level.qty - part
            if left:
                rest.append(msgspec.structs.replace(level, qty=left, value=level.value * left / level.qty))
        return tuple(sorted(rest, key=lambda level: level.number))

    def ladder(
        self, config: RangeGridConfig, instrument: Instrument, leg: Leg, first_px: Decimal
    ) -> tuple[LadderRow, ...]:
        """Every cell of the leg filled at its entry line, nearest to `first_px` first."""
        if leg not in config.legs.chosen:
            return ()
        cells = [_cell(config, instrument, leg, number) for number in _numbers(config, leg, 0, first_px)]
        rows: list[LadderRow] = []
        cum_qty = cum_value = ZERO
        for number, cell in enumerate(sorted(cells, key=lambda cell: -leg.sign * cell.entry_px)):
            cum_qty, cum_value = cum_qty + cell.qty, cum_value + cell.qty * cell.entry_px
            fees = cum_value * config.maker_fee
            rows.append(
                LadderRow(
                    level=number,
                    distance_pct=abs(cell.entry_px - first_px) / first_px * 100,
                    price=cell.entry_px,
                    qty=cell.qty,
                    cum_qty=cum_qty,
                    cum_value=cum_value,
                    average_px=cum_value / cum_qty,
                    break_even_px=break_even_px(leg, cum_qty, cum_value, fees, config.maker_fee),
                    take_profit_px=cell.exit_px,
                )
            )
        return tuple(rows)


def _numbers(config: RangeGridConfig, leg: Leg, shift: int, anchor_px: Decimal) -> Iterator[int]:
    """Places of the leg's cells, lowest first."""
    for number in range(shift, shift + config.cells):
        is_long = config.line(number) < anchor_px if len(config.legs.chosen) > 1 else leg is Leg.LONG
        if is_long == (leg is Leg.LONG):
            yield number


def _cell(config: RangeGridConfig, instrument: Instrument, leg: Leg, number: int) -> Cell:
    low, high = instrument.price_down(config.line(number)), instrument.price_up(config.line(number + 1))
    entry, exit_ = (low, high) if leg is Leg.LONG else (high, low)
    wanted = instrument.qty_down(config.cell_margin_usdt * config.leverage / entry)
    qty = min(max(wanted, instrument.smallest_qty(entry)), instrument.max_limit_qty)
    return Cell(number % NUMBERS, entry, exit_, qty)


def _cells(draft: RangeDraft, leg: Leg) -> Iterator[Cell]:
    config, anchor_px = draft.config, draft.state.anchor_px
    if anchor_px is None or leg not in config.legs.chosen:
        return
    for number in _numbers(config, leg, draft.state.shift, anchor_px):
        yield _cell(config, draft.instrument, leg, number)


def _misses_entry(draft: RangeDraft, leg: LegState) -> bool:
    known = {level.number for level in leg.levels}
    known.update(order.level for order in leg.orders if order.purpose is Purpose.ENTRY)
    return any(cell.number not in known for cell in _cells(draft, leg.leg))


def _follows_at(draft: RangeDraft) -> Decimal:
    """Price, one cell beyond the range on the side of profit, at which it moves on."""
    config, shift = draft.config, draft.state.shift
    return config.line(shift + config.cells + 1) if config.legs.chosen[0] is Leg.LONG else config.line(shift - 1)


def _is_passed(leg: Leg, price: Decimal, tick: QuoteTick) -> bool:
    if leg is Leg.LONG:
        return price >= (tick.ask_px or tick.last_px)
    return price <= (tick.bid_px or tick.last_px)


def _is_inside(draft: RangeDraft, leg: Leg, price: Decimal) -> bool:
    """Beyond the range on the losing side nothing is taken at market."""
    config, shift = draft.config, draft.state.shift
    return price >= config.line(shift) if leg is Leg.LONG else price <= config.line(shift + config.cells)


def _at_cost(instrument: Instrument, leg: Leg, level: Level) -> Decimal:
    return instrument.price_up(level.px) if leg is Leg.LONG else instrument.price_down(level.px)
