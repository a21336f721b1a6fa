"""One of every answer and push of the simulator, gathered by trading on it."""

import asyncio
from typing import Any

from tests.contract.exchange_sim.simulators import Simulator, eventually, launch
from tests.contract.exchange_sim.test_pybit import BTC, hedged, limit, market
from tests.contract.exchange_sim.wire import Line, Message, dial, login, order, private, public, send, trade

Gathered = dict[str, list[Any]]
LINEAR = {"category": "linear"}
PRIVATE = ("order", "execution", "execution.fast", "position", "wallet")
PUBLIC = (
    "tickers",
    "publicTrade",
    "orderbook.1",
    "orderbook.50",
    "orderbook.200",
    "kline.1",
    "priceLimit",
    "allLiquidation",
)


def gather() -> Gathered:
    """Messages by the name of their endpoint or topic."""
    simulator = launch("--synthetic", "chop", "--speed", "20", "--order-rate", "1000", "--ack-delay-ms", "0")
    try:
        session = hedged(simulator)
        found = asyncio.run(_pushes(simulator, session))
        found |= _commands(session)
        eventually(lambda: session.get_kline(**BTC, interval="1")["result"]["list"])
        return found | _queries(session)
    finally:
        simulator.close()


def _trade(simulator: Simulator, session: Any) -> None:
    """A bit of everything: rests, fills, closes, is amended, guarded, funded, liquidated, refused."""
    session.place_order(**market("Buy", 1, qty="0.02", takeProfit="90000", stopLoss="40000"))
    session.place_order(**market("Sell", 2))
    session.place_order(**market("Buy", 2, reduceOnly=True))
    session.place_order(**limit("Buy", "50000", 1, orderLinkId="g-rest"))
    session.amend_order(**BTC, orderLinkId="g-rest", qty="0.02")
    session.place_order(**limit("Buy", "99999", 1, timeInForce="PostOnly"))
    session.place_order(**market("Sell", 1, reduceOnly=True, triggerPrice="45000", triggerDirection=2))
    simulator.tell("events", kind="funding", symbol="BTCUSDT", rate="0.0001")
    session.place_order(**market("Sell", 2))
    simulator.tell("events", kind="liquidation", account="main", symbol="BTCUSDT", position_idx=2)


def _commands(session: Any) -> Gathered:
    leg = {key: value for key, value in limit("Buy", "50000", 1).items() if key != "category"}
    target = {"symbol": "BTCUSDT", "orderLinkId": "g-1"}
    stop = {"tpslMode": "Full", "positionIdx": 1, "stopLoss": "41000"}
    return {
        "order/create-order": [session.place_order(**limit("Buy", "50000", 1, orderLinkId="g-0"))],
        "order/amend-order": [session.amend_order(**BTC, orderLinkId="g-0", price="50001")],
        "order/cancel-order": [session.cancel_order(**BTC, orderLinkId="g-0")],
        "order/batch-place": [session.place_batch_order(**LINEAR, request=[leg | {"orderLinkId": "g-1"}])],
        "order/batch-amend": [session.amend_batch_order(**LINEAR, request=[target | {"price": "50002"}])],
        "order/batch-cancel": [session.cancel_batch_order(**LINEAR, request=[target])],
        "order/cancel-all": [session.cancel_all_orders(**BTC)],
        "position/leverage": [session.set_leverage(**BTC, buyLeverage="9", sellLeverage="9")],
        "position/position-mode": [session.switch_position_mode(**LINEAR, symbol="ETHUSDT", mode=0)],
        "position/trading-stop": [session.set_trading_stop(**BTC, **stop)],
    }


def _queries(session: Any) -> Gathered:
    session.place_order(**limit("Buy", "50000", 1, takeProfit="90000"))
    return {
        "market/time": [session.get_server_time()],
        "market/instrument": [session.get_instruments_info(**LINEAR)],
        "market/kline": [session.get_kline(**BTC, interval="1")],
        "market/orderbook": [session.get_orderbook(**BTC)],
        "market/tickers": [session.get_tickers(**BTC)],
        "market/recent-trade": [session.get_public_trade_history(**BTC)],
        "market/history-fund-rate": [session.get_funding_rate_history(**BTC)],
        "market/order-price-limit": [session.get_price_limit(**BTC)],
        "market/open-interest": [session.get_open_interest(**BTC, intervalTime="1h")],
        "order/open-order": [session.get_open_orders(**BTC)],
        "order/order-list": [session.get_order_history(**LINEAR)],
        "order/execution": [session.get_executions(**LINEAR)],
        "position/position": [session.get_positions(**BTC)],
        "position/close-pnl": [session.get_closed_pnl(**LINEAR)],
        "account/wallet-balance": [session.get_wallet_balance(accountType="UNIFIED")],
        "account/account-info": [session.get_account_info()],
        "account/fee-rate": [session.get_fee_rates(**BTC)],
        "account/transaction-log": [session.get_transaction_log()],
        "user/apikey-info": [session.get_api_key_information()],
        "asset/coin-info": [session.get_coin_info()],
    }


async def _pushes(simulator: Simulator, session: Any) -> Gathered:
    found: Gathered = {}
    topics = [f"{kind}.BTCUSDT" for kind in PUBLIC]
    async with private(simulator, *PRIVATE) as line, public(simulator, *topics) as open_line:
        await asyncio.to_thread(_trade, simulator, session)
        await _drain(line, found)
        wanted = {kind.partition(".")[0] for kind in PUBLIC} | {"orderbook, delta", "tickers, delta"}
        while wanted - found.keys():
            await _sort(await open_line.next(), found)
        found["pong, private"] = [await line.ask(op="ping", req_id="p")]
        found["pong, public"] = [await open_line.ask(op="ping", req_id="p")]
    await _answers(simulator, found)
    return found


async def _sort(message: Message, found: Gathered) -> None:
    name = message["topic"] if message["topic"] in PRIVATE else message["topic"].partition(".")[0]
    if name in ("tickers", "orderbook"):
        found.setdefault(f"{name}, {message['type']}", []).append(message)
    found.setdefault(name, []).append(message)


async def _drain(line: Line, found: Gathered) -> None:
    """What an account event left unread."""
    while True:
        try:
            await _sort(await line.next(0.2), found)
        except TimeoutError:
            return


async def _answers(simulator: Simulator, found: Gathered) -> None:
    async with dial(simulator.info["ws_private"]) as line:
        found["auth, private"] = [await line.ask(**login(simulator), req_id="a")]
        found["subscribe"] = [await line.ask(op="subscribe", req_id="s", args=["order"])]
        found["subscribe, refused"] = [await line.ask(op="subscribe", req_id="s", args=["nothing"])]
        found["unsubscribe"] = [await line.ask(op="unsubscribe", req_id="u", args=["order"])]
    async with trade(simulator) as line, dial(simulator.info["ws_trade"]) as fresh:
        found["auth, trade"] = [await fresh.ask(**login(simulator))]
        found["pong, trade"] = [await line.ask(op="ping")]
        found["order.create"] = [await send(line, "order.create", order("g-ws"), reqId="1")]
        leg = order("g-ws-1")
        batch = {"category": "linear", "request": [leg]}
        found["order.create-batch"] = [await send(line, "order.create-batch", batch, reqId="2")]
