"""Order vocabulary (FIX terms; `docs/glossary.md`) and the two legs of hedge mode."""

from enum import IntEnum, StrEnum


class Side(StrEnum):
    """Side of the book an order takes, spelled as Bybit spells it."""

    BUY = "Buy"
    SELL = "Sell"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class Leg(IntEnum):
    """One half of a hedge-mode position; the value is Bybit's `positionIdx`."""

    LONG = 1
    SHORT = 2

    @property
    def opening_side(self) -> Side:
        """Side of an order that enlarges this leg."""
        return Side.BUY if self is Leg.LONG else Side.SELL

    @property
    def closing_side(self) -> Side:
        """Side of an order that shrinks this leg."""
        return self.opening_side.opposite

    @property
    def sign(self) -> int:
        """+1 where a rising price earns, -1 where it loses."""
        return 1 if self is Leg.LONG else -1

    @property
    def word(self) -> str:
        """`long` or `short`, as reports and metric labels spell it."""
        return self.name.lower()


class OrderType(StrEnum):
    LIMIT = "Limit"
    MARKET = "Market"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    POST_ONLY = "PostOnly"


class ExecType(StrEnum):
    """What an execution row is (Bybit `execType`, docs/v5/enum)."""

    TRADE = "Trade"
    FUNDING = "Funding"
    BUST_TRADE = "BustTrade"
    ADL_TRADE = "AdlTrade"
    SETTLE = "Settle"
    DELIVERY = "Delivery"


class Purpose(StrEnum):
    """Why the strategy wants an order; one letter inside the client order id."""

    ENTRY = "E"
    AVERAGING = "A"
    TAKE_PROFIT = "T"
    CLOSE = "C"
    """To become flat: operator, guard."""
    REDUCE = "R"
    """Part of a position, at the guard's word."""
    STOP = "S"
    """The leg's own stop-loss."""
    EMERGENCY = "K"
    """Closed by the executor itself, for the kill switch, when the bots could not."""

    @property
    def closes(self) -> bool:
        """True for orders that only shrink a leg."""
        return self not in (Purpose.ENTRY, Purpose.AVERAGING)


def leg_of_fill(side: Side, closed_qty_is_positive: bool) -> Leg:
    """Leg of an execution row, which carries no `positionIdx`.

    In hedge mode a Buy that closed something shrank the short leg, any other Buy enlarged the long one.
    """
    opens_long = side is Side.BUY
    return Leg.LONG if opens_long != closed_qty_is_positive else Leg.SHORT
