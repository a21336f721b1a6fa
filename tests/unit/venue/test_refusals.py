"""Each rule of order creation refuses with Bybit's code and leaves no trace."""

from decimal import Decimal as D

import pytest

from hedgegrid.domain.order import OrderType
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import NewOrder
from hedgegrid.venue.rules import MAX_ACTIVE_ORDERS
from tests.unit.venue.desk import BUY, SELL, Desk, accepted, instrument, refused


@pytest.mark.parametrize(
    ("qty", "price", "code"),
    [
        ("0", "100", 10001),
        ("-1", "100", 10001),
        ("NaN", "100", 10001),
        ("Infinity", "100", 10001),
        ("1000.01", "100", 10001),
        ("1E+40", "100", 10001),
        ("0.004", "100", 110017),
        ("0.04", "100", 110094),
        ("1", "100.05", 110003),
        ("1", "0", 110003),
        ("1", "-5", 110003),
        ("1", "NaN", 110003),
        ("1", "100000.1", 110003),
        ("1", "1E-90", 110003),
    ],
)
def test_a_limit_order_outside_the_filters_is_refused(qty: str, price: str, code: int) -> None:
    desk = Desk()
    assert refused(desk.limit(BUY, 1, qty, price)) == code
    assert desk.venue.drain() == []
    assert desk.venue.orders_open("a") == []


def test_quantity_below_the_minimum_is_refused_after_truncation() -> None:
    venue = Venue([instrument(min_qty=D("0.1"))])
    venue.open_account("a", D(1000))
    order = NewOrder(symbol="ABCUSDT", side=BUY, order_type=OrderType.LIMIT, qty=D("0.099"), price=D(100))
    assert refused(venue.submit("a", order, 1)) == 10001


def test_quantity_is_truncated_to_the_step_not_refused() -> None:
    desk = Desk()
    assert desk.order(desk.limit(BUY, 1, "1.239", "99")).qty == D("1.23")


def test_a_limit_order_needs_a_price() -> None:
    desk = Desk()
    order = NewOrder(symbol="ABCUSDT", side=BUY, order_type=OrderType.LIMIT, qty=D(1), position_idx=1)
    assert refused(desk.venue.submit("a", order, 1)) == 10001


def test_an_unknown_symbol_is_refused() -> None:
    desk = Desk()
    order = NewOrder(symbol="NOPE", side=BUY, order_type=OrderType.MARKET, qty=D(1), position_idx=1)
    assert refused(desk.venue.submit("a", order, 1)) == 10001


@pytest.mark.parametrize(("hedge", "idx"), [(True, 0), (True, 3), (True, -1), (False, 1), (False, 2)])
def test_position_idx_must_fit_the_mode(hedge: bool, idx: int) -> None:
    assert refused(Desk(hedge=hedge).limit(BUY, idx, "1", "99")) == 10001


@pytest.mark.parametrize("link", ["x" * 37, "a b", "é", "a.b", "a\n"])
def test_a_malformed_link_id_is_refused(link: str) -> None:
    assert refused(Desk().limit(BUY, 1, "1", "99", link=link)) == 10001


def test_a_link_id_is_never_free_again() -> None:
    desk = Desk()
    first = desk.limit(BUY, 1, "1", "99", link="x" * 36)
    assert refused(desk.limit(BUY, 1, "1", "98", link="x" * 36)) == 110072
    desk.cancel(first)
    assert refused(desk.limit(BUY, 1, "1", "98", link="x" * 36)) == 110072


def test_a_refused_order_does_not_use_up_its_link_id() -> None:
    desk = Desk()
    assert refused(desk.limit(BUY, 1, "0.04", "99", link="one")) == 110094
    accepted(desk.limit(BUY, 1, "1", "99", link="one"))


def test_two_accounts_may_use_the_same_link_id() -> None:
    desk = Desk()
    desk.venue.open_account("b", D(1000), hedge_mode=True)
    accepted(desk.limit(BUY, 1, "1", "99", link="one"))
    accepted(desk.limit(BUY, 1, "1", "99", link="one", account="b"))


def test_margin_and_fees_must_be_available() -> None:
    desk = Desk(balance="101.04")
    # 10 × 100 at 10×: 100 margin + 0.55 to open + 0.495 to close at the bankruptcy price
    assert refused(desk.limit(BUY, 1, "10", "100")) == 110007
    desk = Desk(balance="101.045")
    accepted(desk.limit(BUY, 1, "10", "100"))
    assert desk.wallet().order_im == D("101.045")
    assert desk.wallet().available_balance == 0
    assert refused(desk.limit(BUY, 1, "0.06", "99")) == 110007


def test_a_market_order_needs_margin_at_its_price_bound() -> None:
    assert refused(Desk(balance="101.04").market(BUY, 1, "10")) == 110007
    assert refused(Desk(balance="101.04").market(SELL, 2, "10")) == 110007


def test_reduce_only_needs_no_margin() -> None:
    desk = Desk(balance="102.2")
    accepted(desk.market(BUY, 1, "10"))
    assert refused(desk.limit(BUY, 1, "1", "99")) == 110007
    accepted(desk.limit(SELL, 1, "10", "110", reduce=True))


def test_cancelling_frees_the_margin() -> None:
    desk = Desk()
    desk.cancel(desk.limit(BUY, 1, "10", "99"))
    assert desk.wallet().order_im == 0


def test_the_501st_active_order_is_refused() -> None:
    desk = Desk(balance="10000000")
    orders = [desk.limit(BUY, 1, "0.1", "99") for _ in range(MAX_ACTIVE_ORDERS)]
    assert refused(desk.limit(BUY, 1, "0.1", "99")) == 110020
    desk.cancel(orders[7])
    accepted(desk.limit(BUY, 1, "0.1", "99"))


def test_an_account_is_opened_once() -> None:
    with pytest.raises(ValueError, match="open already"):
        Desk().venue.open_account("a", D(1))
