"""The venue: the real engine behind the simulated exchange's own REST handlers and pushes, on the loom's clock."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Side
from hedgegrid.exchange_sim.accounts import Account
from hedgegrid.exchange_sim.instruments import load_listings
from hedgegrid.exchange_sim.pushes import Message, Pusher
from hedgegrid.exchange_sim.rate_limit import AccountBudgets, default_limits
from hedgegrid.exchange_sim.rest.dispatch import Outcome, perform, refusal
from hedgegrid.exchange_sim.rest.routing import Answer
from hedgegrid.exchange_sim.rest.table import ROUTES
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice, OrderRef
from tests.simulation.faults import Faults
from tests.simulation.loom import NS_PER_MS, Loom

STEP_NS = 250 * NS_PER_MS
AHEAD_MS = 1000
"""A request may carry a timestamp this far ahead of the venue's clock."""
MOVES = tuple(Decimal(text) for text in ("-0.12", "-0.07", "-0.03", "0", "0.03", "0.07", "0.12"))
GAPS = tuple(Decimal(text) for text in ("-1.2", "-0.6", "0.6", "1.2"))
MAKER_FEE, TAKER_FEE = Decimal("0.0002"), Decimal("0.00055")
_encode = msgspec.json.Encoder().encode


@dataclass
class Wire:
    """Who listens: the simulated sockets; `frame` hands a private frame to those of an account."""

    frame: Callable[[str, bytes], None] = lambda account, raw: None
    tick: Callable[[str, bytes], None] = lambda symbol, raw: None

    def listens(self, account: str, topic: str) -> bool:
        return topic in ("order", "execution", "position", "wallet")

    def push(self, account: str, topic: str, message: Message) -> None:
        self.frame(account, _encode({**message, "topic": topic}))

    def publish(self, topic: str, message: Any) -> None:
        """Public liquidations: nobody here listens."""


@dataclass(eq=False)
class Exchange:
    """`executed` is told of every order request that the venue took or refused: account, path, params, retCode."""

    loom: Loom
    faults: Faults
    symbols: tuple[str, ...]
    accounts: tuple[str, ...]
    balance: Decimal
    seed: int
    wire: Wire = field(default_factory=Wire)
    moving: bool = True
    is_down: bool = False
    rest_out_until_ns: int = 0
    """No request gets an answer until then, though some arrive."""
    silent: dict[str, int] = field(default_factory=dict)
    """Symbols whose public feed says nothing, until when."""

    def __post_init__(self) -> None:
        self.random = Random(f"market {self.seed}")
        listings = load_listings(None)
        self.venue = Venue(
            [listings[symbol].rules for symbol in self.symbols],
            seed=self.seed,
            maker_fee=MAKER_FEE,
            taker_fee=TAKER_FEE,
        )
        self.rows = {symbol: listings[symbol].row for symbol in self.symbols}
        self.prices = {symbol: listings[symbol].synthetic_price for symbol in self.symbols}
        accounts = {
            name: Account(id=name, api_key=name, api_secret=name, balance=self.balance, uid=number)
            for number, name in enumerate(self.accounts, start=1)
        }
        for account in accounts.values():
            self.venue.open_account(account.id, account.balance)
        self.pusher = Pusher(
            self.venue, cast(Any, self.wire), {a.id: a.uid for a in accounts.values()}, lambda: self.loom.now_ms
        )
        self._exchange = SimpleNamespace(
            listings={symbol: listings[symbol] for symbol in self.symbols},
            accounts=accounts,
            venue=self.venue,
            views=dict.fromkeys(self.symbols),
            budgets=AccountBudgets(default_limits(10)),
            now_ms=lambda: self.loom.now_ms,
            started_ms=self.loom.now_ms,
        )
        self._sequence = 0
        for symbol in self.symbols:
            self._show(symbol)

    # ---- requests

    def answer(
        self, account: str, method: str, path: str, params: dict[str, Any], signed_ms: int, window_ms: int, lag_ms: int
    ) -> Outcome:
        """What a request that arrives now comes to."""
        now_ms = self.loom.now_ms
        if path == "/v5/market/time":
            return Outcome(Answer({"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}, {}, "OK"))
        route = ROUTES[method, path]
        if route.private and not now_ms - window_ms <= signed_ms < now_ms + AHEAD_MS:
            return refusal(10002, "invalid request, please check your server timestamp or recv_window param")
        sent = {name: str(value) for name, value in params.items()} if method == "GET" else params
        outcome = perform(cast(Any, self._exchange), route, account if route.private else "", sent, now_ms, lag_ms)
        self.loom.call_in(self.loom.random.randrange(1, 40) * NS_PER_MS // 10, self.flush)
        return outcome

    def flush(self) -> None:
        """Everything the venue has reported goes to the sockets."""
        self.pusher.flush()

    # ---- the market

    def start(self) -> None:
        self.loom.call_in(STEP_NS, self._step)

    def _step(self) -> None:
        for symbol in self.symbols:
            if self.moving:
                self._move(symbol, self.random.choice(GAPS if self.faults.strikes("venue.gap") else MOVES))
            self._show(symbol)
        self.flush()
        for symbol in self.symbols:
            self._tick(symbol)
        self.loom.call_in(STEP_NS, self._step)

    def _move(self, symbol: str, by_pct: Decimal) -> None:
        """A trade at a new price, small enough now and then to fill an order in part only."""
        rules = self.venue.instrument(symbol)
        self.prices[symbol] = rules.price_down(self.prices[symbol] * (1 + by_pct / 100))
        notional = self.random.choice((Decimal(60), Decimal(400), Decimal(5000), Decimal(100_000)))
        self.venue.on_trade(
            MarketTrade(
                symbol=symbol,
                price=self.prices[symbol],
                qty=max(rules.qty_down(notional / self.prices[symbol]), rules.min_qty),
                taker_side=Side.BUY if by_pct > 0 else Side.SELL,
                ts_ms=self.loom.now_ms,
            )
        )

    def _show(self, symbol: str) -> None:
        rules, price, now_ms = self.venue.instrument(symbol), self.prices[symbol], self.loom.now_ms
        shown = rules.qty_down(Decimal(50_000) / price)
        self.venue.on_mark(MarkPrice(symbol=symbol, mark_px=price, ts_ms=now_ms))
        self.venue.on_quote(
            MarketQuote(
                symbol=symbol,
                bid_px=price - rules.tick_size,
                bid_qty=shown,
                ask_px=price + rules.tick_size,
                ask_qty=shown,
                ts_ms=now_ms,
            )
        )

    def _tick(self, symbol: str) -> None:
        if self.silent.get(symbol, 0) > self.loom.now_ns:
            return
        self._sequence += 1
        price, tick = self.prices[symbol], self.venue.instrument(symbol).tick_size
        data = {
            "symbol": symbol,
            "lastPrice": plain(price),
            "markPrice": plain(price),
            "bid1Price": plain(price - tick),
            "ask1Price": plain(price + tick),
            "fundingRate": "0.0001",
            "nextFundingTime": "0",
        }
        frame = {
            "topic": f"tickers.{symbol}",
            "type": "snapshot",
            "data": data,
            "cs": self._sequence,
            "ts": self.loom.now_ms,
        }
        self.wire.tick(symbol, _encode(frame))

    # ---- what others do

    def cancel_one(self, random: Random, account: str) -> None:
        """Somebody cancels an order of ours by hand."""
        orders = self.venue.orders_open(account)
        if orders:
            order = random.choice(orders)
            self.venue.cancel(account, OrderRef(symbol=order.symbol, order_id=order.order_id), self.loom.now_ms)
            self.flush()

    def fund(self, symbols: Iterable[str], rate: Decimal) -> None:
        for symbol in symbols:
            self.venue.on_funding(FundingDue(symbol=symbol, rate=rate, ts_ms=self.loom.now_ms))
        self.flush()
