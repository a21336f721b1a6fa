"""Cross margin of an account (Bybit unified account, regular margin), by the formulas of `hedgegrid.domain.risk`.

Rates and limits come from the symbol's risk-limit table; the tier follows the position's value at the mark.
"""

from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain import risk
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg, Side
from hedgegrid.domain.risk import RiskTier, tier_of
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.positions import Position

_LEG_OPENED_BY = {Side.BUY: Leg.LONG, Side.SELL: Leg.SHORT}


class AccountMargin(NamedTuple):
    """All in USDT. `available` may be negative after adverse moves."""

    unrealised: Decimal
    order_im: Decimal
    position_im: Decimal
    maintenance: Decimal
    balance: Decimal
    """Margin balance: wallet balance + unrealised result."""

    @property
    def initial(self) -> Decimal:
        return self.order_im + self.position_im

    @property
    def available(self) -> Decimal:
        return self.balance - self.initial


class Solvency(NamedTuple):
    """Margin balance and maintenance margin of an account, USDT."""

    balance: Decimal
    maintenance: Decimal

    @property
    def is_liquidated(self) -> bool:
        """Bybit liquidates when the maintenance margin rate reaches 100 %."""
        return self.maintenance > 0 and self.balance <= self.maintenance


def order_margin(value: Decimal, side: Side, leverage: Decimal, taker_fee: Decimal) -> Decimal:
    """Initial margin held for an opening order of `value`."""
    return risk.order_initial_margin(value, _LEG_OPENED_BY[side], leverage, taker_fee)


def position_im(position: Position, slot: Slot, taker_fee: Decimal) -> Decimal:
    """Initial margin of a position that is not flat."""
    book = position.book
    value = book.qty * slot.mark_for(position)
    return risk.position_initial_margin(value, book.entry_value, book.leg, slot.leverage, taker_fee)


def position_mm(position: Position, slot: Slot, taker_fee: Decimal) -> Decimal:
    """Maintenance margin of a position that is not flat."""
    book = position.book
    value = book.qty * slot.mark_for(position)
    tiers = slot.market.instrument.tiers
    return risk.maintenance_margin(tiers, value, book.entry_value, book.leg, slot.leverage, taker_fee)


def account_margin(account: Account, taker_fee: Decimal) -> AccountMargin:
    """Totals over all symbols; costs grow with the number of symbols, not of orders."""
    unrealised = order_im = held_im = maintenance = ZERO
    for slot in account.slots.values():
        for side, value in slot.reserved.items():
            if value:
                order_im += order_margin(value, side, slot.leverage, taker_fee)
        for position in slot.held():
            held_im += position_im(position, slot, taker_fee)
            maintenance += position_mm(position, slot, taker_fee)
            unrealised += position.unrealised(slot.mark_for(position))
    return AccountMargin(unrealised, order_im, held_im, maintenance, account.balance + unrealised)


def solvency(account: Account, taker_fee: Decimal) -> Solvency:
    """What decides on liquidation; orders have no part in it."""
    balance, maintenance = account.balance, ZERO
    for slot in account.slots.values():
        for position in slot.held():
            maintenance += position_mm(position, slot, taker_fee)
            balance += position.unrealised(slot.mark_for(position))
    return Solvency(balance, maintenance)


def exposure(slot: Slot, side: Side) -> Decimal:
    """Value of the position that `side` enlarges plus that of the open orders that would enlarge it."""
    held = sum((p.size * slot.mark_for(p) for p in slot.held() if p.side is side), ZERO)
    return held + slot.reserved[side]


def tier_at(slot: Slot, value: Decimal) -> RiskTier:
    return tier_of(slot.market.instrument.tiers, value)


def liquidation_price(position: Position, slot: Slot, state: Solvency) -> Decimal | None:
    """Estimate: the mark of this symbol, all else and the risk tiers unchanged, at which margin balance = maintenance
    margin.

    Both legs of a hedge move together, so only the larger one has such a price. None when there is none inside the
    symbol's price bounds.
    """
    if not position.size:
        return None
    rules = slot.market.instrument
    mark = slot.mark_for(position)
    slope = ZERO
    for held in slot.held():
        slope += held.size * (held.book.leg.sign - tier_at(slot, held.size * mark).mm_rate)
    if not slope or (slope > 0) != (position.side is Side.BUY):
        return None
    price = mark - (state.balance - state.maintenance) / slope
    return rules.price_up(price) if rules.min_price < price < rules.max_price else None
