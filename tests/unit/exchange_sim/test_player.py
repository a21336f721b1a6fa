"""The player: steps, marks, order of private and public pushes, pace and pause."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest

from hedgegrid.domain.order import OrderType, Side
from hedgegrid.exchange_sim.accounts import generate_accounts
from hedgegrid.exchange_sim.clock import Speed
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.exchange import Exchange, build_exchange
from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.market_events import MarketEvent
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice, NewOrder
from tests.unit.exchange_sim.waiting import until

LISTINGS = load_listings(None)
BASE = 1_700_000_000_000
D = Decimal


class Script:
    """A market written down event by event."""

    def __init__(self, events: Sequence[MarketEvent], marked: bool = False) -> None:
        self.symbols = frozenset(event.symbol for event in events)
        self.marked = self.symbols if marked else frozenset[str]()
        self._events = events

    def events(self) -> Iterator[MarketEvent]:
        return iter(self._events)


def quote(at: int, bid: str, symbol: str = "BTCUSDT") -> MarketQuote:
    price = D(bid)
    tick = LISTINGS[symbol].rules.tick_size
    return MarketQuote(symbol=symbol, bid_px=price, bid_qty=D(5), ask_px=price + tick, ask_qty=D(5), ts_ms=BASE + at)


def trade(at: int, price: str) -> MarketTrade:
    return MarketTrade(symbol="BTCUSDT", price=D(price), qty=D(1), taker_side=Side.SELL, ts_ms=BASE + at)


def exchange_of(source: Script, speed: Speed | None = None) -> Exchange:
    return build_exchange(source, LISTINGS, generate_accounts(["main"], 0), speed=speed or Speed(None))


def with_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


def test_events_of_the_same_100_ms_are_one_step() -> None:
    async def test() -> None:
        exchange = exchange_of(Script([quote(0, "100"), trade(99, "100"), quote(100, "101"), quote(350, "102")]))
        exchange.player.start()
        await exchange.player.run()
        assert (exchange.player.steps, exchange.player.ended) == (3, True)

    with_loop(test)


def test_before_the_start_prices_are_known_and_orders_fill() -> None:
    async def test() -> None:
        events: list[MarketEvent] = [trade(0, "100"), quote(5, "100"), quote(500, "90")]
        exchange = exchange_of(Script(events))
        assert exchange.views["BTCUSDT"].ticker()["markPrice"] == "100"
        order = NewOrder(symbol="BTCUSDT", side=Side.BUY, order_type=OrderType.MARKET, qty=D("0.5"))
        exchange.venue.submit("main", order, exchange.now_ms())
        assert exchange.venue.positions("main")[0].size == D("0.5")

    with_loop(test)


def test_a_symbol_without_a_quote_cannot_start() -> None:
    async def test() -> None:
        with pytest.raises(StartError, match="BTCUSDT: the tape holds no quote"):
            exchange_of(Script([trade(0, "100")]))

    with_loop(test)


def test_a_tape_without_marks_is_marked_at_the_middle() -> None:
    async def test() -> None:
        exchange = exchange_of(Script([quote(0, "100"), quote(200, "110")]))
        exchange.player.start()
        await exchange.player.run()
        assert exchange.venue.ticker("BTCUSDT").mark_price == D(110)

    with_loop(test)


def test_recorded_marks_are_kept() -> None:
    async def test() -> None:
        mark = MarkPrice(symbol="BTCUSDT", mark_px=D("100.07"), index_px=D(99), ts_ms=BASE)
        exchange = exchange_of(Script([mark, quote(0, "100"), quote(200, "110")], marked=True))
        exchange.player.start()
        await exchange.player.run()
        assert exchange.venue.ticker("BTCUSDT").mark_price == D("100.07")

    with_loop(test)


def test_private_pushes_leave_before_the_public_ones_of_a_step() -> None:
    async def test() -> None:
        events: list[MarketEvent] = [
            quote(0, "100"),
            trade(1000, "95"),
            FundingDue(symbol="BTCUSDT", rate=D("0.0001"), ts_ms=BASE + 2000),
        ]
        exchange = exchange_of(Script(events))
        order = NewOrder(symbol="BTCUSDT", side=Side.BUY, order_type=OrderType.LIMIT, qty=D("0.5"), price=D(96))
        exchange.venue.submit("main", order, exchange.now_ms())
        sent: list[str] = []
        exchange.hub.listens = lambda account, topic: topic != "execution.fast"  # type: ignore[method-assign]
        exchange.hub.push = lambda account, topic, message: sent.append(topic)  # type: ignore[method-assign]
        exchange.hub.wanted = lambda topic: True  # type: ignore[method-assign]
        exchange.hub.publish = lambda topic, message: sent.append(topic)  # type: ignore[method-assign]
        exchange.player.start()
        await exchange.player.run()
        fill = sent.index("execution")
        assert sent[fill - 1] == "order"
        assert sent[fill:].index("publicTrade.BTCUSDT") > sent[fill:].index("wallet")
        assert sent.count("execution") == 2

    with_loop(test)


class Recorder:
    def __init__(self) -> None:
        self.settled_ms: list[int] = []

    async def settled(self, venue_ms: int) -> None:
        self.settled_ms.append(venue_ms)


def test_at_maximum_speed_every_step_waits_for_the_pace() -> None:
    async def test() -> None:
        exchange = exchange_of(Script([quote(i * 1000, str(100 + i)) for i in range(4)]))
        exchange.player.pace = pace = Recorder()
        exchange.hub.wanted = lambda topic: topic.startswith("tickers")  # type: ignore[method-assign]
        exchange.player.start()
        await exchange.player.run()
        first = pace.settled_ms[0]
        assert [at - first for at in pace.settled_ms] == [0, 0, 1000, 2000]
        assert exchange.publisher.published_ms["BTCUSDT"] == first + 3000

    with_loop(test)


def test_a_pause_holds_the_market_and_the_clock() -> None:
    async def test() -> None:
        exchange = exchange_of(Script([quote(i * 1000, str(100 + i)) for i in range(1000)]))
        player = exchange.player
        player.start()
        task = asyncio.create_task(player.run())
        await until(lambda: player.steps > 0)
        player.pause()
        steps, at_ms = player.steps, exchange.now_ms()
        for _ in range(50):
            await asyncio.sleep(0)
        assert (player.steps, exchange.now_ms()) == (steps, at_ms)
        player.start()
        await task
        assert player.steps == 1000

    with_loop(test)


def test_ticks_per_second_paces_over_all_symbols() -> None:
    async def test() -> None:
        events: list[MarketEvent] = []
        for i in range(50):
            events += [quote(i * 60_000, str(100 + i)), quote(i * 60_000, str(100 + i), "ETHUSDT")]
        exchange = exchange_of(Script(events), Speed(None, ticks_per_s=400.0))
        exchange.player.start()
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        await exchange.player.run()
        assert exchange.player.ticks == 100
        assert 0.2 <= loop.time() - began_at < 1.0

    with_loop(test)
