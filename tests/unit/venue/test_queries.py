"""What REST reads."""

from decimal import Decimal as D

from hedgegrid.venue.identity import IdSource
from tests.unit.venue.desk import BUY, SELL, Desk, accepted


def test_lists_are_newest_first_and_filtered() -> None:
    desk = Desk()
    first, second = desk.limit(BUY, 1, "1", "98"), desk.limit(BUY, 1, "1", "99", link="two")
    assert [o.order_id for o in desk.venue.orders_open("a")] == [accepted(second), accepted(first)]
    assert desk.venue.orders_open("a", "XYZUSDT") == []
    desk.print("97", "5", SELL)
    assert [o.order_id for o in desk.venue.orders_closed("a", limit=1)] == [accepted(first)]
    assert [e.order_id for e in desk.venue.executions("a", "ABCUSDT")] == [accepted(first), accepted(second)]
    by_link = desk.venue.order_by_link("a", "two")
    assert by_link is not None
    assert by_link.order_id == accepted(second)
    assert desk.venue.order_by_link("a", "three") is None


def test_positions_without_a_symbol_hold_something() -> None:
    desk = Desk()
    assert desk.venue.positions("a") == []
    assert [p.position_idx for p in desk.venue.positions("a", "ABCUSDT")] == [1, 2]
    assert desk.position(1).seq == -1
    desk.market(SELL, 2, "1")
    assert [(p.symbol, p.position_idx) for p in desk.venue.positions("a")] == [("ABCUSDT", 2)]


def test_the_ticker_knows_what_was_put_in() -> None:
    desk = Desk()
    assert desk.venue.ticker("XYZUSDT").last_price is None
    assert desk.venue.ticker("XYZUSDT").price_limit_buy is None
    desk.print("100", "1", BUY)
    desk.funding("0.0002")
    ticker = desk.venue.ticker("ABCUSDT")
    assert (ticker.last_price, ticker.mark_price, ticker.funding_rate) == (D(100), D(100), D("0.0002"))
    assert (ticker.bid_price, ticker.ask_price, ticker.ask_size) == (D("99.9"), D("100.1"), D(10))


def test_the_venue_lists_its_instruments_and_accounts() -> None:
    venue = Desk().venue
    assert [i.symbol for i in venue.instruments()] == ["ABCUSDT", "XYZUSDT"]
    assert venue.instrument("XYZUSDT").tick_size == D("0.1")
    assert venue.accounts() == ["a"]


def test_ids_are_uuid_shaped_and_follow_from_the_seed() -> None:
    ids = IdSource(7, "order")
    first = ids.next_id()
    assert [len(part) for part in first.split("-")] == [8, 4, 4, 4, 12]
    assert first == IdSource(7, "order").next_id()
    assert len({first, ids.next_id(), IdSource(8, "order").next_id(), IdSource(7, "execution").next_id()}) == 4
