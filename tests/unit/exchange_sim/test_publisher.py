"""Public messages: what a step publishes, and that the answer to a request precedes its pushes."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import msgspec
from aiohttp import web

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.auth import sign
from hedgegrid.exchange_sim.clock import wall_ms
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.rest.service import RestService
from hedgegrid.venue.requests import MarketTrade
from tests.unit.exchange_sim.test_player import BASE, Script, exchange_of, quote

Message = dict[str, Any]
MINUTE = 60_000


def trade(minute: float, price: str) -> MarketTrade:
    at_ms = BASE + int(minute * MINUTE)
    return MarketTrade(symbol="BTCUSDT", price=Decimal(price), qty=Decimal(1), taker_side=Side.BUY, ts_ms=at_ms)


def played(exchange: Exchange, *wanted: str) -> list[Message]:
    """Plays to the end; returns what was published on the wanted topics."""
    sent: list[Message] = []
    exchange.hub.wanted = lambda topic: topic in wanted  # type: ignore[method-assign]
    exchange.hub.wants_any = lambda topics: any(topic in wanted for topic in topics)  # type: ignore[method-assign]
    exchange.hub.publish = lambda topic, message: sent.append(message)  # type: ignore[method-assign]
    exchange.player.start()
    return sent


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))


def test_every_candle_is_confirmed_once_also_after_a_gap() -> None:
    async def test() -> None:
        exchange = exchange_of(Script([quote(0, "100"), *(trade(m, "100") for m in (0, 0.5, 1.2, 4.4, 5.5, 6.6))]))
        sent = played(exchange, "kline.1.BTCUSDT")
        await exchange.player.run()
        rows = [row for message in sent for row in message["data"]]
        confirmed = [row["start"] for row in rows if row["confirm"]]
        assert confirmed == sorted(set(confirmed))
        assert [b - a for a, b in pairwise(confirmed)] == [MINUTE] * (len(confirmed) - 1)
        assert len(confirmed) >= 6
        assert all(row["end"] == row["start"] + MINUTE - 1 for row in rows)

    in_loop(test)


def test_a_price_comes_with_its_size() -> None:
    async def test() -> None:
        exchange = exchange_of(Script([quote(0, "100"), quote(200, "101")]))
        sent = played(exchange, "tickers.BTCUSDT")
        await exchange.player.run()
        assert sent[-1]["data"].items() >= {"bid1Price": "101", "bid1Size": "5", "ask1Size": "5"}.items()
        assert "nextFundingTime" not in sent[-1]["data"]

    in_loop(test)


class Request:
    """As much of an aiohttp request as the REST service reads."""

    def __init__(self, exchange: Exchange, path: str, body: Message) -> None:
        account = exchange.accounts["main"]
        self._body = msgspec.json.encode(body)
        stamp = str(wall_ms())
        self.remote, self.method, self.path, self.raw_path = "127.0.0.1", "POST", path, path
        self.headers = {
            "X-BAPI-API-KEY": account.api_key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": sign(account.api_secret, f"{stamp}{account.api_key}5000".encode() + self._body),
        }

    async def read(self) -> bytes:
        return self._body


def test_the_answer_is_ready_before_any_push_leaves() -> None:
    async def test() -> None:
        exchange = exchange_of(Script([quote(0, "100")]))
        pushed: list[str] = []
        exchange.hub.listens = lambda account, topic: topic == "order"  # type: ignore[method-assign]
        exchange.hub.push = lambda account, topic, message: pushed.append(topic)  # type: ignore[method-assign]
        body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.1"}
        request = cast(web.BaseRequest, Request(exchange, "/v5/order/create", body))
        response = await RestService(exchange).handle(request)
        assert isinstance(response.body, bytes)
        assert msgspec.json.decode(response.body)["retCode"] == 0
        assert pushed == []
        await asyncio.sleep(0)
        assert pushed == ["order"]

    in_loop(test)
