"""ccxt, REST and sockets, unmodified but for the URL, through a trading day."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import ccxt  # type: ignore[import-untyped]
import ccxt.pro  # type: ignore[import-untyped]
import pytest

from tests.contract.exchange_sim.simulators import Simulator, eventually, launch

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
DEADLINE_S = 30.0
LONG, SHORT = {"positionIdx": 1}, {"positionIdx": 2}


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    simulator = launch("--synthetic", "chop", "--seed", "3", "--speed", "5", "--order-rate", "1000")
    yield simulator
    simulator.close()


def client_of(sim: Simulator) -> Any:
    """The URLs are all that is changed; its own rate limiter only slows tests down."""
    rest, ws = sim.info["rest"], sim.info["rest"].replace("http", "ws", 1)
    client = ccxt.pro.bybit({"apiKey": sim.key, "secret": sim.secret, "enableRateLimit": False})
    client.urls["api"] = dict.fromkeys(("spot", "futures", "v2", "public", "private"), rest) | {
        "ws": {
            "public": {kind: f"{ws}/v5/public/{kind}" for kind in ("spot", "linear", "inverse", "option")},
            "private": {
                "spot": {"unified": f"{ws}/v5/private", "nonUnified": f"{ws}/v5/private"},
                "contract": f"{ws}/v5/private",
                "usdc": f"{ws}/v5/private",
                "trade": f"{ws}/v5/trade",
            },
        }
    }
    return client


@asynccontextmanager
async def connected(sim: Simulator) -> AsyncIterator[Any]:
    client = client_of(sim)
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()


def day(sim: Simulator, trade: Callable[[Any], Awaitable[None]]) -> None:
    async def run() -> None:
        async with connected(sim) as client:
            await asyncio.wait_for(trade(client), DEADLINE_S)

    asyncio.run(run())


async def hedged(client: Any) -> None:
    with suppress(ccxt.NoChange):
        await client.set_position_mode(True, BTC)


async def below(client: Any, factor: float) -> float:
    """A price that factor of the last one, on tick."""
    last = (await client.fetch_ticker(BTC))["last"]
    return float(client.price_to_precision(BTC, last * factor))


def test_markets_have_the_listed_filters(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        market = client.market(BTC)
        assert (market["linear"], market["swap"], market["settle"], market["active"]) == (True, True, "USDT", True)
        assert (market["precision"]["price"], market["precision"]["amount"]) == (0.1, 0.001)
        assert market["limits"]["cost"]["min"] == 5
        assert market["limits"]["leverage"]["max"] == 100
        assert {"SOL/USDT:USDT", "DOGE/USDT:USDT"} <= client.markets.keys()

    day(sim, trade)


def test_public_data(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        ticker = await client.fetch_ticker(BTC)
        assert ticker["bid"] < ticker["ask"]
        assert (await client.fetch_tickers([BTC, ETH])).keys() == {BTC, ETH}
        book = await client.fetch_order_book(BTC, 10)
        assert (len(book["bids"]), len(book["asks"])) == (10, 10)
        assert len(await client.fetch_ohlcv(BTC, "1m")) >= 1
        assert len(await client.fetch_trades(BTC, limit=5)) >= 1
        assert (await client.fetch_funding_rate(BTC))["interval"] == "8h"
        assert await client.fetch_funding_rate_history(BTC) == []
        tiers = (await client.fetch_leverage_tiers([BTC]))[BTC]
        assert [tier["maxLeverage"] for tier in tiers[:2]] == sorted(
            (t["maxLeverage"] for t in tiers[:2]), reverse=True
        )
        assert abs(await client.fetch_time() - client.milliseconds()) < 5000
        assert (await client.fetch_open_interest(BTC))["openInterestAmount"] > 0

    day(sim, trade)


def test_settings(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        with pytest.raises(ccxt.NoChange):
            await client.set_position_mode(True, BTC)
        await client.set_leverage(9, BTC)
        with pytest.raises(ccxt.BadRequest, match="110043"):
            await client.set_leverage(9, BTC)
        assert (await client.fetch_leverage(BTC))["longLeverage"] == 9
        assert (await client.fetch_trading_fee(BTC))["taker"] == 0.00055
        balance = await client.fetch_balance()
        assert balance["USDT"]["total"] == pytest.approx(10_000, rel=0.01)

    day(sim, trade)


def test_orders_one_by_one(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        price = await below(client, 0.97)
        placed = await client.create_order(BTC, "limit", "buy", 0.01, price, LONG | {"clientOrderId": "one"})
        await client.edit_order(placed["id"], BTC, "limit", "buy", 0.02, price)
        resting = await client.fetch_open_order(placed["id"], BTC)
        assert (resting["status"], resting["amount"], resting["clientOrderId"]) == ("open", 0.02, "one")
        assert placed["id"] in [order["id"] for order in await client.fetch_open_orders(BTC)]
        await client.cancel_order(placed["id"], BTC)
        ended = await client.fetch_order(placed["id"], BTC, {"acknowledged": True})
        assert (ended["status"], ended["filled"]) == ("canceled", 0)
        assert placed["id"] in [order["id"] for order in await client.fetch_canceled_orders(BTC)]
        maker = await client.create_order(BTC, "limit", "buy", 0.01, price * 1.05, LONG | {"postOnly": True})
        assert (await client.fetch_closed_order(maker["id"], BTC))["status"] == "canceled"

    day(sim, trade)


def test_orders_in_batches(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        low = await below(client, 0.96)
        legs = [
            {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": low, "params": LONG},
            {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.01, "price": low - 10, "params": LONG},
        ]
        made = await client.create_orders(legs)
        ids = [order["id"] for order in made]
        assert len(set(ids)) == 2
        await client.edit_orders(
            [{"id": ids[0], "symbol": BTC, "type": "limit", "side": "buy", "amount": 0.02, "price": low}]
        )
        assert (await client.fetch_open_order(ids[0], BTC))["amount"] == 0.02
        await client.cancel_orders(ids, BTC)
        rest = await client.create_orders(legs)
        cancelled = {order["id"] for order in await client.cancel_all_orders(BTC)}
        assert {order["id"] for order in rest} <= cancelled
        assert await client.fetch_open_orders(BTC) == []

    day(sim, trade)


def test_positions_trades_and_the_ledger(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        opened = await client.create_order(BTC, "market", "buy", 0.01, None, LONG)
        await client.create_order(BTC, "market", "sell", 0.02, None, SHORT)
        held = {p["side"]: p for p in await client.fetch_positions([BTC])}
        assert (held["long"]["contracts"], held["short"]["contracts"]) == (0.01, 0.02)
        assert held["long"]["hedged"]
        assert (await client.fetch_position(BTC, LONG))["contracts"] == 0.01
        closing = await client.create_order(BTC, "market", "sell", 0.01, None, LONG | {"reduceOnly": True})
        await client.create_order(BTC, "market", "buy", 0.02, None, SHORT | {"reduceOnly": True})
        trades = await client.fetch_my_trades(BTC)
        assert {opened["id"], closing["id"]} <= {row["order"] for row in trades}
        assert all(row["fee"]["currency"] == "USDT" and row["takerOrMaker"] == "taker" for row in trades)
        assert len(await client.fetch_order_trades(closing["id"], BTC)) == 1
        ledger = await client.fetch_ledger("USDT")
        assert {row["id"] for row in trades[-4:]} <= {row["info"]["tradeId"] for row in ledger}
        wallet = (await client.fetch_balance())["USDT"]["total"]
        assert any(row["after"] == pytest.approx(wallet, abs=1e-6) for row in ledger)
        assert {opened["id"]} <= {row["id"] for row in await client.fetch_closed_orders(BTC)}
        history = await client.fetch_positions_history([BTC])
        assert len(history) >= 2
        assert all(not held["contracts"] for held in await client.fetch_positions([BTC]))

    day(sim, trade)


def test_conditional_orders_and_protection(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        low, high = await below(client, 0.9), await below(client, 1.1)
        await client.create_order(BTC, "market", "buy", 0.01, None, LONG)
        falls = LONG | {"reduceOnly": True, "triggerPrice": low, "triggerDirection": "descending"}
        stop = await client.create_order(BTC, "market", "sell", 0.01, None, falls)
        waiting = await client.fetch_open_orders(BTC, params={"trigger": True})
        assert [(order["id"], order["triggerPrice"]) for order in waiting] == [(stop["id"], low)]
        guarded = LONG | {"takeProfit": {"triggerPrice": high}, "stopLoss": {"triggerPrice": low}}
        entry = await client.create_order(BTC, "limit", "buy", 0.01, await below(client, 0.97), guarded)
        resting = await client.fetch_open_order(entry["id"], BTC)
        assert (resting["takeProfitPrice"], resting["stopLossPrice"]) == (high, low)
        protect = LONG | {"tradingStopEndpoint": True, "stopLossPrice": low}
        await client.create_order(BTC, "market", "sell", 0.01, None, protect)
        kinds = [
            order["info"]["stopOrderType"] for order in await client.fetch_open_orders(BTC, params={"trigger": True})
        ]
        assert sorted(kinds) == ["PartialStopLoss", "Stop"]
        await client.cancel_all_orders(BTC, {"trigger": True})
        assert await client.fetch_open_orders(BTC, params={"trigger": True}) == []
        await client.cancel_all_orders(BTC)
        await client.create_order(BTC, "market", "sell", 0.01, None, LONG | {"reduceOnly": True})

    day(sim, trade)


def test_orders_over_the_trade_socket(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        price = await below(client, 0.97)
        placed = await client.create_order_ws(BTC, "limit", "buy", 0.01, price, LONG)
        await client.edit_order_ws(placed["id"], BTC, "limit", "buy", 0.02, price)
        assert (await client.fetch_open_order(placed["id"], BTC))["amount"] == 0.02
        await client.cancel_order_ws(placed["id"], BTC)
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order_ws(placed["id"], BTC)

    day(sim, trade)


def test_public_streams(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        ticker, book, trades, bars, best = await asyncio.gather(
            client.watch_ticker(BTC),
            client.watch_order_book(BTC, 50),
            client.watch_trades(BTC),
            client.watch_ohlcv(BTC, "1m"),
            client.watch_bids_asks([ETH]),
        )
        assert ticker["bid"] < ticker["ask"]
        for _ in range(20):
            book = await client.watch_order_book(BTC, 50)
            assert book["bids"][0][0] < book["asks"][0][0]
            assert (len(book["bids"]), len(book["asks"])) == (50, 50)
        assert {trade["symbol"] for trade in trades} == {BTC}
        assert bars[-1][5] >= 0
        assert best[ETH]["bid"] < best[ETH]["ask"]

    day(sim, trade)


def test_private_streams(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        assert await client.watch_positions([ETH]) == []  # begins with what REST knows
        watches = (client.watch_orders, client.watch_my_trades, lambda _: client.watch_balance())
        watching = [asyncio.ensure_future(watch(ETH)) for watch in watches]
        watching.append(asyncio.ensure_future(client.watch_positions([ETH])))
        await asyncio.to_thread(eventually, lambda: len(private_topics(sim)) == 4)
        about = {"positionIdx": 0}
        await client.create_order(ETH, "market", "buy", 0.1, None, about)
        orders, trades, balance, positions = await asyncio.gather(*watching)
        assert (orders[-1]["status"], orders[-1]["filled"]) == ("closed", 0.1)
        assert (trades[-1]["amount"], trades[-1]["takerOrMaker"]) == (0.1, "taker")
        assert balance["USDT"]["total"] < 10_000
        assert [(position["contracts"], position["side"]) for position in positions] == [(0.1, "long")]
        await client.create_order(ETH, "market", "sell", 0.1, None, about | {"reduceOnly": True})

    day(sim, trade)


def private_topics(sim: Simulator) -> list[str]:
    topics: list[str] = sim.admin("status")["private_topics"]["main"]
    return topics


async def order_with(client: Any, **change: Any) -> None:
    terms = {"amount": 0.01, "price": await below(client, 0.97), "side": "buy", "params": LONG} | change
    await client.create_order(BTC, "limit", terms["side"], terms["amount"], terms["price"], terms["params"])


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount": 100}, ccxt.InsufficientFunds),
        ({"price": 1000, "amount": 0.001}, ccxt.InvalidOrder),
        ({"params": {"positionIdx": 0}}, ccxt.BadRequest),
        ({"params": SHORT | {"reduceOnly": True}}, ccxt.InvalidOrder),
        ({"params": LONG | {"clientOrderId": "x" * 37}}, ccxt.BadRequest),
        ({"params": LONG | {"triggerPrice": 1e6, "triggerDirection": "descending"}}, ccxt.InvalidOrder),
    ],
)
def test_wrong_orders_raise_what_ccxt_has_for_them(
    sim: Simulator, change: dict[str, Any], error: type[Exception]
) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        with pytest.raises(error):
            await order_with(client, **change)

    day(sim, trade)


def test_other_wrong_calls(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        await hedged(client)
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order("nobody", BTC)
        with pytest.raises(ccxt.OrderNotFound):
            await client.edit_order("nobody", BTC, "limit", "buy", 0.01, 50000)
        await order_with(client, params=LONG | {"clientOrderId": "same"})
        with pytest.raises(ccxt.InvalidOrder, match="110072"):
            await order_with(client, params=LONG | {"clientOrderId": "same"})
        await client.cancel_all_orders(BTC)
        client.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()
        client.apiKey = "nobody"
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()

    day(sim, trade)


def test_faults_raise_what_ccxt_has_for_them(sim: Simulator) -> None:
    async def trade(client: Any) -> None:
        match = {"path": "/v5/account/wallet-balance"}
        for fault, error in (
            ({"kind": "answer_code", "code": 10006}, ccxt.RateLimitExceeded),
            ({"kind": "answer_code", "code": 10016}, ccxt.ExchangeError),
            ({"kind": "answer_status", "status": 403}, ccxt.RateLimitExceeded),
            ({"kind": "answer_status", "status": 502}, ccxt.ExchangeNotAvailable),
            ({"kind": "answer_lost"}, ccxt.NetworkError),
        ):
            sim.tell("faults", match=match, **fault)
            with pytest.raises(error):
                await client.fetch_balance()
            sim.behave()

    day(sim, trade)
