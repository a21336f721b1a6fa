"""The synthetic market is a function of its seed."""

from decimal import Decimal
from itertools import islice, pairwise

import pytest

from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.market_events import MarketEvent
from hedgegrid.exchange_sim.synthetic import Regime, SyntheticSource
from hedgegrid.venue.requests import MarketQuote, MarketTrade, MarkPrice

LISTINGS = load_listings(None)
SYMBOLS = ("BTCUSDT", "DOGEUSDT")


def source(regime: Regime, seed: int) -> SyntheticSource:
    prices = {symbol: LISTINGS[symbol].synthetic_price for symbol in SYMBOLS}
    return SyntheticSource([LISTINGS[symbol].rules for symbol in SYMBOLS], prices, regime, seed)


def first(regime: Regime, seed: int, number: int) -> list[MarketEvent]:
    return list(islice(source(regime, seed).events(), number))


@pytest.mark.parametrize("regime", list(Regime))
def test_the_same_seed_gives_the_same_events(regime: Regime) -> None:
    assert first(regime, 7, 3000) == first(regime, 7, 3000)


def test_another_seed_gives_another_market() -> None:
    assert first(Regime.CHOP, 1, 3000) != first(Regime.CHOP, 2, 3000)


@pytest.mark.parametrize("regime", list(Regime))
def test_events_are_valid_for_the_instruments(regime: Regime) -> None:
    last_ms = 0
    for event in first(regime, 3, 20_000):
        rules = LISTINGS[event.symbol].rules
        assert event.ts_ms >= last_ms
        last_ms = event.ts_ms
        if isinstance(event, MarketTrade):
            assert rules.is_on_tick(event.price)
            assert rules.is_on_step(event.qty)
            assert event.qty >= rules.min_qty
        elif isinstance(event, MarketQuote):
            assert event.ask_px - event.bid_px == rules.tick_size
            assert event.bid_qty > 0 < event.ask_qty


def marks(regime: Regime, seconds: int) -> list[Decimal]:
    events = source(regime, 5).events()
    found: list[Decimal] = []
    for event in events:
        if isinstance(event, MarkPrice) and event.symbol == "BTCUSDT":
            found.append(event.mark_px)
            if len(found) == seconds * 10:
                break
    return found


def test_chop_returns_to_its_reference_again_and_again() -> None:
    prices = marks(Regime.CHOP, 1200)
    reference = LISTINGS["BTCUSDT"].synthetic_price
    crossings = sum((a < reference) != (b < reference) for a, b in pairwise(prices))
    assert crossings > 20
    assert max(prices) / min(prices) < Decimal("1.06")


def test_crash_falls_a_fifth_within_two_minutes() -> None:
    prices = marks(Regime.CRASH, 120)
    assert min(prices) / prices[0] < Decimal("0.85")


def test_flat_stands_still() -> None:
    assert len(set(marks(Regime.FLAT, 60))) == 1
