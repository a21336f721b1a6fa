"""The arithmetic of a leg's ladder, from config, instrument and prices alone: levels, sizes, averages, exits.

A ladder is geometric in its last level: each trigger is one step from the level before it (peers.md §1.1), each size
the one before × the multiplier. `Terms` are the figures a cycle keeps from its first entry to flat, whatever the config
becomes meanwhile.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgegrid.domain.grid_step import next_level_px
from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.config import HUNDRED, AveragingStyle, DualGridConfig


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a cycle runs by. `notional_usdt` of its first entry, `step` and `widening` fractions and factors."""

    notional_usdt: Decimal
    step: Decimal
    widening: Decimal
    multiplier: Decimal
    max_levels: int


class Rung(NamedTuple):
    """A level: where it is entered and how large it is."""

    level: int
    price: Decimal
    qty: Decimal


class LadderRow(NamedTuple):
    """A level with the leg as it stands once this and every level before it is filled at its price.

    `distance_pct` is the adverse move from the first entry; prices and values in quote coin, quantities in base coin.
    """

    level: int
    distance_pct: Decimal
    price: Decimal
    qty: Decimal
    cum_qty: Decimal
    cum_value: Decimal
    average_px: Decimal
    break_even_px: Decimal
    take_profit_px: Decimal


def terms_of(config: DualGridConfig, price: Decimal, atr: Decimal | None = None) -> Terms:
    """Terms of a cycle that opens at `price`; `atr` is the average true range in quote coin, if it is known."""
    step = config.step
    if atr is not None and config.step_atr_multiple:
        step = max(step, config.step_atr_multiple * atr / price)
    return Terms(
        notional_usdt=config.initial_margin_usdt * config.leverage,
        step=step,
        widening=config.step_widening,
        multiplier=config.size_multiplier,
        max_levels=config.max_levels,
    )


def first_qty(terms: Terms, instrument: Instrument, price: Decimal) -> Decimal:
    """Size of a cycle's first order: its notional / price, at least the venue's smallest."""
    return _within(instrument, instrument.qty_down(terms.notional_usdt / price), price)


def next_qty(terms: Terms, instrument: Instrument, last_qty: Decimal, price: Decimal) -> Decimal:
    """Size of the level after one of `last_qty`: × multiplier, at least the venue's smallest."""
    return _within(instrument, instrument.qty_down(last_qty * terms.multiplier), price)


def trigger_px(terms: Terms, leg: Leg, level: int, last_px: Decimal) -> Decimal | None:
    """Last price at which `level` (1…) is due, one step against the leg from `last_px` of the level before it.

    None where a widened step would reach 100 %: there is no such level.
    """
    return next_level_px(leg, last_px, terms.step, terms.widening, level)


def rungs_after(terms: Terms, instrument: Instrument, leg: Leg, last: Rung) -> Iterator[Rung]:
    """The levels that follow `last` as resting orders: prices rounded away from the market, never nearer."""
    while last.level + 1 < terms.max_levels:
        level = last.level + 1
        exact = trigger_px(terms, leg, level, last.price)
        if exact is None:
            return
        price = instrument.price_down(exact) if leg is Leg.LONG else instrument.price_up(exact)
        if not instrument.min_price <= price <= instrument.max_price:
            return
        last = Rung(level, price, next_qty(terms, instrument, last.qty, price))
        yield last


def take_profit_px(
    instrument: Instrument, leg: Leg, entry_px: Decimal, fee_per_unit: Decimal, profit: Decimal, exit_fee: Decimal
) -> Decimal:
    """Price at which closing nets `profit` (fraction of the entry) after the fees paid and to be paid.

    Long: (P − E) − entry fee − P × exit fee = profit × E per unit, solved for P and rounded away from the entry; short
    mirrored. `exit_fee` is the fee rate of the closing fill, a fraction.
    """
    if leg is Leg.LONG:
        return instrument.price_up((entry_px * (1 + profit) + fee_per_unit) / (1 - exit_fee))
    price = (entry_px * (1 - profit) - fee_per_unit) / (1 + exit_fee)
    return max(instrument.price_down(price), instrument.min_price)


def break_even_px(leg: Leg, qty: Decimal, entry_value: Decimal, paid: Decimal, exit_fee: Decimal) -> Decimal:
    """Price at which closing `qty` leaves the cycle at zero; not rounded, since it is no order's price.

    `paid` is what the cycle has cost so far: fees and funding less what closed parts earned, USDT. Never below zero: a
    short leg that paid more than it sold for cannot break even.
    """
    value = entry_value + leg.sign * paid
    return max(value / (qty * (1 - leg.sign * exit_fee)), ZERO)


def ladder(
    config: DualGridConfig, instrument: Instrument, leg: Leg, first_px: Decimal, atr: Decimal | None = None
) -> tuple[LadderRow, ...]:
    """The whole ladder of a cycle that opens at `first_px`, within price bounds and the leg's cap.

    The cap is judged as in trading: orders that take count with the venue's price band on top. Entries pay the taker
    fee, and so do averaging orders unless they rest; the take-profit pays the maker fee.
    """
    terms = terms_of(config, first_px, atr)
    entry = Rung(0, first_px, first_qty(terms, instrument, first_px))
    rests = config.averaging_style is AveragingStyle.RESTING
    resting_fee = config.maker_fee if rests else config.taker_fee
    rows: list[LadderRow] = []
    cum_qty = cum_value = fees = ZERO
    for rung in (entry, *rungs_after(terms, instrument, leg, entry)):
        value = rung.qty * rung.price
        at_worst = rung.qty * worst_px(instrument, rung.price, takes=not (rests and rung.level))
        if not within_bounds(config, rung.price) or _exceeds(config.max_leg_notional_usdt, cum_value + at_worst):
            break
        cum_qty, cum_value = cum_qty + rung.qty, cum_value + value
        fees += value * (resting_fee if rung.level else config.taker_fee)
        average = cum_value / cum_qty
        rows.append(
            LadderRow(
                level=rung.level,
                distance_pct=abs(rung.price - first_px) / first_px * HUNDRED,
                price=rung.price,
                qty=rung.qty,
                cum_qty=cum_qty,
                cum_value=cum_value,
                average_px=average,
                break_even_px=break_even_px(leg, cum_qty, cum_value, fees, config.maker_fee),
                take_profit_px=take_profit_px(
                    instrument, leg, average, fees / cum_qty, config.take_profit, config.maker_fee
                ),
            )
        )
    return tuple(rows)


def within_bounds(config: DualGridConfig, price: Decimal) -> bool:
    """Whether the config allows a leg to grow at this price."""
    above = config.lower_price is None or price >= config.lower_price
    return above and (config.upper_price is None or price <= config.upper_price)


def worst_px(instrument: Instrument, price: Decimal, takes: bool) -> Decimal:
    """Highest price at which an opening order decided at `price` is expected to fill.

    An order that rests fills at its price. One that takes may find the market moved: it is counted with the venue's
    price band on top, on both legs (a short fill above its decision is a better one, but a larger position).
    """
    if takes:
        return price * (1 + max(instrument.price_limit_ratio_x, instrument.price_limit_ratio_y))
    return price


def _exceeds(cap: Decimal | None, value: Decimal) -> bool:
    return cap is not None and value > cap


def _within(instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    return min(max(qty, instrument.smallest_qty(price)), instrument.max_market_qty)
