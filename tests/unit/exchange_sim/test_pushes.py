"""Private messages: grouping, ids, and the order between topics."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from hedgegrid.domain.order import OrderType, Side
from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.pushes import AS_HAPPENED, SHUFFLED, Pusher
from hedgegrid.exchange_sim.ws.hub import Hub
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import MarketQuote, MarkPrice, NewOrder
from tests.unit.exchange_sim.waiting import until

D = Decimal
Push = tuple[str, str, dict[str, Any]]


class Sink(Hub):
    def __init__(self) -> None:
        super().__init__(Injector(lambda: 0.0))
        self.sent: list[Push] = []

    def listens(self, account: str, topic: str) -> bool:
        return True

    def push(self, account: str, topic: str, message: dict[str, Any]) -> None:
        self.sent.append((account, topic, message))


def traded_venue() -> Venue:
    venue = Venue([load_listings(None)["BTCUSDT"].rules])
    venue.open_account("main", D(10_000))
    venue.on_quote(MarketQuote(symbol="BTCUSDT", bid_px=D(100), bid_qty=D(9), ask_px=D("100.1"), ask_qty=D(9), ts_ms=1))
    venue.on_mark(MarkPrice(symbol="BTCUSDT", mark_px=D(100), ts_ms=1))
    order = NewOrder(symbol="BTCUSDT", side=Side.BUY, order_type=OrderType.MARKET, qty=D(1))
    for _ in range(3):
        venue.submit("main", order, 5)
    return venue


def pushed(**options: Any) -> list[Push]:
    sink = Sink()
    Pusher(traded_venue(), sink, {"main": 77}, lambda: 5, **options).flush()
    return [push for push in sink.sent if push[1] != "execution.fast"]


def test_reports_become_messages_as_they_happened() -> None:
    messages = pushed(topic_order=AS_HAPPENED)
    assert [topic for _, topic, _ in messages] == ["order", "execution", "position", "wallet"] * 3
    by_topic = {topic: message for _, topic, message in messages[:4]}
    assert by_topic["order"]["id"] == by_topic["execution"]["id"] == "77_BTCUSDT_1"
    assert by_topic["execution"]["data"][0]["seq"] == by_topic["position"]["data"][0]["seq"] == 1
    assert by_topic["wallet"]["id"] == "77_wallet_5"


@pytest.mark.parametrize("order", ["position,wallet,execution,order", SHUFFLED])
def test_topics_change_places_but_each_keeps_its_own_order(order: str) -> None:
    messages = pushed(topic_order=order, seed=4)
    topics = list(dict.fromkeys(topic for _, topic, _ in messages))
    assert topics != ["order", "execution", "position", "wallet"]
    if order != SHUFFLED:
        assert topics == order.split(",")
    seqs = [message["data"][0]["seq"] for _, topic, message in messages if topic == "execution"]
    assert seqs == sorted(seqs)


def test_a_delay_holds_pushes_back_in_order() -> None:
    async def run() -> None:
        venue, sink = traded_venue(), Sink()
        pusher = Pusher(venue, sink, {"main": 77}, lambda: 5, delay_s=0.02)
        pusher.flush()
        assert sink.sent == []
        venue.submit("main", NewOrder(symbol="BTCUSDT", side=Side.SELL, order_type=OrderType.MARKET, qty=D(1)), 6)
        pusher.flush()
        await until(lambda: len(sink.sent) == 20)
        seqs = [message["data"][0]["seq"] for _, topic, message in sink.sent if topic == "execution"]
        assert seqs == sorted(seqs)

    asyncio.run(asyncio.wait_for(run(), 5))
