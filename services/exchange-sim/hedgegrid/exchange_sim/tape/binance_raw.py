"""Binance USD-M raw feed, `<receive ns> {json}` a line: `trade` and `bookTicker`; everything else is skipped.

The two streams interleave with exchange times up to some ms out of order; receive order is kept, times never go back.
"""

from pathlib import Path
from typing import Any

import msgspec

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.market_events import Events
from hedgegrid.tapes.lines import decoded, not_negative, numbered_lines, positive
from hedgegrid.venue.requests import MarketQuote, MarketTrade


def read_binance_raw(path: Path) -> Events:
    latest_ms = 0
    for _, message in decoded(path, numbered_lines(path), _message):
        if message is None:
            continue
        latest_ms = max(latest_ms, message.ts_ms)
        yield message if message.ts_ms == latest_ms else msgspec.structs.replace(message, ts_ms=latest_ms)


def _message(line: bytes) -> MarketTrade | MarketQuote | None:
    stamp, _, text = line.partition(b" ")
    if not stamp.isdigit():
        raise ValueError("expected `<ns> {json}`")
    body = msgspec.json.decode(text)
    data = body.get("data")
    if data is None:
        return None
    kind = data["e"]
    if kind == "trade":
        return _trade(data) if data.get("X", "MARKET") == "MARKET" else None
    return _quote(data) if kind == "bookTicker" else None


def _trade(data: dict[str, Any]) -> MarketTrade:
    return MarketTrade(
        symbol=data["s"],
        price=positive(data["p"]),
        qty=positive(data["q"]),
        taker_side=Side.SELL if data["m"] else Side.BUY,
        ts_ms=int(data["T"]),
    )


def _quote(data: dict[str, Any]) -> MarketQuote:
    return MarketQuote(
        symbol=data["s"],
        bid_px=positive(data["b"]),
        bid_qty=not_negative(data["B"]),
        ask_px=positive(data["a"]),
        ask_qty=not_negative(data["A"]),
        ts_ms=int(data["T"]),
    )
