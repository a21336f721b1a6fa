"""Collars, pace and open orders: what a strategy gone wrong is refused, and what a sound one never notices."""

from collections import deque
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.domain.order import Leg, OrderType
from hedgegrid.executor.order_limits import MINUTE_NS, OrderLimits, Pace, crossing
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.events import DenyReason
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.config import AccountConfig, BotConfig
from tests.unit.executor.entries import SYMBOL, amend, submit

D = Decimal
MARK = D(50000)


class Desk:
    def __init__(self, open_orders: int = 0, max_open_orders: int = 200, **config: Any) -> None:
        account = AccountConfig(id="main", bots=(BotConfig(symbol=SYMBOL, leverage=D(5)),), **config)
        self.clock = ManualClock()
        self.quotes: dict[str, QuoteTick] = {}
        self.published: dict[str, QuoteTick] = {}
        self.tell()
        self.limits = OrderLimits(
            account,
            self.quotes,
            self.published.get,
            lambda symbol: open_orders,
            max_open_orders,
            Pace(10, 4),
            self.clock,
        )

    def tell(self, last: str = "50000") -> None:
        at_ms = self.clock.now_ms()
        self.quotes[SYMBOL] = QuoteTick(
            symbol=SYMBOL, last_px=D(last), mark_px=MARK, bid_px=MARK, ask_px=MARK, ts_event=at_ms, ts_init=at_ms,
            cause_ns=0,
        )  # fmt: skip

    def reason(self, price: str | None, leg: Leg = Leg.LONG) -> DenyReason | None:
        refusal = self.limits.refusal(order(price, leg))
        return None if refusal is None else refusal.reason

    def text(self, price: str | None, leg: Leg = Leg.LONG) -> str:
        refusal = self.limits.refusal(order(price, leg))
        assert refusal is not None
        return refusal.text


def order(price: str | None, leg: Leg = Leg.LONG) -> SubmitOrder:
    order_type = OrderType.MARKET if price is None else OrderType.LIMIT
    return msgspec.structs.replace(submit(1, leg), price=None if price is None else D(price), order_type=order_type)


@pytest.mark.parametrize(
    ("leg", "price", "denied"),
    [
        (Leg.LONG, "52500", False),
        (Leg.LONG, "52500.1", True),
        (Leg.LONG, "25000", False),
        (Leg.LONG, "24999.9", True),
        (Leg.SHORT, "47500", False),
        (Leg.SHORT, "47499.9", True),
        (Leg.SHORT, "75000", False),
        (Leg.SHORT, "75000.1", True),
    ],
)
def test_the_collar_is_narrow_where_an_order_trades_and_wide_where_it_rests(leg: Leg, price: str, denied: bool) -> None:
    assert Desk().reason(price, leg) is (DenyReason.COLLAR if denied else None)


def test_the_text_names_price_distance_and_setting() -> None:
    assert Desk().text("60000") == "60000 is 20.00 % through the mark 50000, more than collar_crossing_pct 5"
    assert Desk().text("500") == "500 is 99.00 % away from the mark 50000, more than collar_resting_pct 50"


def test_an_amended_order_is_judged_by_its_new_price() -> None:
    refusal = Desk().limits.refusal(msgspec.structs.replace(amend(1), price=D(60000)))
    assert refusal is not None
    assert refusal.reason is DenyReason.COLLAR


def test_a_price_that_was_published_just_now_is_asked_for() -> None:
    """The first order of a bot can be faster than the guard's first look."""
    desk = Desk()
    tick = desk.quotes.pop(SYMBOL)
    assert desk.reason("50000") is DenyReason.COLLAR
    desk.published[SYMBOL] = tick
    assert desk.reason("50000") is None


def test_at_market_last_price_and_mark_must_agree() -> None:
    desk = Desk()
    assert desk.reason(None) is None
    desk.tell(last="53000")
    far = "the last price 53000 is 6.00 % from the mark 50000, more than collar_crossing_pct 5"
    assert desk.text(None) == f"at market, and {far}"


def test_without_a_fresh_price_nothing_is_added() -> None:
    desk = Desk()
    desk.clock.advance_ms(10_000)
    assert desk.reason("50000") is None
    desk.clock.advance_ms(1)
    assert desk.text("50000") == "the newest price of BTCUSDT is 10001 ms old, more than 10000 ms"
    desk.quotes.clear()
    assert "no price of BTCUSDT is known" in desk.text(None)


def test_both_off_asks_for_no_price() -> None:
    desk = Desk(collar_crossing_pct=D(0), collar_resting_pct=D(0))
    desk.quotes.clear()
    assert desk.reason("1") is None


@pytest.mark.parametrize("name", ["collar_crossing_pct", "collar_resting_pct"])
@pytest.mark.parametrize("value", ["-1", "100.1", "NaN"])
def test_a_collar_out_of_range_is_refused(name: str, value: str) -> None:
    changed: Any = {name: D(value)}
    with pytest.raises(ValueError, match=f"{name} must be 0..100"):
        Desk(**changed)


@given(st.decimals(1, 10**6, places=1), st.decimals(1, 10**6, places=1))
def test_the_legs_mirror_each_other(price: Decimal, mark: Decimal) -> None:
    assert crossing(Leg.LONG, price, mark) == -crossing(Leg.SHORT, price, mark)


def test_a_minute_takes_so_many_orders_of_a_bot() -> None:
    desk = Desk()
    assert [desk.reason("50000") for _ in range(5)] == [None] * 4 + [DenyReason.PACE]
    assert desk.text("50000") == "4 orders of BTCUSDT in the last minute, the most allowed is 4"
    desk.clock.advance_ms(60_000)
    desk.tell()
    assert desk.reason("50000") is None


def test_what_is_refused_for_another_reason_does_not_count() -> None:
    desk = Desk()
    for _ in range(10):
        assert desk.reason("60000") is DenyReason.COLLAR
    assert desk.reason("50000") is None


def test_so_many_orders_of_a_symbol_may_be_open() -> None:
    assert Desk(open_orders=199).reason("50000") is None
    full = Desk(open_orders=200)
    assert full.text("50000") == "200 orders of BTCUSDT are open, the most allowed"
    assert full.limits.refusal(msgspec.structs.replace(amend(1), price=MARK)) is None, "an amend opens no order"


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, MINUTE_NS // 3)), max_size=120),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_no_rolling_minute_ever_holds_more(orders: list[tuple[str, int]], account: int, bot: int) -> None:
    pace, now_ns = Pace(account, bot), 0
    taken: deque[tuple[str, int]] = deque()
    for symbol, later_ns in orders:
        now_ns += later_ns
        recent = [key for key, at_ns in taken if now_ns - at_ns < MINUTE_NS]
        refused = pace.take(symbol, now_ns)
        assert (refused is not None) == (len(recent) >= account or recent.count(symbol) >= bot)
        if refused is None:
            taken.append((symbol, now_ns))
