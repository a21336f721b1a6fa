"""Public frames of one symbol, merged into a full view: `tickers` snapshot and deltas, `orderbook.1` best levels."""

from decimal import Decimal

import msgspec

from hedgegrid.bybit.parse_fields import ParseError, Value, decimal_or_none, integer_or_none
from hedgegrid.messages.market import QuoteTick

NS_PER_MS = 1_000_000
UNCHANGED_EVERY_MS = 1000
"""A book re-sent unchanged still makes a tick this often, so that readers see the quote confirmed."""


class TickerData(msgspec.Struct, frozen=True, rename="camel"):
    """Fields of a `tickers` frame that matter here. None: absent, so unchanged. "": known to be none now."""

    symbol: str | None = None
    last_price: Value = None
    mark_price: Value = None
    bid1_price: Value = None
    ask1_price: Value = None
    funding_rate: Value = None
    next_funding_time: Value = None


class TickerFrame(msgspec.Struct, frozen=True):
    """`cs` is the cross sequence, the same count as `seq` of order book and trades."""

    topic: str
    type: str
    data: TickerData
    ts: Value = None
    cs: Value = None


class BookData(msgspec.Struct, frozen=True):
    s: str | None = None
    b: tuple[tuple[str, str], ...] = ()
    a: tuple[tuple[str, str], ...] = ()
    u: Value = None
    seq: Value = None


class BookFrame(msgspec.Struct, frozen=True):
    """`orderbook.1`: snapshots only since 2025-03, deltas before that."""

    topic: str
    type: str
    data: BookData
    ts: Value = None


class TickerState:
    """What is known of one symbol on the present connection."""

    __slots__ = (
        "ask",
        "bid",
        "book_seq",
        "book_update",
        "funding_rate",
        "has_snapshot",
        "ignored",
        "last",
        "mark",
        "next_funding_ms",
        "symbol",
        "tick_ms",
    )

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.ignored = 0
        """Ticker deltas that came before a snapshot."""
        self.reset()

    def reset(self) -> None:
        """Forget everything: a new connection begins with a snapshot of its own."""
        self.last: Decimal | None = None
        self.mark: Decimal | None = None
        self.bid: Decimal | None = None
        self.ask: Decimal | None = None
        self.funding_rate: Decimal | None = None
        self.next_funding_ms: int | None = None
        self.has_snapshot = False
        self.book_seq = -1
        self.book_update: int | None = None
        self.tick_ms = 0

    def apply(self, frame: TickerFrame, recv_ns: int) -> QuoteTick | None:
        """Merge a `tickers` frame; the full view, or None while last, mark, bid or ask is not known.

        Raises:
            ParseError: unknown frame type or unreadable number; nothing was merged.
        """
        data = frame.data
        sequence = integer_or_none("cs", frame.cs)
        if frame.type == "delta":
            if not self.has_snapshot:
                self.ignored += 1
                return None
        elif frame.type != "snapshot":
            raise ParseError("type", frame.type, "unknown, expected snapshot or delta")
        last = _merged("lastPrice", data.last_price, self.last)
        mark = _merged("markPrice", data.mark_price, self.mark)
        bid, ask = self.bid, self.ask
        # Two topics tell bid and ask; the older word must not overwrite the newer one.
        if frame.type == "snapshot" or sequence is None or sequence >= self.book_seq:
            bid = _merged("bid1Price", data.bid1_price, bid)
            ask = _merged("ask1Price", data.ask1_price, ask)
        rate, due = self.funding_rate, self.next_funding_ms
        if data.funding_rate is not None:
            rate = decimal_or_none("fundingRate", data.funding_rate)
        if data.next_funding_time is not None:
            due = integer_or_none("nextFundingTime", data.next_funding_time)
        ts_event = integer_or_none("ts", frame.ts)
        self.last, self.mark, self.bid, self.ask = last, mark, bid, ask
        self.funding_rate, self.next_funding_ms = rate, due
        if frame.type == "snapshot":
            self.has_snapshot = True
            self.book_seq = -1
        return self._tick(ts_event, recv_ns)

    def apply_book(self, frame: BookFrame, recv_ns: int) -> QuoteTick | None:
        """Refresh bid and ask from an `orderbook.1` frame; a tick if they moved, or now and then if they did not.

        Raises:
            ParseError: unknown frame type or unreadable number; nothing was merged.
        """
        data = frame.data
        update = integer_or_none("u", data.u)
        if frame.type == "snapshot":
            bid = _price("b", data.b[0][0]) if data.b else None
            ask = _price("a", data.a[0][0]) if data.a else None
        elif frame.type == "delta":
            if self._is_gap(update):
                return None
            bid, ask = _best("b", data.b, self.bid), _best("a", data.a, self.ask)
        else:
            raise ParseError("type", frame.type, "unknown, expected snapshot or delta")
        sequence = integer_or_none("seq", data.seq)
        restarted = update == 1
        ts_event = integer_or_none("ts", frame.ts)
        if sequence is not None:
            if sequence < self.book_seq and not restarted:
                return None
            self.book_seq = sequence
        self.book_update = update
        moved = bid != self.bid or ask != self.ask
        self.bid, self.ask = bid, ask
        if not moved and ts_event is not None and ts_event - self.tick_ms < UNCHANGED_EVERY_MS:
            return None
        return self._tick(ts_event, recv_ns)

    def _is_gap(self, update: int | None) -> bool:
        """True when deltas are missing before this one: the best prices are unknown until the next snapshot."""
        known = self.book_update
        if update is None or known is None or update in (known + 1, 1):
            return False
        self.ignored += 1
        self.bid = self.ask = None
        return True

    def _tick(self, ts_event: int | None, recv_ns: int) -> QuoteTick | None:
        if self.last is None or self.mark is None or self.bid is None or self.ask is None:
            return None
        ts_init = recv_ns // NS_PER_MS
        self.tick_ms = ts_init if ts_event is None else ts_event
        return QuoteTick(
            symbol=self.symbol,
            last_px=self.last,
            mark_px=self.mark,
            bid_px=self.bid,
            ask_px=self.ask,
            funding_rate=self.funding_rate,
            next_funding_ms=self.next_funding_ms,
            ts_event=self.tick_ms,
            ts_init=ts_init,
            cause_ns=recv_ns,
        )


def _merged(field: str, value: Value, known: Decimal | None) -> Decimal | None:
    return known if value is None else _price(field, value)


def _price(field: str, value: Value) -> Decimal | None:
    """Price above zero; "" and "0" are how the venue says that there is none."""
    price = decimal_or_none(field, value)
    if price is not None and price < 0:
        raise ParseError(field, value, "a price is not negative")
    return price or None


def _best(field: str, levels: tuple[tuple[str, str], ...], known: Decimal | None) -> Decimal | None:
    """Best price after a level-1 delta: the level set, or none if the known one was only deleted."""
    for price, size in reversed(levels):
        if decimal_or_none(field, size):
            return _price(field, price)
    if any(_price(field, price) == known for price, _ in levels):
        return None
    return known
