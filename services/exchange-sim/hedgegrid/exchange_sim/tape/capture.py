"""Wire capture of Bybit's public linear socket: `{t: send|recv|connect, conn, ts, data: raw frame}` a line.

Replayed: tickers (quote, mark, funding notice), publicTrade, orderbook.N (best bid and ask; preferred over the ticker's
quote where a symbol has both). Receive order is kept; times never go back.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.market_events import Events, FundingNotice, MarketEvent
from hedgegrid.tapes.lines import decoded, numbered_lines, positive
from hedgegrid.venue.requests import MarketQuote, MarketTrade, MarkPrice

Frame = dict[str, Any]


def read_capture(path: Path) -> Events:
    player = CapturePlayer()
    latest_ms = 0
    for _, events in decoded(path, numbered_lines(path), player.line):
        for event in events:
            latest_ms = max(latest_ms, event.ts_ms)
            yield event if event.ts_ms == latest_ms else msgspec.structs.replace(event, ts_ms=latest_ms)


class CapturePlayer:
    """Rebuilds tickers and books from frames, as a subscriber would."""

    def __init__(self) -> None:
        self._tickers: dict[str, dict[str, str]] = {}
        self._books: dict[str, _Book] = {}

    def line(self, line: bytes) -> list[MarketEvent]:
        """Events of one capture line; none for what the client sent and for acknowledgements."""
        record = msgspec.json.decode(line)
        if record["t"] != "recv":
            return []
        frame = msgspec.json.decode(record["data"])
        return list(self.frame(frame)) if "topic" in frame else []

    def frame(self, frame: Frame) -> Iterable[MarketEvent]:
        kind = frame["topic"].partition(".")[0]
        if kind == "tickers":
            return self._ticker(frame)
        if kind == "publicTrade":
            return map(_trade, frame["data"])
        if kind == "orderbook":
            return self._book(frame)
        return ()

    def _ticker(self, frame: Frame) -> Iterator[MarketEvent]:
        changed, at_ms = frame["data"], frame["ts"]
        symbol = changed["symbol"]
        if frame["type"] == "snapshot":
            self._tickers[symbol] = {}
        full = self._tickers.setdefault(symbol, {})
        full.update(changed)
        if "markPrice" in changed or "indexPrice" in changed:
            yield MarkPrice(
                symbol=symbol, mark_px=positive(full["markPrice"]), index_px=positive(full["indexPrice"]), ts_ms=at_ms
            )
        if "fundingRate" in changed or "nextFundingTime" in changed:
            rate, next_ms = full.get("fundingRate", ""), full.get("nextFundingTime", "")
            if rate and next_ms:
                yield FundingNotice(symbol=symbol, rate=Decimal(rate), next_ms=int(next_ms), ts_ms=at_ms)
        moved = "bid1Price" in changed or "ask1Price" in changed
        if moved and symbol not in self._books and full.get("bid1Price") and full.get("ask1Price"):
            yield MarketQuote(
                symbol=symbol,
                bid_px=positive(full["bid1Price"]),
                bid_qty=Decimal(full["bid1Size"]),
                ask_px=positive(full["ask1Price"]),
                ask_qty=Decimal(full["ask1Size"]),
                ts_ms=at_ms,
            )

    def _book(self, frame: Frame) -> Iterator[MarketEvent]:
        data = frame["data"]
        symbol = data["s"]
        if frame["type"] == "snapshot" or symbol not in self._books:
            self._books[symbol] = _Book()
        book = self._books[symbol]
        before = book.top()
        book.apply(data)
        top = book.top()
        if top is not None and top != before:
            bid_px, bid_qty, ask_px, ask_qty = top
            yield MarketQuote(
                symbol=symbol, bid_px=bid_px, bid_qty=bid_qty, ask_px=ask_px, ask_qty=ask_qty, ts_ms=frame["ts"]
            )


class _Book:
    """Price levels; size 0 deletes one."""

    def __init__(self) -> None:
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}

    def apply(self, data: Frame) -> None:
        for levels, side in ((data["b"], self._bids), (data["a"], self._asks)):
            for price_text, size_text in levels:
                price, size = positive(price_text), Decimal(size_text)
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)

    def top(self) -> tuple[Decimal, Decimal, Decimal, Decimal] | None:
        if not self._bids or not self._asks:
            return None
        bid, ask = max(self._bids), min(self._asks)
        return bid, self._bids[bid], ask, self._asks[ask]


def _trade(row: Frame) -> MarketTrade:
    return MarketTrade(
        symbol=row["s"],
        price=positive(row["p"]),
        qty=positive(row["v"]),
        taker_side=Side(row["S"]),
        ts_ms=int(row["T"]),
    )
