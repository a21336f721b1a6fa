"""Prices and sizes of a leg's next orders, from its state."""

from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.strategy.core import ladder
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.state import LegState


def entry_qty(config: DualGridConfig, instrument: Instrument, price: Decimal) -> Decimal:
    return ladder.first_qty(ladder.terms_of(config, price), instrument, price)


def averaging_qty(config: DualGridConfig, instrument: Instrument, leg: LegState, price: Decimal) -> Decimal:
    return ladder.next_qty(ladder.terms_of(config, price), instrument, leg.levels[-1].qty, price)


def averaging_trigger(config: DualGridConfig, leg: LegState) -> Decimal:
    last = leg.levels[-1].px
    trigger = ladder.trigger_px(ladder.terms_of(config, last), leg.leg, len(leg.levels), last)
    return Decimal(0) if trigger is None else trigger


def take_profit_px(config: DualGridConfig, instrument: Instrument, leg: LegState) -> Decimal:
    fee_per_unit = leg.cycle.entry_fees / leg.cycle.entry_qty
    return ladder.take_profit_px(
        instrument, leg.leg, leg.book.entry_px, fee_per_unit, config.take_profit, config.maker_fee
    )
