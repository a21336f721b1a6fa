"""Random order flow of two accounts (one hedged, one one-way) on two symbols, and what the venue made of it.

Prices now and then jump by up to two fifths, so that accounts are liquidated; outsiders close, deleverage and liquidate
positions, and a symbol may be delisted and settled.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal as D
from random import Random

import msgspec
from hypothesis import strategies as st

from hedgegrid.domain.order import OrderType, Side, TimeInForce
from hedgegrid.domain.risk import RiskTier
from hedgegrid.venue.conditions import TpSlMode, TriggerBy, TriggerDirection
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
    TradingStop,
)
from tests.unit.venue.desk import instrument

SYMBOLS = ("ABCUSDT", "XYZUSDT")
DEPOSIT = {"hedged": D(1500), "netted": D("500.00000001")}
LEVERAGE = {"hedged": D(20), "netted": D(25)}
TIERS = tuple(
    RiskTier(limit_value=D(limit), im_rate=D("0.04"), mm_rate=D(rate), mm_deduction=D(deduction), max_leverage=D(25))
    for limit, rate, deduction in ((800, "0.01", 0), (2000, "0.02", 8), (20000, "0.03", 28))
)
"""Of XYZUSDT; the other symbol has the modelled table, in whose lowest tier everything here stays."""


@dataclass(frozen=True)
class Forced:
    """Something an outsider does to a position, or to a symbol."""

    kind: str
    symbol: str
    position_idx: int
    qty: D | None = None


Step = NewOrder | OrderChange | OrderRef | TradingStop | Forced | MarketTrade | MarketQuote | MarkPrice | FundingDue
WEIGHTS = {
    "order": 30, "change": 8, "cancel": 5, "stop": 4, "forced": 2, "trade": 22, "quote": 22, "mark": 12, "funding": 4,
}  # fmt: skip
FORCED = {"hand": 6, "liquidation": 3, "adl": 4, "parts": 2, "tick": 1, "delist": 1, "settle": 1}


@dataclass(frozen=True)
class Act:
    """A step; commands are `account`'s and name the `nth` order it has had accepted."""

    step: Step
    account: str = "hedged"
    nth: int = 0


@dataclass
class Run:
    """`batches` holds each act with the reports that followed from it, `answers` what the venue said at once."""

    venue: Venue
    answers: list[object] = field(default_factory=list)
    batches: list[tuple[Act, list[Report]]] = field(default_factory=list)
    orders: dict[str, list[str]] = field(default_factory=lambda: {account: [] for account in DEPOSIT})

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
        acts = [self._act() for _ in range(length)]
        return [replace(act, step=self._spoilt(act.step)) for act in acts]

    def _act(self) -> Act:
        account = self._dice.choice(sorted(DEPOSIT))
        symbol = self._dice.choice(SYMBOLS)
        match self._dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]:
            case "order":
                return Act(self._order(symbol, account), account)
            case "change":
                qty, price = self._maybe(self._qty(2500)), self._maybe(self._near(symbol, 15))
                trigger = self._near(symbol, 15) if self._dice.random() < 0.2 else None
                change = OrderChange(symbol=symbol, qty=qty, price=price, trigger_price=trigger)
                return Act(change, account, self._dice.randrange(30))
            case "cancel":
                return Act(OrderRef(symbol=symbol), account, self._dice.randrange(30))
            case "stop":
                return Act(self._trading_stop(symbol, account), account)
            case "forced":
                kind = self._dice.choices(list(FORCED), list(FORCED.values()))[0]
                return Act(Forced(kind, symbol, self._idx(account), self._maybe(self._qty(1000))), account)
            case "trade":
                side, price, qty = self._dice.choice(list(Side)), self._near(symbol, 12), self._qty(3000)
                return Act(MarketTrade(symbol=symbol, price=price, qty=qty, taker_side=side, ts_ms=0))
            case "quote":
                return Act(self._quote(symbol))
            case "mark":
                if self._dice.random() < 0.2:
                    self._mid[symbol] = min(max(self._mid[symbol] * self._dice.randint(70, 140) // 100, 300), 3000)
                mark, index = self._near(symbol, 5), self._near(symbol, 20)
                return Act(MarkPrice(symbol=symbol, mark_px=mark, index_px=index, ts_ms=0))
            case _:
                rate = D(self._dice.randint(-3000000, 3000000)).scaleb(-8)
                return Act(FundingDue(symbol=symbol, rate=rate, ts_ms=0))

    def _order(self, symbol: str, account: str) -> NewOrder:
        is_stop, is_protected = self._dice.random() < 0.15, self._dice.random() < 0.2
        return NewOrder(
            symbol=symbol,
            side=self._dice.choice(list(Side)),
            order_type=self._dice.choice([OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT, OrderType.MARKET]),
            qty=self._qty(2500),
            price=self._near(symbol, 15),
            time_in_force=self._dice.choice([TimeInForce.GTC, TimeInForce.GTC, *TimeInForce]),
            position_idx=self._idx(account),
            reduce_only=self._dice.random() < 0.3 and not is_protected,
            trigger_price=self._near(symbol, 12) if is_stop else None,
            trigger_direction=self._dice.choice(list(TriggerDirection)),
            trigger_by=self._dice.choice(list(TriggerBy)),
            take_profit=self._near(symbol, 25) if is_protected else None,
            stop_loss=self._near(symbol, 25) if is_protected and self._dice.random() < 0.5 else None,
            tpsl_mode=self._dice.choice(list(TpSlMode)),
        )

    def _trading_stop(self, symbol: str, account: str) -> TradingStop:
        size = self._qty(1000)
        return TradingStop(
            symbol=symbol,
            position_idx=self._idx(account),
            tpsl_mode=self._dice.choice(list(TpSlMode)),
            take_profit=self._maybe(self._near(symbol, 25)),
            stop_loss=self._maybe(self._near(symbol, 25)),
            trailing_stop=D(self._dice.randint(1, 30)).scaleb(-1) if self._dice.random() < 0.3 else None,
            tp_size=size,
            sl_size=size,
        )

    def _idx(self, account: str) -> int:
        return self._dice.choice([1, 2]) if account == "hedged" else 0

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

    def _spoilt(self, step: Step) -> Step:
        """Now and then a number that no client should send."""
        if isinstance(step, NewOrder | OrderChange | TradingStop) and self._dice.random() < 0.08:
            numbers = [name for name in step.__struct_fields__ if isinstance(getattr(step, name), D)]
            if numbers:
                value = D(self._dice.choice(["NaN", "Infinity", "-1", "0", "1e9", "100.0001"]))
                return msgspec.structs.replace(step, **{self._dice.choice(numbers): value})
        return step

    def _maybe(self, value: D) -> D | None:
        return value if self._dice.random() < 0.7 else None


def acts() -> st.SearchStrategy[list[Act]]:
    """Flows of up to 150 acts."""
    return st.builds(lambda seed, length: Flow(seed).acts(length), st.integers(0, 2**32), st.integers(1, 150))


def run(flow: list[Act], seed: int = 0, watch: Callable[[Venue, Act], None] | None = None) -> Run:
    """Play a flow on a fresh venue; `watch` sees the venue after every act."""
    return go_on(Run(fresh_venue(seed)), flow, watch)


def fresh_venue(seed: int = 0) -> Venue:
    """A venue whose two markets stand at 100."""
    rules = [instrument("ABCUSDT"), replace(instrument("XYZUSDT"), risk_tiers=TIERS)]
    venue = Venue(rules, seed=seed)
    for account, deposit in DEPOSIT.items():
        venue.open_account(account, deposit, hedge_mode=account == "hedged", leverage=LEVERAGE[account])
    for symbol in SYMBOLS:
        venue.on_mark(MarkPrice(symbol=symbol, mark_px=D(100), ts_ms=0))
        venue.on_quote(
            MarketQuote(symbol=symbol, bid_px=D("99.9"), bid_qty=D(5), ask_px=D("100.1"), ask_qty=D(5), ts_ms=0)
        )
    return venue


def go_on(played: Run, flow: list[Act], watch: Callable[[Venue, Act], None] | None = None) -> Run:
    """Play a flow where another one ended."""
    venue = played.venue
    for now_ms, act in enumerate(flow, start=len(played.batches) + 1):
        played.answers.append(_play(venue, act, played.orders[act.account], now_ms))
        played.batches.append((act, venue.drain()))
        if watch is not None:
            watch(venue, act)
    return played


def _play(venue: Venue, act: Act, orders: list[str], now_ms: int) -> object:
    step = act.step
    known = orders[act.nth % len(orders)] if orders else "none"
    match step:
        case NewOrder():
            answer = venue.submit(act.account, step, now_ms)
            if isinstance(answer, Accepted):
                orders.append(answer.order_id)
            return answer
        case OrderChange():
            return venue.amend(act.account, msgspec.structs.replace(step, order_id=known), now_ms)
        case OrderRef():
            return venue.cancel(act.account, OrderRef(symbol=step.symbol, order_id=known), now_ms)
        case TradingStop():
            return venue.set_trading_stop(act.account, step, now_ms)
        case Forced():
            return _force(venue, act.account, step, now_ms)
        case MarketTrade():
            venue.on_trade(step)
        case MarketQuote():
            venue.on_quote(step)
        case MarkPrice():
            venue.on_mark(step)
        case FundingDue():
            venue.on_funding(step)
    return None


def _force(venue: Venue, account: str, step: Forced, now_ms: int) -> object:
    where = (account, step.symbol, step.position_idx)
    match step.kind:
        case "hand":
            return venue.close_by_hand(*where, step.qty, now_ms)
        case "liquidation":
            return venue.force_liquidation(*where, now_ms)
        case "adl":
            return venue.force_adl(*where, step.qty, now_ms)
        case "parts":
            venue.fill_in_parts(now_ms % 4 + 1)
        case "tick":
            coarse = venue.instrument(step.symbol).tick_size == D("0.1")
            rules = replace(venue.instrument(step.symbol), tick_size=D("0.5") if coarse else D("0.1"))
            venue.change_instrument(rules)
        case "delist":
            venue.delist(step.symbol)
        case _:
            venue.settle(step.symbol, now_ms)
    return None
