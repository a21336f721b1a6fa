"""One position (symbol, positionIdx) of an account."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.domain.leg_book import LegBook
from hedgegrid.domain.money import ZERO, to_money_step
from hedgegrid.domain.order import Leg, Side
from hedgegrid.venue.reports import PositionStatus

ONE_WAY = 0


class FillEffect(NamedTuple):
    """What a fill did to its position; amounts in quote coin, `gross` before any fee."""

    gross: Decimal
    closed_size: Decimal
    entry_value: Decimal
    open_fee: Decimal
    close_fee: Decimal


@dataclass(slots=True, eq=False)
class Position:
    """`idx` 0 is the netted one-way position, whose leg turns when it crosses zero; 1 long, 2 short.

    `open_fees` were paid for the part still held. `realised_before` is the all-time result when the current holding
    period began, so that Bybit's `curRealisedPnl` is the difference. `seq` is -1 until the first trade.
    """

    idx: int
    book: LegBook = field(init=False)
    open_fees: Decimal = ZERO
    realised_before: Decimal = ZERO
    created_ms: int = 0
    updated_ms: int = 0
    open_ms: int = 0
    seq: int = -1
    status: PositionStatus = PositionStatus.NORMAL

    def __post_init__(self) -> None:
        self.book = LegBook(leg=Leg.SHORT if self.idx == Leg.SHORT else Leg.LONG)

    @property
    def size(self) -> Decimal:
        return self.book.qty

    @property
    def signed_size(self) -> Decimal:
        """Size, below 0 when short."""
        return self.book.leg.sign * self.book.qty

    @property
    def side(self) -> Side | None:
        return self.book.leg.opening_side if self.book.qty else None

    @property
    def cur_realised(self) -> Decimal:
        return self.book.realised - self.realised_before

    def reducible_by(self, side: Side) -> Decimal:
        """Quantity that an order of this side could close."""
        return self.book.qty if self.book.leg.closing_side is side else ZERO

    def unrealised(self, mark: Decimal) -> Decimal:
        """Result of closing everything at `mark`, before fees."""
        return self.book.leg.sign * (self.book.qty * mark - self.book.entry_value)

    def apply(self, side: Side, qty: Decimal, price: Decimal, fee: Decimal, ts_ms: int) -> FillEffect:
        """Book a fill; in one-way mode it may close, open, or close and open on the other side."""
        closed = min(qty, self.reducible_by(side))
        opened = qty - closed
        close_fee = fee if not opened else to_money_step(fee * closed / qty)
        gross, entry_value, open_fee = self._close(closed, price, close_fee)
        if opened:
            self._open(side, opened, price, fee - close_fee, ts_ms)
        self.updated_ms = ts_ms
        return FillEffect(gross, closed, entry_value, open_fee, close_fee)

    def fund(self, amount: Decimal, ts_ms: int) -> None:
        """Book funding; `amount` > 0 was paid."""
        self.book = self.book.funded(amount)
        self.updated_ms = ts_ms

    def _close(self, qty: Decimal, price: Decimal, fee: Decimal) -> tuple[Decimal, Decimal, Decimal]:
        if not qty:
            return ZERO, ZERO, ZERO
        is_all = qty == self.book.qty
        open_fee = self.open_fees if is_all else to_money_step(self.open_fees * qty / self.book.qty)
        before = self.book.entry_value
        self.book, gross = self.book.closed(qty, price, fee)
        self.open_fees -= open_fee
        return gross, before - self.book.entry_value, open_fee

    def _open(self, side: Side, qty: Decimal, price: Decimal, fee: Decimal, ts_ms: int) -> None:
        if not self.book.qty:
            if self.idx == ONE_WAY:
                self.book = replace(self.book, leg=Leg.LONG if side is Side.BUY else Leg.SHORT)
            self.realised_before = self.book.realised
            self.open_ms = ts_ms
            self.created_ms = self.created_ms or ts_ms
        self.book = self.book.opened(qty, price, fee)
        self.open_fees += fee
