"""What can be made to happen at a time: to sockets and the server, to the market, and by a human beside the bot.

`at_s` is in venue seconds since the market began; `every_s` repeats it until it has happened `count` times (for ever
without); each time `probability` is drawn, for socket events once for each socket they match.
"""

from decimal import Decimal
from typing import Annotated, Literal

from msgspec import Meta, Struct

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.faults.kinds import AtLeastZero, Count, Probability, tag_of

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
PositionIdx = Literal[0, 1, 2]


def _require_positive(**amounts: Decimal | None) -> None:
    """Check the amounts that are given.

    Raises:
        ValueError: naming the first one that is not above 0.
    """
    for name, amount in amounts.items():
        if amount is not None and not (amount.is_finite() and amount > 0):
            raise ValueError(f"{name} must be above 0")


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=tag_of):
    at_s: AtLeastZero = 0.0
    every_s: Annotated[float, Meta(ge=0.1)] | None = None
    count: Count | None = None
    probability: Probability = 1.0


class SocketEvent(Event, frozen=True, kw_only=True):
    """`channel` (public, private, trade) and `account` are shell patterns."""

    channel: str = "*"
    account: str = "*"


class SocketClose(SocketEvent, frozen=True, kw_only=True):
    """TCP ends without a CLOSE frame; with `code` that frame is sent first."""

    code: Annotated[int, Meta(ge=1000, le=4999)] | None = None


class SocketStall(SocketEvent, frozen=True, kw_only=True):
    """No data for `for_s` wall seconds (for ever without); pings and requests are answered. What is missed is lost."""

    for_s: Seconds | None = None


class SocketHalfOpen(SocketEvent, frozen=True, kw_only=True):
    """Nothing is read and nothing sent, and TCP stays up; after `for_s` wall seconds it is cut (never without)."""

    for_s: Seconds | None = None


class Maintenance(Event, frozen=True, kw_only=True):
    """For `for_s` wall seconds: sockets cut and refused, REST answered with 10016."""

    for_s: Seconds


class ClockSkew(Event, frozen=True, kw_only=True):
    """The server's clock, which signatures are checked against, is off by `skew_ms` for `for_s` wall seconds."""

    skew_ms: Annotated[int, Meta(ge=-86_400_000, le=86_400_000)]
    for_s: Seconds | None = None


class AccountEvent(Event, frozen=True, kw_only=True):
    account: str
    symbol: str


class HumanOrder(AccountEvent, frozen=True, kw_only=True):
    """Somebody else trades on the account at market."""

    side: Side
    qty: Decimal
    position_idx: PositionIdx
    reduce_only: bool = False


class HumanClose(AccountEvent, frozen=True, kw_only=True):
    """Somebody closes a position, or `qty` of it, at market in web or app."""

    position_idx: PositionIdx
    qty: Decimal | None = None


class HumanCancel(AccountEvent, frozen=True, kw_only=True):
    """Somebody cancels the orders of a symbol, or the one with this `order_link_id`."""

    order_link_id: str = ""


class HumanLeverage(AccountEvent, frozen=True, kw_only=True):
    leverage: Decimal


class HumanMode(AccountEvent, frozen=True, kw_only=True):
    """Somebody switches the symbol to hedge or one-way mode, having closed what is in the way."""

    hedge: bool


class Liquidation(AccountEvent, frozen=True, kw_only=True):
    """The venue takes a position over at its bankruptcy price, whatever the margin."""

    position_idx: PositionIdx


class AutoDeleverage(AccountEvent, frozen=True, kw_only=True):
    """The venue closes `qty` of a position (all without) against somebody bankrupt, at `price` or the mark."""

    position_idx: PositionIdx
    qty: Decimal | None = None
    price: Decimal | None = None

    def __post_init__(self) -> None:
        _require_positive(qty=self.qty, price=self.price)


class SymbolEvent(Event, frozen=True, kw_only=True):
    symbol: str


class Funding(SymbolEvent, frozen=True, kw_only=True):
    """A funding moment out of its turn; `rate` is a fraction, positive: longs pay."""

    rate: Decimal

    def __post_init__(self) -> None:
        if not self.rate.is_finite() or abs(self.rate) >= 1:
            raise ValueError("rate must be a fraction between -1 and 1")


class FilterChange(SymbolEvent, frozen=True, kw_only=True):
    """New filters of a symbol; what is not named stays."""

    tick_size: Decimal | None = None
    qty_step: Decimal | None = None
    min_notional: Decimal | None = None

    def __post_init__(self) -> None:
        _require_positive(tick_size=self.tick_size, qty_step=self.qty_step, min_notional=self.min_notional)


class PriceJump(SymbolEvent, frozen=True, kw_only=True):
    """The market's prices are `factor` times what they were, at once and from now on."""

    factor: Decimal

    def __post_init__(self) -> None:
        if not Decimal("0.01") <= self.factor <= 100:
            raise ValueError("factor must be 0.01..100")


class BookReset(SymbolEvent, frozen=True, kw_only=True):
    """Every book of the symbol begins anew with a snapshot and update id 1, as after a restart of that service."""


class ReduceOnlySymbol(SymbolEvent, frozen=True, kw_only=True):
    """Orders that would enlarge a position are refused with 110023, until `only` is false again."""

    only: bool = True


class Delisting(SymbolEvent, frozen=True, kw_only=True):
    """The end is announced: status `Delivering`, positions may only be reduced (30228)."""


class Settlement(SymbolEvent, frozen=True, kw_only=True):
    """The end: orders cancelled, positions closed at `price` or the index, status `Closed`, no market any more."""

    price: Decimal | None = None

    def __post_init__(self) -> None:
        _require_positive(price=self.price)


class PartialFills(Event, frozen=True, kw_only=True):
    """From now on every fill comes as up to `parts` fills; 1 ends the storm."""

    parts: Annotated[int, Meta(ge=1, le=1000)]


AnyEvent = (
    SocketClose
    | SocketStall
    | SocketHalfOpen
    | Maintenance
    | ClockSkew
    | HumanOrder
    | HumanClose
    | HumanCancel
    | HumanLeverage
    | HumanMode
    | Liquidation
    | AutoDeleverage
    | Funding
    | FilterChange
    | PriceJump
    | BookReset
    | ReduceOnlySymbol
    | Delisting
    | Settlement
    | PartialFills
)
