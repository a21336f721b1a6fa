"""Book levels as on the wire: one tick apart, without trailing zeros, never at or below 0."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.domain.money import plain
from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.venue.requests import MarketQuote

D = Decimal
RULES = load_listings(None)["BTCUSDT"].rules
TICKS = st.sampled_from(["0.1", "0.01", "0.10", "1", "5", "0.5", "0.00000100", "0.0000000001"])


@given(tick=TICKS, first=st.integers(1, 10**9), spread=st.integers(1, 5), depth=st.integers(1, 60))
def test_levels_are_the_prices_one_tick_apart(tick: str, first: int, spread: int, depth: int) -> None:
    step = D(tick)
    view = SymbolView(replace(RULES, tick_size=step), {})
    bid, ask = first * step, (first + spread) * step
    view.apply(MarketQuote(symbol="BTCUSDT", bid_px=bid, bid_qty=D("1.50"), ask_px=ask, ask_qty=D(2), ts_ms=0))
    bids, asks = view.levels(depth)
    assert bids == [(plain(bid - i * step), "1.5") for i in range(min(depth, first))]
    assert asks == [(plain(ask + i * step), "2") for i in range(depth)]


def test_an_empty_side_has_no_levels() -> None:
    view = SymbolView(RULES, {})
    assert view.levels(5) == ([], [])
    view.apply(MarketQuote(symbol="BTCUSDT", bid_px=D(1), bid_qty=D(0), ask_px=D(2), ask_qty=D(1), ts_ms=0))
    assert [len(side) for side in view.levels(5)] == [0, 5]
