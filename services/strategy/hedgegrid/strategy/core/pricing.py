"""Prices and sizes of a leg's orders."""

from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.state import LegState


def entry_qty(config: DualGridConfig, instrument: Instrument, price: Decimal) -> Decimal:
    """Size of a cycle's first order: initial margin × leverage / price, at least the venue's smallest."""
    wanted = instrument.qty_down(config.initial_margin_usdt * config.leverage / price)
    return _within(instrument, wanted, price)


def averaging_qty(config: DualGridConfig, instrument: Instrument, leg: LegState, price: Decimal) -> Decimal:
    """Size of the next level: the last one's × multiplier."""
    wanted = instrument.qty_down(leg.levels[-1].qty * config.size_multiplier)
    return _within(instrument, wanted, price)


def averaging_trigger(config: DualGridConfig, leg: LegState) -> Decimal:
    """Last price at which the next level is due: one step against the leg from its last fill."""
    return leg.levels[-1].px * (1 - leg.leg.sign * config.step)


def take_profit_px(config: DualGridConfig, instrument: Instrument, leg: LegState) -> Decimal:
    """Price at which closing everything nets the take-profit percentage after the fees truly paid and to be paid.

    Long: (P − E)·q − entry fees − P·q·maker = tp·E·q, solved for P and rounded away from the entry; short mirrored.
    """
    entry = leg.book.entry_px
    fee_per_unit = leg.cycle.entry_fees / leg.cycle.entry_qty
    if leg.leg is Leg.LONG:
        return instrument.price_up((entry * (1 + config.take_profit) + fee_per_unit) / (1 - config.maker_fee))
    price = (entry * (1 - config.take_profit) - fee_per_unit) / (1 + config.maker_fee)
    return max(instrument.price_down(price), instrument.min_price)


def _within(instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    return min(max(qty, instrument.smallest_qty(price)), instrument.max_market_qty)
