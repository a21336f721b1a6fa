"""Leverage and position mode."""

from decimal import Decimal as D

import pytest

from hedgegrid.venue.reports import PositionReport
from tests.unit.venue.desk import BUY, Desk, accepted, refused


def test_set_leverage_moves_margin_and_reports_both_legs() -> None:
    desk = Desk()
    desk.limit(BUY, 1, "10", "99")
    desk.venue.drain()
    assert desk.venue.set_leverage("a", "ABCUSDT", D(20), 1) is None
    assert [r.position_idx for r in desk.drain(PositionReport)] == [1, 2]
    assert desk.wallet().order_im < D(52)
    assert desk.venue.leverage("a", "ABCUSDT") == 20
    assert desk.venue.leverage("a", "XYZUSDT") == 10


@pytest.mark.parametrize("leverage", ["0", "0.99", "50.01", "-1", "NaN", "10.005"])
def test_leverage_out_of_range_is_refused(leverage: str) -> None:
    assert refused(Desk().venue.set_leverage("a", "ABCUSDT", D(leverage), 1)) == 110013


def test_leverage_unchanged_and_unknown_symbol() -> None:
    venue = Desk().venue
    assert refused(venue.set_leverage("a", "ABCUSDT", D("10.00"), 1)) == 110043
    assert refused(venue.set_leverage("a", "NOPE", D(10), 1)) == 10001


def test_lower_leverage_needs_the_margin() -> None:
    desk = Desk(balance="150")
    desk.market(BUY, 1, "10")
    assert refused(desk.venue.set_leverage("a", "ABCUSDT", D(5), 1)) == 110045
    assert desk.venue.leverage("a", "ABCUSDT") == 10


def test_switch_mode_refusals() -> None:
    desk = Desk()
    assert refused(desk.venue.switch_mode("a", "ABCUSDT", True, 1)) == 110025
    assert refused(desk.venue.switch_mode("a", None, True, 1)) == 110025
    assert refused(desk.venue.switch_mode("a", "NOPE", True, 1)) == 10001
    order = desk.limit(BUY, 1, "1", "99")
    assert refused(desk.venue.switch_mode("a", "ABCUSDT", False, 1)) == 110028
    desk.cancel(order)
    desk.market(BUY, 1, "1")
    assert refused(desk.venue.switch_mode("a", "ABCUSDT", False, 1)) == 110024


def test_switch_mode_of_a_symbol() -> None:
    desk = Desk()
    assert desk.venue.switch_mode("a", "ABCUSDT", False, 1) is None
    accepted(desk.limit(BUY, 0, "1", "99"))
    assert refused(desk.limit(BUY, 1, "1", "99")) == 10001
    assert [p.position_idx for p in desk.venue.positions("a", "ABCUSDT")] == [0]
    assert [p.position_idx for p in desk.venue.positions("a", "XYZUSDT")] == [1, 2]


def test_switch_mode_by_coin_skips_symbols_in_use_and_sets_the_default() -> None:
    desk = Desk()
    desk.limit(BUY, 1, "1", "99")
    assert desk.venue.switch_mode("a", None, False, 1) is None
    assert desk.venue.hedge_mode("a", "ABCUSDT") is True
    assert desk.venue.hedge_mode("a", "XYZUSDT") is False
