"""Random order flow of two accounts (one hedged, one one-way) on two symbols, and what the venue made of it."""

from dataclasses import dataclass, field
from decimal import Decimal as D

from hypothesis import strategies as st

from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.reports import ExecutionReport, Report
from hedgegrid.venue.requests import (
    Accepted,
    FundingDue,
    MarketQuote,
    MarketTrade,
    MarkPrice,
    NewOrder,
    OrderChange,
    OrderRef,
)
from tests.unit.venue.desk import instrument

SYMBOLS = ("ABCUSDT", "XYZUSDT")
DEPOSIT = {"hedged": D(20000), "netted": D("3000.00000001")}
Step = NewOrder | OrderChange | OrderRef | MarketTrade | MarketQuote | MarkPrice | FundingDue


@dataclass(frozen=True)
class Act:
    """A step; commands are `account`'s and name the `nth` order it has had accepted."""

    step: Step
    account: str = "hedged"
    nth: int = 0


@dataclass
class Run:
    """`batches` holds each act with the reports that followed from it."""

    venue: Venue
    batches: list[tuple[Act, list[Report]]] = field(default_factory=list)

    def reports(self) -> list[Report]:
        return [report for _, batch in self.batches for report in batch]

    def executions(self, account: str | None = None) -> list[ExecutionReport]:
        return [
            r for r in self.reports() if isinstance(r, ExecutionReport) and (account is None or r.account == account)
        ]


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[D]:
    """Decimals of `places` digits; bounds in units of the last digit."""
    return st.integers(low, high).map(lambda n: D(n).scaleb(-places))


prices = decimals(970, 1030, 1)
sizes = decimals(1, 2500, 2)
symbols = st.sampled_from(SYMBOLS)
sides = st.sampled_from(Side)


def new_orders(account: str) -> st.SearchStrategy[NewOrder]:
    return st.builds(
        NewOrder,
        symbol=symbols,
        side=sides,
        order_type=st.sampled_from([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET]),
        qty=decimals(5, 2500, 2),
        price=prices,
        time_in_force=st.sampled_from(TimeInForce),
        position_idx=st.sampled_from([1, 2]) if account == "hedged" else st.just(0),
        reduce_only=st.booleans(),
    )


def quotes() -> st.SearchStrategy[MarketQuote]:
    def build(symbol: str, bid: D, spread: D, bid_qty: D, ask_qty: D) -> MarketQuote:
        return MarketQuote(symbol=symbol, bid_px=bid, bid_qty=bid_qty, ask_px=bid + spread, ask_qty=ask_qty, ts_ms=0)

    return st.builds(build, symbols, prices, decimals(1, 20, 1), decimals(0, 2000, 2), decimals(0, 2000, 2))


def acts() -> st.SearchStrategy[list[Act]]:
    accounts = st.sampled_from(sorted(DEPOSIT))
    nth = st.integers(0, 30)
    change = st.builds(OrderChange, symbol=symbols, qty=st.none() | sizes, price=st.none() | prices)
    market: st.SearchStrategy[Step] = st.one_of(
        st.builds(MarketTrade, symbol=symbols, price=prices, qty=sizes, taker_side=sides, ts_ms=st.just(0)),
        quotes(),
        st.builds(MarkPrice, symbol=symbols, mark_px=prices, index_px=prices, ts_ms=st.just(0)),
        st.builds(FundingDue, symbol=symbols, rate=decimals(-3000000, 3000000, 8), ts_ms=st.just(0)),
    )
    act = st.one_of(
        accounts.flatmap(lambda a: st.builds(Act, new_orders(a), st.just(a))),
        market.map(Act),
        market.map(Act),
        st.builds(Act, change, accounts, nth),
        st.builds(Act, st.builds(OrderRef, symbol=symbols), accounts, nth),
    )
    return st.lists(act, min_size=1, max_size=60)


def run(flow: list[Act], seed: int = 0) -> Run:
    """Play a flow on a fresh venue whose two markets stand at 100."""
    venue = Venue([instrument(symbol) for symbol in SYMBOLS], seed=seed)
    venue.open_account("hedged", DEPOSIT["hedged"], hedge_mode=True)
    venue.open_account("netted", DEPOSIT["netted"], leverage=D(25))
    for symbol in SYMBOLS:
        venue.on_mark(MarkPrice(symbol=symbol, mark_px=D(100), ts_ms=0))
        venue.on_quote(
            MarketQuote(symbol=symbol, bid_px=D("99.9"), bid_qty=D(5), ask_px=D("100.1"), ask_qty=D(5), ts_ms=0)
        )
    played = Run(venue)
    orders: dict[str, list[str]] = {account: [] for account in DEPOSIT}
    for now_ms, act in enumerate(flow, start=1):
        _play(venue, act, orders[act.account], now_ms)
        played.batches.append((act, venue.drain()))
    return played


def _play(venue: Venue, act: Act, orders: list[str], now_ms: int) -> None:
    step = act.step
    known = orders[act.nth % len(orders)] if orders else "none"
    if isinstance(step, NewOrder):
        answer = venue.submit(act.account, step, now_ms)
        if isinstance(answer, Accepted):
            orders.append(answer.order_id)
    elif isinstance(step, OrderChange):
        change = OrderChange(symbol=step.symbol, order_id=known, qty=step.qty, price=step.price)
        venue.amend(act.account, change, now_ms)
    elif isinstance(step, OrderRef):
        venue.cancel(act.account, OrderRef(symbol=step.symbol, order_id=known), now_ms)
    elif isinstance(step, MarketTrade):
        venue.on_trade(step)
    elif isinstance(step, MarketQuote):
        venue.on_quote(step)
    elif isinstance(step, MarkPrice):
        venue.on_mark(step)
    else:
        venue.on_funding(step)
