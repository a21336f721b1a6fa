"""What subscribers see of one symbol: fed event by event, read as Bybit's ticker, trades and book."""

from collections import deque
from decimal import Decimal
from typing import Any

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import plain
from hedgegrid.exchange_sim.market.candles import Candles, DayWindow
from hedgegrid.exchange_sim.market.ladder import Ladder
from hedgegrid.exchange_sim.market_events import FundingNotice, MarketEvent
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice

OPEN_INTEREST_NOTIONAL = Decimal(1_000_000_000)
"""Shown open interest, in the quote coin at the first price; the simulator does not model it."""
RECENT_TRADES = 1000
PAST_FUNDINGS = 1000
HOUR_MS = 3_600_000
Row = dict[str, Any]
Levels = list[tuple[str, str]]
"""Price and size as on the wire."""


class SymbolView:
    """`sequence` counts the symbol's public changes (ticker `cs`, trade and book `seq`)."""

    def __init__(self, rules: Instrument, row: Row) -> None:
        self.rules = rules
        self.quote: MarketQuote | None = None
        self.mark: MarkPrice | None = None
        self.last: Decimal | None = None
        self.candles = Candles()
        self.trades: deque[Row] = deque(maxlen=RECENT_TRADES)
        self.fresh: list[Row] = []
        """Trades since they were last published."""
        self.funded: deque[FundingDue] = deque(maxlen=PAST_FUNDINGS)
        self.sequence = int(row.get("symbolId", 1)) * 1_000_000_000
        self._funding: FundingNotice | None = None
        self._funding_cap: str = row.get("upperFundingRate", "")
        self._day = DayWindow()
        self._ladder = Ladder(rules.tick_size)
        self._texts: dict[str, tuple[Decimal | None, str]] = {}
        self._direction = "ZeroPlusTick"
        self._open_interest: Decimal | None = None

    def apply(self, event: MarketEvent) -> None:
        self.sequence += 1
        if isinstance(event, MarketTrade):
            self._trade(event)
        elif isinstance(event, MarketQuote):
            self.quote = event
        elif isinstance(event, MarkPrice):
            self.mark = event
        elif isinstance(event, FundingNotice):
            self._funding = event
        elif isinstance(event, FundingDue):
            self._funding = None
            self.funded.append(event)

    @property
    def is_priced(self) -> bool:
        """A quote and a mark are known, so tickers have prices and orders can be taken."""
        return self.quote is not None and self.mark is not None

    def mid(self) -> Decimal | None:
        """Middle of the quote on tick, the mark of a tape that has none; before any quote the last trade."""
        if self.quote is None:
            return self.last
        return self.rules.price_down((self.quote.bid_px + self.quote.ask_px) / 2)

    def take_fresh(self) -> list[Row]:
        fresh, self.fresh = self.fresh, []
        return fresh

    def ticker(self) -> Row:
        """Every field of the socket's ticker snapshot, all strings."""
        quote, mark, day = self.quote, self.mark, self._day.day()
        last = self.last if self.last is not None else self.mid()
        mark_px = mark.mark_px if mark is not None else last
        index_px = mark.index_px if mark is not None and mark.index_px else mark_px
        before = day.open if day is not None else last
        interest = self._interest(mark_px)
        value = _text(interest * mark_px if interest and mark_px else None)
        change = last / before - 1 if last is not None and before else None
        funding = self._funding
        mark_text, interest_text = _text(mark_px), self._kept("interest", interest)
        return {
            "symbol": self.rules.symbol,
            "tickDirection": self._direction,
            "price24hPcnt": "" if change is None else f"{change:.6f}",
            "lastPrice": _text(last),
            "prevPrice24h": self._kept("before", before),
            "highPrice24h": self._kept("high", day.high if day is not None else last),
            "lowPrice24h": self._kept("low", day.low if day is not None else last),
            "prevPrice1h": self._kept("hour", self._day.hour_ago() or last),
            "markPrice": mark_text,
            "indexPrice": mark_text if index_px is mark_px else _text(index_px),
            "openInterest": interest_text,
            "openInterestValue": value,
            "turnover24h": _text(day.turnover if day is not None else None) or "0",
            "volume24h": _text(day.volume if day is not None else None) or "0",
            "fundingIntervalHour": str(self.rules.funding_interval_min // 60),
            "fundingCap": self._funding_cap,
            "singleOpenInterest": interest_text,
            "singleOpenInterestValue": value,
            "nextFundingTime": str(funding.next_ms) if funding is not None else self._next_interval(),
            "fundingRate": plain(funding.rate) if funding is not None else "0",
            "bid1Price": _text(quote.bid_px if quote else None),
            "bid1Size": _text(quote.bid_qty if quote else None),
            "ask1Price": _text(quote.ask_px if quote else None),
            "ask1Size": _text(quote.ask_qty if quote else None),
            "preOpenPrice": "",
            "preQty": "",
            "curPreListingPhase": "",
        }

    def _kept(self, name: str, value: Decimal | None) -> str:
        """Text of a value that stays the same object for many ticks."""
        held = self._texts.get(name)
        if held is not None and held[0] is value:
            return held[1]
        text = _text(value)
        self._texts[name] = (value, text)
        return text

    def levels(self, depth: int) -> tuple[Levels, Levels]:
        """Bids and asks, best first: the quote's size on each of `depth` levels one tick apart."""
        quote, tick = self.quote, self.rules.tick_size
        if quote is None:
            return [], []
        bid_size, ask_size = plain(quote.bid_qty), plain(quote.ask_qty)
        if self._ladder.tick != tick:
            self._ladder = Ladder(tick)
        bids = [(price, bid_size) for price in self._ladder.down(quote.bid_px, depth)] if quote.bid_qty else []
        asks = [(price, ask_size) for price in self._ladder.up(quote.ask_px, depth)] if quote.ask_qty else []
        return bids, asks

    def _trade(self, trade: MarketTrade) -> None:
        before = self.last
        if before is None or trade.price == before:
            self._direction = f"Zero{self._direction.removeprefix('Zero')}"
        else:
            self._direction = "PlusTick" if trade.price > before else "MinusTick"
        self.last = trade.price
        self.candles.add(trade.price, trade.qty, trade.ts_ms)
        self._day.add(trade.price, trade.qty, trade.ts_ms)
        row = {
            "T": trade.ts_ms,
            "s": trade.symbol,
            "S": trade.taker_side.value,
            "v": plain(trade.qty),
            "p": plain(trade.price),
            "L": self._direction,
            "i": _trade_id(self.sequence),
            "BT": False,
            "RPI": False,
            "seq": self.sequence,
        }
        self.trades.append(row)
        self.fresh.append(row)

    def _interest(self, price: Decimal | None) -> Decimal | None:
        if self._open_interest is None and price:
            self._open_interest = self.rules.qty_down(OPEN_INTEREST_NOTIONAL / price)
        return self._open_interest

    def _next_interval(self) -> str:
        seen = max((event.ts_ms for event in (self.quote, self.mark) if event is not None), default=0)
        interval_ms = self.rules.funding_interval_min * 60_000
        return str((seen // interval_ms + 1) * interval_ms)


def _trade_id(number: int) -> str:
    """A number in the form of a UUID."""
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _text(value: Decimal | None) -> str:
    return "" if value is None else plain(value)
