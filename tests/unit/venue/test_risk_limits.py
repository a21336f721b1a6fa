"""Risk tiers: the modelled table, and what it refuses."""

from dataclasses import replace
from decimal import Decimal as D
from itertools import pairwise

import pytest

from hedgegrid.domain.order import Leg, OrderType
from hedgegrid.domain.risk import RiskTier, maintenance_margin
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import MarketQuote, MarkPrice, NewOrder
from hedgegrid.venue.risk_limits import modelled_tiers
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, instrument, refused

TIERS = (
    RiskTier(limit_value=D(1000), im_rate=D("0.02"), mm_rate=D("0.01"), mm_deduction=D(0), max_leverage=D(50)),
    RiskTier(limit_value=D(3000), im_rate=D("0.1"), mm_rate=D("0.05"), mm_deduction=D(40), max_leverage=D(10)),
    RiskTier(limit_value=D(5000), im_rate=D("0.2"), mm_rate=D("0.1"), mm_deduction=D(190), max_leverage=D(5)),
)


def tiered(leverage: str) -> Desk:
    desk = Desk(leverage=leverage)
    desk.venue = Venue([replace(instrument(), risk_tiers=TIERS)])
    desk.venue.open_account("a", D(100000), hedge_mode=True, leverage=D(leverage))
    desk.mark("100")
    desk.quote("99.9", "100", "100.1", "100")
    return desk


@pytest.mark.parametrize(
    ("max_leverage", "limit", "rate"),
    [
        ("125", "2000000", "0.004"),
        ("100", "2000000", "0.005"),
        ("66.67", "200000", "0.0075"),
        ("12.5", "50000", "0.04"),
    ],
)
def test_the_lowest_modelled_tier_is_as_captured(max_leverage: str, limit: str, rate: str) -> None:
    lowest = modelled_tiers(D(max_leverage))[0]
    assert (lowest.limit_value, lowest.mm_rate, lowest.max_leverage) == (D(limit), D(rate), D(max_leverage))


def test_modelled_tiers_rise_and_meet_without_a_step() -> None:
    tiers = modelled_tiers(D(100))
    for low, high in pairwise(tiers):
        assert low.limit_value < high.limit_value
        assert low.mm_rate < high.mm_rate
        assert low.max_leverage > high.max_leverage
        edge = low.limit_value
        assert edge * low.mm_rate - low.mm_deduction == edge * high.mm_rate - high.mm_deduction


def test_an_instrument_without_a_table_gets_the_modelled_one_and_unique_ids() -> None:
    venue = Desk().venue
    rows = [*venue.risk_limits("ABCUSDT"), *venue.risk_limits("XYZUSDT")]
    assert len({row.risk_id for row in rows}) == len(rows)
    assert tuple(row.tier for row in venue.risk_limits("ABCUSDT")) == venue.instrument("ABCUSDT").tiers
    assert [row.is_lowest for row in venue.risk_limits("ABCUSDT")] == [True, *[False] * 9]


def test_the_position_names_its_tier_and_pays_its_margin() -> None:
    desk = tiered("5")
    assert (desk.position(1).risk_id, desk.position(1).risk_limit_value) == (1, D(1000))
    desk.market(BUY, 1, "20")
    row = desk.position(1)
    assert (row.risk_id, row.risk_limit_value) == (2, D(3000))
    expected = maintenance_margin(TIERS, D(2000), D(2002), Leg.LONG, D(5), D("0.00055"))
    assert expected == D(2000) * D("0.05") - D(40) + D(2002) * D("0.8") * D("0.00055")
    assert row.position_mm == expected


def test_margins_of_a_hedged_leg_as_captured() -> None:
    """ADAUSDT long 43, value 16.036 at entry, mark 0.3702, 75×, tier of 0.75 %: IM 0.22095025, MM 0.12809175.

    The last digit but one differs: Bybit seems to round the bankruptcy price on the way.
    """
    tier = RiskTier(
        limit_value=D(200000), im_rate=D("0.01333"), mm_rate=D("0.0075"), mm_deduction=D(0), max_leverage=D(75)
    )
    rules = instrument(tick_size=D("0.0001"), min_price=D("0.0001"), max_leverage=D(75), min_notional=D(1))
    venue = Venue([replace(rules, risk_tiers=(tier,))])
    venue.open_account("a", D(100), hedge_mode=True, leverage=D(75))
    for qty, price in ((D(30), D("0.3729")), (D(13), D("0.3730"))):
        quote = MarketQuote(symbol="ABCUSDT", bid_px=price, bid_qty=D(0), ask_px=price, ask_qty=qty, ts_ms=1)
        venue.on_quote(quote)
        order = NewOrder(symbol="ABCUSDT", side=BUY, order_type=OrderType.MARKET, qty=qty, position_idx=1)
        accepted(venue.submit("a", order, 2))
    venue.on_mark(MarkPrice(symbol="ABCUSDT", mark_px=D("0.3702"), ts_ms=3))
    row = venue.position("a", "ABCUSDT", 1)
    assert (row.position_value, row.size) == (D("16.036"), D(43))
    assert abs(row.position_im - D("0.22095025")) <= D("0.00000005")
    assert abs(row.position_mm - D("0.12809175")) <= D("0.00000005")
    assert row.unrealised_pnl == D("-0.1174")


def test_a_position_beyond_the_leverage_s_tier_is_refused() -> None:
    desk = tiered("20")
    assert refused(desk.limit(BUY, 1, "10.01", "100")) == 110090
    accepted(desk.limit(BUY, 1, "6", "100"))
    assert refused(desk.limit(BUY, 1, "4.1", "100")) == 110090
    accepted(desk.limit(SELL, 2, "9", "101"))
    desk = tiered("10")
    first = desk.limit(BUY, 1, "20", "100")
    assert refused(desk.amend(first, qty="30.5")) == 110090
    accepted(desk.amend(first, qty="30"))


def test_a_position_beyond_the_last_tier_is_refused_at_any_leverage() -> None:
    desk = tiered("1")
    assert refused(desk.limit(BUY, 1, "50.01", "100")) == 110089
    accepted(desk.limit(BUY, 1, "50", "100"))


def test_leverage_is_bound_by_the_tier_of_what_is_held_and_ordered() -> None:
    desk = tiered("5")
    desk.market(BUY, 1, "9")
    assert desk.venue.set_leverage("a", "ABCUSDT", D(40), desk.tick()) is None
    assert desk.venue.set_leverage("a", "ABCUSDT", D(5), desk.tick()) is None
    accepted(desk.limit(BUY, 1, "5", "99"))
    assert refused(desk.venue.set_leverage("a", "ABCUSDT", D("10.01"), desk.tick())) == 110013
    assert desk.venue.set_leverage("a", "ABCUSDT", D(10), desk.tick()) is None


def test_a_lowered_maximum_refuses_new_exposure_at_the_old_leverage() -> None:
    low = replace(TIERS[0], max_leverage=D(4))
    venue = Venue([replace(instrument(), risk_tiers=(low,))])
    venue.open_account("a", D(1000))
    venue.on_mark(MarkPrice(symbol="ABCUSDT", mark_px=D(100), ts_ms=1))
    venue.on_quote(
        MarketQuote(symbol="ABCUSDT", bid_px=D("99.9"), bid_qty=D(9), ask_px=D("100.1"), ask_qty=D(9), ts_ms=1)
    )
    order = NewOrder(symbol="ABCUSDT", side=BUY, order_type=OrderType.MARKET, qty=D(1))
    assert refused(venue.submit("a", order, 2)) == 110086
