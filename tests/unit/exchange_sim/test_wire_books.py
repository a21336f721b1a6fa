"""Whatever is traded, the strings on the wire add up, and pushes and queries tell the same."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim import rows
from hedgegrid.exchange_sim.exchange import Exchange
from hedgegrid.exchange_sim.faults.events import Funding
from hedgegrid.exchange_sim.rest.dispatch import perform
from hedgegrid.exchange_sim.rest.table import ROUTES
from hedgegrid.venue.requests import MarketQuote, MarketTrade, MarkPrice
from tests.unit.exchange_sim.test_player import Script, exchange_of, quote

Row = dict[str, Any]
D = Decimal
ACCOUNT = "main"
PRICES = st.integers(min_value=97, max_value=103).map(lambda p: D(p) * 100)
LOTS = st.integers(min_value=1, max_value=40).map(lambda n: D(n) / 1000)
LEGS = st.sampled_from([("Buy", 1), ("Sell", 1), ("Sell", 2), ("Buy", 2)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("limit"), LEGS, LOTS, PRICES),
        st.tuples(st.just("market"), LEGS, LOTS, PRICES),
        st.tuples(st.just("move"), LEGS, LOTS, PRICES),
        st.tuples(st.just("cancel"), LEGS, LOTS, PRICES),
        st.tuples(st.just("fund"), LEGS, LOTS, PRICES),
    ),
    min_size=1,
    max_size=40,
)


class Desk:
    """An exchange whose pushes are kept, spoken to through the endpoints' own handlers."""

    def __init__(self) -> None:
        self.exchange: Exchange = exchange_of(Script([quote(0, "10000")], marked=False))
        self.pushed: dict[str, list[Row]] = defaultdict(list)
        hub = self.exchange.hub
        hub.listens = lambda account, topic: topic in ("order", "execution", "position", "wallet")  # type: ignore[method-assign]
        hub.push = lambda account, topic, message: self.pushed[topic].extend(message["data"])  # type: ignore[method-assign]
        self.now_ms = 0
        """Of requests: a second apart, so that no budget is spent."""
        self.call("POST", "/v5/position/switch-mode", coin="USDT", mode=3)

    def call(self, method: str, path: str, **params: Any) -> tuple[int, Row]:
        self.now_ms += 1000
        body = {"category": "linear", **params}
        outcome = perform(self.exchange, ROUTES[method, path], ACCOUNT, body, self.now_ms)
        self.exchange.pusher.flush()
        return outcome.code, outcome.answer.result

    def all_rows(self, path: str, **params: Any) -> list[Row]:
        found: list[Row] = []
        cursor = ""
        while True:
            code, result = self.call("GET", path, cursor=cursor, **params)
            assert code == 0
            found += result["list"]
            cursor = result["nextPageCursor"]
            if not cursor:
                return found

    def play(self, step: tuple[str, tuple[str, int], Decimal, Decimal]) -> None:
        kind, (side, idx), qty, price = step
        if kind in ("limit", "market"):
            terms: Row = {"side": side, "positionIdx": idx, "qty": str(qty), "orderType": kind.capitalize()}
            if kind == "limit":
                terms["price"] = str(price)
            self.call("POST", "/v5/order/create", symbol="BTCUSDT", **terms)
        elif kind == "cancel":
            self.call("POST", "/v5/order/cancel-all", symbol="BTCUSDT")
        elif kind == "fund":
            rate = (price / 10_000 - 1) / 100
            desk = self.exchange.actor._symbols
            desk.act(Funding(symbol="BTCUSDT", rate=rate), self.exchange.now_ms())
        else:
            self.move(Side(side), qty, price)
        self.exchange.pusher.flush()

    def move(self, side: Side, qty: Decimal, price: Decimal) -> None:
        venue, tick = self.exchange.venue, D("0.1")
        at: Row = {"symbol": "BTCUSDT", "ts_ms": self.exchange.now_ms()}
        venue.on_trade(MarketTrade(price=price, qty=qty, taker_side=side, **at))
        venue.on_quote(MarketQuote(bid_px=price, bid_qty=D(1), ask_px=price + tick, ask_qty=D(1), **at))
        venue.on_mark(MarkPrice(mark_px=price, index_px=price, **at))


def in_loop(test: Callable[[], None]) -> None:
    async def run() -> None:
        test()

    asyncio.run(run())


@given(STEPS)
def test_the_books_on_the_wire_add_up(steps: list[Any]) -> None:
    def test() -> None:
        desk = Desk()
        for step in steps:
            desk.play(step)
        executions = desk.exchange.venue.executions(ACCOUNT)
        fills = {fill.exec_id: rows.execution_push(fill) for fill in executions}
        legs = {fill.exec_id: fill.position_idx for fill in executions}
        wallet = desk.call("GET", "/v5/account/wallet-balance", accountType="UNIFIED")[1]["list"][0]["coin"][0]
        ledger = desk.all_rows("/v5/account/transaction-log")
        assert 10_000 + sum(D(row["change"]) for row in ledger) == D(wallet["walletBalance"])
        assert sum(D(row["execPnl"]) - D(row["execFee"]) for row in fills.values()) == D(wallet["cumRealisedPnl"])
        for position in desk.call("GET", "/v5/position/list", symbol="BTCUSDT")[1]["list"]:
            own = [row for name, row in fills.items() if legs[name] == position["positionIdx"]]
            realised = sum(D(row["execPnl"]) - D(row["execFee"]) for row in own)
            assert realised == D(position["cumRealisedPnl"])
        by_order: dict[str, Decimal] = defaultdict(Decimal)
        for row in fills.values():
            if row["execType"] != "Funding":
                by_order[row["orderId"]] += D(row["execQty"])
        for report in desk.exchange.venue.orders_open(ACCOUNT) + desk.exchange.venue.orders_closed(ACCOUNT):
            row = rows.order_row(report)
            assert by_order[row["orderId"]] == D(row["cumExecQty"])
            if row["orderStatus"] in ("New", "PartiallyFilled"):
                assert D(row["leavesQty"]) + D(row["cumExecQty"]) == D(row["qty"])

    in_loop(test)


@given(STEPS)
def test_the_last_push_of_everything_is_what_a_query_tells(steps: list[Any]) -> None:
    def test() -> None:
        desk = Desk()
        for step in steps:
            desk.play(step)
        told = {row["orderId"]: row for row in desk.pushed["order"]}
        for row in desk.all_rows("/v5/order/history") + desk.all_rows("/v5/order/realtime", symbol="BTCUSDT"):
            last = told[row["orderId"]]
            assert {key: last[key] for key in row if key in last} == {key: row[key] for key in row if key in last}
        executions = desk.all_rows("/v5/execution/list")
        assert sorted(row["execId"] for row in desk.pushed["execution"]) == sorted(row["execId"] for row in executions)
        assert len({row["execId"] for row in executions}) == len(executions)
        sizes = {row["positionIdx"]: row["size"] for row in desk.pushed["position"]}
        held = desk.call("GET", "/v5/position/list", symbol="BTCUSDT")[1]["list"]
        for row in held:
            assert sizes.get(row["positionIdx"], "0") == row["size"]
        if desk.pushed["wallet"]:
            wallet = desk.call("GET", "/v5/account/wallet-balance", accountType="UNIFIED")[1]["list"][0]
            assert desk.pushed["wallet"][-1]["totalWalletBalance"] == wallet["totalWalletBalance"]

    in_loop(test)
