"""Merging ticker snapshots, deltas and best levels: against a plain model, with any subset of fields."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.bybit import parse
from hedgegrid.messages.market import QuoteTick

NAMES = {"lastPrice": "last_px", "markPrice": "mark_px", "bid1Price": "bid_px", "ask1Price": "ask_px"}


def frame(kind: str, ts: int = 1, cs: int | None = None, /, **fields: str) -> bytes:
    return json.dumps({"topic": "tickers.X", "type": kind, "data": fields, "cs": cs, "ts": ts}).encode()


def book(kind: str, bids: list[list[str]], asks: list[list[str]], seq: int, ts: int = 1, u: int = 2) -> bytes:
    data = {"s": "X", "b": bids, "a": asks, "u": u, "seq": seq}
    return json.dumps({"topic": "orderbook.1.X", "type": kind, "ts": ts, "data": data}).encode()


def full(price: str = "100", ts: int = 1, cs: int | None = None) -> bytes:
    return frame("snapshot", ts, cs, lastPrice=price, markPrice=price, bid1Price=price, ask1Price=price)


def test_delta_before_snapshot_is_ignored_and_counted() -> None:
    ticks = parse.TickerBook()
    assert ticks.apply(frame("delta", lastPrice="1", markPrice="1", bid1Price="1", ask1Price="1"), 1) is None
    assert ticks.ignored == 1
    assert ticks.apply(full(), 1) is not None
    ticks.reset("X")
    assert ticks.apply(frame("delta", lastPrice="1"), 1) is None
    assert ticks.ignored == 2


def test_tick_carries_times_and_funding() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(), 1)
    tick = ticks.apply(frame("delta", 7, fundingRate="-0.0001", nextFundingTime="123"), 5_000_000)
    assert tick is not None
    assert (tick.ts_event, tick.ts_init, tick.cause_ns) == (7, 5, 5_000_000)
    assert (tick.funding_rate, tick.next_funding_ms) == (Decimal("-0.0001"), 123)
    gone = ticks.apply(frame("delta", 8, fundingRate="", nextFundingTime=""), 1)
    assert gone is not None
    assert (gone.funding_rate, gone.next_funding_ms) == (None, None)


PRICES = st.sampled_from(["1", "2.5", "65114.30", "0.00001", "", "0"])
DELTAS = st.lists(st.dictionaries(st.sampled_from(list(NAMES)), PRICES), max_size=12)


@given(DELTAS, st.dictionaries(st.sampled_from(list(NAMES)), PRICES))
def test_any_deltas_give_what_a_plain_merge_gives(deltas: list[dict[str, str]], first: dict[str, str]) -> None:
    ticks = parse.TickerBook()
    known: dict[str, str] = {}
    for number, fields in enumerate([first, *deltas]):
        known.update(fields)
        tick = ticks.apply(frame("delta" if number else "snapshot", number + 1, **fields), 1)
        if all(known.get(name) not in (None, "", "0") for name in NAMES):
            assert isinstance(tick, QuoteTick)
            assert {name: getattr(tick, NAMES[name]) for name in NAMES} == {
                name: Decimal(known[name]) for name in NAMES
            }
        else:
            assert tick is None


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_garbage_is_a_parse_error(raw: bytes | str) -> None:
    with pytest.raises(parse.ParseError):
        parse.TickerBook().apply(raw, 1)


@pytest.mark.parametrize(
    "bad",
    [
        frame("delta", lastPrice="x"),
        frame("delta", markPrice="NaN"),
        frame("delta", bid1Price="-1"),
        frame("delta", nextFundingTime="never"),
        frame("odd", lastPrice="1"),
        book("snapshot", [["x", "1"]], [["2", "1"]], 5),
        book("odd", [], [], 5),
    ],
)
def test_a_bad_frame_changes_nothing(bad: bytes) -> None:
    ticks = parse.TickerBook()
    before = ticks.apply(full(), 1)
    with pytest.raises(parse.ParseError):
        ticks.apply(bad, 1)
    assert ticks.apply(frame("delta", 1), 1) == before


def test_book_moves_bid_and_ask() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(ts=1000, cs=10), 1)
    tick = ticks.apply(book("snapshot", [["99", "1"]], [["101", "2"]], seq=11, ts=1010), 1)
    assert tick is not None
    assert (tick.bid_px, tick.ask_px, tick.last_px) == (Decimal(99), Decimal(101), Decimal(100))


def test_unchanged_book_confirms_the_quote_once_a_second() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(ts=1000, cs=10), 1)
    same = [["100", "1"]]
    assert ticks.apply(book("snapshot", same, same, seq=11, ts=1500), 1) is None
    assert ticks.apply(book("snapshot", same, same, seq=12, ts=2000), 1) is not None
    assert ticks.apply(book("snapshot", same, same, seq=12, ts=2100), 1) is None


def test_older_word_about_the_best_prices_does_not_win() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(ts=1000, cs=10), 1)
    ticks.apply(book("snapshot", [["99", "1"]], [["101", "2"]], seq=20, ts=1010), 1)
    late = ticks.apply(frame("delta", 1011, 15, bid1Price="98", lastPrice="97"), 1)
    assert late is not None
    assert (late.bid_px, late.last_px) == (Decimal(99), Decimal(97))
    assert ticks.apply(book("snapshot", [["98", "1"]], [["101", "2"]], seq=19, ts=1012), 1) is None
    newer = ticks.apply(frame("delta", 1013, 21, bid1Price="98.5"), 1)
    assert newer is not None
    assert newer.bid_px == Decimal("98.5")


def test_restarted_book_counts_from_the_beginning() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(ts=1000, cs=10), 1)
    ticks.apply(book("snapshot", [["99", "1"]], [["101", "2"]], seq=2000, ts=1010), 1)
    tick = ticks.apply(book("snapshot", [["98", "1"]], [["102", "2"]], seq=3, ts=1020, u=1), 1)
    assert tick is not None
    assert tick.bid_px == Decimal(98)


def test_a_gap_in_the_deltas_means_no_quote_until_the_next_snapshot() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(ts=1000, cs=1), 1)
    ticks.apply(book("snapshot", [["100", "1"]], [["101", "1"]], seq=5, u=10), 1)
    assert ticks.apply(book("delta", [["99.5", "3"]], [], seq=6, u=11), 1) is not None
    assert ticks.apply(book("delta", [["98", "3"]], [], seq=8, u=13), 1) is None
    assert ticks.apply(frame("delta", 1001, 9, lastPrice="100"), 1) is None
    assert ticks.apply(book("delta", [["97", "3"]], [], seq=10, u=14), 1) is None
    assert ticks.ignored == 2
    tick = ticks.apply(book("snapshot", [["96", "1"]], [["97", "1"]], seq=11, u=15), 1)
    assert tick is not None
    assert (tick.bid_px, tick.ask_px) == (Decimal(96), Decimal(97))


def test_level_one_deltas_of_old() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(ts=1000, cs=1), 1)
    moved = ticks.apply(book("delta", [["100", "0"], ["99.5", "3"]], [], seq=5), 1)
    assert moved is not None
    assert (moved.bid_px, moved.ask_px) == (Decimal("99.5"), Decimal(100))
    assert ticks.apply(book("delta", [["99.5", "0"]], [], seq=6, u=3), 1) is None
    assert ticks.apply(frame("delta", 1001, 7, lastPrice="100"), 1) is None, "no bid, no tick"


def test_empty_side_of_the_book_means_no_tick() -> None:
    ticks = parse.TickerBook()
    ticks.apply(full(ts=1000, cs=1), 1)
    assert ticks.apply(book("snapshot", [], [["101", "1"]], seq=5), 1) is None


def test_other_topics_are_refused() -> None:
    with pytest.raises(parse.ParseError, match=r"topic='publicTrade\.X'"):
        parse.TickerBook().apply(b'{"topic":"publicTrade.X","data":[]}', 1)
