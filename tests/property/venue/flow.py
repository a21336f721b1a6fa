"""Random order flow of two accounts (one hedged, one one-way) on two symbols, and what the venue made of it."""

from dataclasses import dataclass, field
from decimal import Decimal as D
from random import Random

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
WEIGHTS = [30, 8, 6, 22, 22, 8, 4]
"""Of orders, changes, cancels, prints, quotes, marks, funding."""
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


class Flow:
    """A seeded market walk in which two accounts act; a longer flow of the same seed only adds acts.

    Hypothesis picks seed and length: its own lists of acts hardly ever got a position opened, let alone closed.
    """

    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)
        self._mid = dict.fromkeys(SYMBOLS, 1000)

    def acts(self, length: int) -> list[Act]:
        return [self._act() for _ in range(length)]

    def _act(self) -> Act:
        account = self._dice.choice(sorted(DEPOSIT))
        symbol = self._dice.choice(SYMBOLS)
        match self._dice.choices(["order", "change", "cancel", "trade", "quote", "mark", "funding"], WEIGHTS)[0]:
            case "order":
                return Act(self._order(symbol, account), account)
            case "change":
                qty, price = self._maybe(self._qty(2500)), self._maybe(self._near(symbol, 15))
                return Act(OrderChange(symbol=symbol, qty=qty, price=price), account, self._dice.randrange(30))
            case "cancel":
                return Act(OrderRef(symbol=symbol), account, self._dice.randrange(30))
            case "trade":
                side, price, qty = self._dice.choice(list(Side)), self._near(symbol, 12), self._qty(3000)
                return Act(MarketTrade(symbol=symbol, price=price, qty=qty, taker_side=side, ts_ms=0))
            case "quote":
                return Act(self._quote(symbol))
            case "mark":
                mark, index = self._near(symbol, 5), self._near(symbol, 20)
                return Act(MarkPrice(symbol=symbol, mark_px=mark, index_px=index, ts_ms=0))
            case _:
                rate = D(self._dice.randint(-3000000, 3000000)).scaleb(-8)
                return Act(FundingDue(symbol=symbol, rate=rate, ts_ms=0))

    def _order(self, symbol: str, account: str) -> NewOrder:
        return NewOrder(
            symbol=symbol,
            side=self._dice.choice(list(Side)),
            order_type=self._dice.choice([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET]),
            qty=self._qty(2500),
            price=self._near(symbol, 15),
            time_in_force=self._dice.choice([TimeInForce.GTC, TimeInForce.GTC, *TimeInForce]),
            position_idx=self._dice.choice([1, 2]) if account == "hedged" else 0,
            reduce_only=self._dice.random() < 0.3,
        )

    def _quote(self, symbol: str) -> MarketQuote:
        self._mid[symbol] += self._dice.randint(-6, 6)
        bid = D(self._mid[symbol]).scaleb(-1)
        ask = bid + D(self._dice.randint(1, 8)).scaleb(-1)
        bid_qty, ask_qty = (self._qty(2000) if self._dice.random() < 0.9 else D(0) for _ in range(2))
        return MarketQuote(symbol=symbol, bid_px=bid, bid_qty=bid_qty, ask_px=ask, ask_qty=ask_qty, ts_ms=0)

    def _near(self, symbol: str, ticks: int) -> D:
        return D(self._mid[symbol] + self._dice.randint(-ticks, ticks)).scaleb(-1)

    def _qty(self, most: int) -> D:
        return D(self._dice.randint(1, most)).scaleb(-2)

    def _maybe(self, value: D) -> D | None:
        return value if self._dice.random() < 0.7 else None


def acts() -> st.SearchStrategy[list[Act]]:
    """Flows of up to 150 acts."""
    return st.builds(lambda seed, length: Flow(seed).acts(length), st.integers(0, 2**32), st.integers(1, 150))


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
