"""What an account is worth and owes: by hand, and at the edges."""

import pytest

from hedgegrid.domain.order import Leg
from hedgegrid.guard.figures import RATE_CAP, measure
from hedgegrid.guard.view import Mark, OpeningOrder, Wallet
from tests.unit.guard.accounts import FEE, LONG, NOW_MS, SHORT, SYMBOL, D, figures, held, view


def test_one_long_leg_by_hand() -> None:
    shown = figures(view({LONG: held("20")}, balance="500"), mark="90")
    closing_fee = D(2000) * D("0.9") * FEE
    assert shown.equity == 300
    assert shown.mm_rate == ((D(1800) * D("0.005") + closing_fee) / 300).quantize(D("0.0001"), "ROUND_DOWN")
    assert shown.im_rate == ((D(180) + closing_fee) / 300).quantize(D("0.0001"), "ROUND_DOWN")
    assert shown.held_notional == shown.worst_notional == 1800


def test_a_higher_tier_costs_its_rate_less_its_deduction() -> None:
    shown = figures(view({LONG: held("300")}, balance="5000"))
    closing_fee = D(30_000) * D("0.9") * FEE
    assert shown.mm_rate == ((D(300) - 50 + closing_fee) / 5000).quantize(D("0.0001"), "ROUND_DOWN")


def test_orders_that_may_fill_count_in_full_and_at_mark_without_a_price() -> None:
    orders = (OpeningOrder(SYMBOL, Leg.LONG, D(2), D(95)), OpeningOrder(SYMBOL, Leg.SHORT, D(3), None))
    shown = figures(view({LONG: held("1")}, orders=orders))
    assert shown.worst_notional == 100 + 190 + 300
    assert shown.held_notional == 100
    bare = figures(view({LONG: held("1")}))
    assert shown.free is not None
    assert bare.free is not None
    margin = D(49) + 490 * FEE + (190 * D("0.9") + 300 * D("1.1")) * FEE
    assert bare.free - shown.free == margin


def test_an_account_without_equity_shows_the_cap() -> None:
    shown = figures(view({LONG: held("20")}, balance="100"), mark="90")
    assert shown.mm_rate == RATE_CAP
    assert shown.liquidation_distance == 0


@pytest.mark.parametrize("mark", ["100", "80", "60"])
def test_the_liquidation_distance_is_where_equity_meets_the_margin(mark: str) -> None:
    at = view({LONG: held("300", cum="7")}, balance="20000")
    now = figures(at, mark)
    assert now.liquidation_distance is not None
    there = D(mark) * (1 - now.liquidation_distance)
    then = figures(at, there)
    assert then.equity is not None
    value = 300 * there
    rate, deduction = (D("0.005"), 0) if value <= 10_000 else (D("0.01"), 50)
    owed = value * rate - deduction + D(30_000) * D("0.9") * FEE
    assert abs(then.equity - owed) < D("1E-15")


def test_a_rising_market_takes_a_short_through_the_tiers() -> None:
    at = view({SHORT: held("400")}, balance="20000")
    now = figures(at)
    assert now.liquidation_distance is not None
    there = 100 * (1 + now.liquidation_distance)
    owed = 400 * there * D("0.02") - 550 + D(40_000) * D("1.1") * FEE
    then = figures(at, there)
    assert then.equity is not None
    assert 400 * there > 50_000
    assert abs(then.equity - owed) < D("1E-15")


def test_equal_legs_have_no_nearby_liquidation() -> None:
    shown = figures(view({LONG: held("10"), SHORT: held("10")}))
    assert shown.liquidation_distance is not None
    assert shown.liquidation_distance > 5  # only the growth of the margin itself eats the equity


def test_a_small_long_is_never_liquidated() -> None:
    assert figures(view({LONG: held("1")}, balance="1000")).liquidation_distance is None


def test_what_cannot_be_seen_is_not_guessed() -> None:
    without_mark = measure(view({LONG: held("1")}, started_ms=NOW_MS - 700), {}, FEE, NOW_MS)
    assert (without_mark.equity, without_mark.mm_rate) == (None, None)
    assert (without_mark.blind_ms, without_mark.blind_why) == (700, f"the mark of {SYMBOL}")
    without_wallet = figures(view({LONG: held("1")}, wallet=None, started_ms=NOW_MS - 50))
    assert (without_wallet.equity, without_wallet.wallet_ms) == (None, 50)


def test_only_marks_that_matter_get_old() -> None:
    old = {SYMBOL: Mark(D(100), NOW_MS - 90_000)}
    assert measure(view({LONG: held("0")}), old, FEE, NOW_MS).blind_ms == 0
    assert measure(view({LONG: held("1")}), old, FEE, NOW_MS).blind_ms == 90_000
    resting = (OpeningOrder(SYMBOL, Leg.LONG, D(1), D(90)),)
    assert measure(view(orders=resting), old, FEE, NOW_MS).blind_ms == 90_000


def test_the_venues_figure_is_shown_with_its_age_and_the_difference() -> None:
    at = view({LONG: held("20")}, wallet=Wallet(D(500), D("0.5"), D("0.01"), NOW_MS - 3000))
    shown = figures(at)
    assert (shown.venue_mm_rate, shown.venue_age_ms) == (D("0.01"), 3000)
    assert shown.mm_rate is not None
    assert shown.difference == shown.mm_rate - D("0.01")
