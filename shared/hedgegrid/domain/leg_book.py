"""Position of one leg built from fills: quantity, entry value and realised result.

Bybit's rule for linear perpetuals (position `cumRealisedPnl`, checked against captures): a fee is realised when paid,
the opening fee included; closing realises (exit − average entry) × quantity; funding is realised when paid.
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from hedgegrid.domain.money import ZERO, to_money_step
from hedgegrid.domain.order import Leg


@dataclass(frozen=True, slots=True, kw_only=True)
class LegBook:
    """`qty` base coin, `entry_value` quote coin = Σ price × qty still held; the rest all-time sums in quote coin."""

    leg: Leg
    qty: Decimal = ZERO
    entry_value: Decimal = ZERO
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO

    @property
    def entry_px(self) -> Decimal:
        """Average entry price; zero when flat."""
        return self.entry_value / self.qty if self.qty else ZERO

    @property
    def realised(self) -> Decimal:
        """Net of fees and funding: Bybit's `cumRealisedPnl`."""
        return self.gross - self.fees - self.funding

    def opened(self, qty: Decimal, price: Decimal, fee: Decimal) -> "LegBook":
        """Book a fill that enlarges the leg; `fee` > 0 was paid."""
        return replace(
            self,
            qty=self.qty + qty,
            entry_value=self.entry_value + qty * price,
            fees=self.fees + fee,
        )

    def closed(
        self, qty: Decimal, price: Decimal, fee: Decimal, gross: Decimal | None = None
    ) -> tuple["LegBook", Decimal]:
        """Book a fill that shrinks the leg; returns the book and the gross result of this fill.

        `gross` is the venue's own figure where there is one. Without it the entry value leaves in the same proportion
        as the quantity, rounded once to money steps, so that the results of partial closes add up to the result of the
        whole, to the last digit.

        Raises:
            ValueError: `qty` exceeds what is held.
        """
        if qty > self.qty:
            raise ValueError(f"cannot close {qty} of {self.leg.word}: only {self.qty} held")
        if gross is not None:
            entry_part = qty * price - self.leg.sign * gross
        elif qty == self.qty:
            entry_part = self.entry_value
        else:
            entry_part = to_money_step(self.entry_value * qty / self.qty)
        book = replace(
            self,
            qty=self.qty - qty,
            entry_value=self.entry_value - entry_part if qty < self.qty else ZERO,
            gross=self.gross + self.leg.sign * (qty * price - entry_part),
            fees=self.fees + fee,
        )
        return book, book.gross - self.gross

    def settled(self, gross: Decimal, fee: Decimal) -> "LegBook":
        """Book a settlement: the result so far is paid out, and the position goes on from the settlement price."""
        return replace(
            self,
            entry_value=self.entry_value + self.leg.sign * gross,
            gross=self.gross + gross,
            fees=self.fees + fee,
        )

    def funded(self, amount: Decimal) -> "LegBook":
        """Book a funding payment; `amount` > 0 was paid, < 0 received."""
        return replace(self, funding=self.funding + amount)
