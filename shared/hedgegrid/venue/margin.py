"""Cross margin of an account (Bybit unified account, regular margin).

Formulas checked against captured rows (`position`, `wallet`): with L the leverage and f the taker fee,
position IM = mark value / L + fee to close at the bankruptcy price, position MM = mark value × rate + the same fee,
order IM = value / L + opening fee + fee to close at the bankruptcy price; bankruptcy value =
entry value × (1 ∓ 1/L).
The maintenance rate is the lowest tier's, 0.5 / max leverage (0.4 % at 125×, 0.5 % at 100×); higher risk tiers are not
modelled. Nor is liquidation: nothing happens here when the balance falls below the maintenance margin.
"""

from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Side
from hedgegrid.venue.account import Account, Slot
from hedgegrid.venue.positions import Position

_HALF = Decimal("0.5")


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


def maintenance_rate(rules: Instrument) -> Decimal:
    """Fraction of the position's value."""
    return _HALF / rules.max_leverage


def fee_to_close(value: Decimal, side: Side, leverage: Decimal, taker_fee: Decimal) -> Decimal:
    """Fee of closing an exposure of `value` at its bankruptcy price."""
    lost = value / leverage
    return (value - lost if side is Side.BUY else value + lost) * taker_fee


def order_margin(value: Decimal, side: Side, leverage: Decimal, taker_fee: Decimal) -> Decimal:
    """Initial margin held for an opening order of `value`."""
    return value / leverage + value * taker_fee + fee_to_close(value, side, leverage, taker_fee)


def position_margin(position: Position, slot: Slot, taker_fee: Decimal) -> tuple[Decimal, Decimal]:
    """Initial and maintenance margin of a position; zero when flat."""
    if position.side is None:
        return ZERO, ZERO
    value = position.size * slot.mark_for(position)
    fee = fee_to_close(position.book.entry_value, position.side, slot.leverage, taker_fee)
    return value / slot.leverage + fee, value * maintenance_rate(slot.market.instrument) + fee


def account_margin(account: Account, taker_fee: Decimal) -> AccountMargin:
    """Totals over all symbols; costs grow with the number of symbols, not of orders."""
    unrealised = order_im = position_im = maintenance = ZERO
    for slot in account.slots.values():
        for side, value in slot.reserved.items():
            if value:
                order_im += order_margin(value, side, slot.leverage, taker_fee)
        for position in slot.held():
            im, mm = position_margin(position, slot, taker_fee)
            position_im += im
            maintenance += mm
            unrealised += position.unrealised(slot.mark_for(position))
    return AccountMargin(unrealised, order_im, position_im, maintenance, account.balance + unrealised)


def liquidation_price(position: Position, slot: Slot, margin: AccountMargin) -> Decimal | None:
    """Estimate: the mark of this symbol, all else unchanged, at which margin balance = maintenance margin.

    Both legs of a hedge move together, so only the larger one has such a price. None when there is none.
    """
    if not position.size:
        return None
    mark = slot.mark_for(position)
    net = sum((p.book.leg.sign * p.size for p in slot.held()), ZERO)
    gross = sum((p.size for p in slot.held()), ZERO)
    slope = net - gross * maintenance_rate(slot.market.instrument)
    if not slope or (slope > 0) != (position.side is Side.BUY):
        return None
    price = mark - (margin.balance - margin.maintenance) / slope
    return slot.market.instrument.price_up(price) if price > 0 else None
