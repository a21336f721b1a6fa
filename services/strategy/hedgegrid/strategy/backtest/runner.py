"""The backtest of one account: the very steps and the very guard of live trading, on the market's own time.

Orders reach the venue at once and its answers the bots before the next price.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Side
from hedgegrid.guard.account_risk import AccountRisk
from hedgegrid.guard.config import GuardConfig
from hedgegrid.guard.view import Mark
from hedgegrid.messages.events import AccountEvent
from hedgegrid.messages.ledger import LedgerMessage
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.backtest.bars import Point, on_tick
from hedgegrid.strategy.backtest.desk import Desk
from hedgegrid.strategy.backtest.guarded_desk import GuardedDesk
from hedgegrid.strategy.backtest.translation import event_of
from hedgegrid.strategy.core.inputs import CoreInput, WorkerStarted
from hedgegrid.strategy.core.state import BotState
from hedgegrid.strategy.plans import BotPlan
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice

QUOTE_NOTIONAL = Decimal(100_000)
"""Depth shown at the best price, USDT; behind it levels one tick apart, each with the same size."""
SETTLE_TURNS = 10_000
"""A step's consequences end long before; more means that commands and events chase one another."""


class RunningBot:
    def __init__(self, plan: BotPlan) -> None:
        self.plan = plan
        self.state: BotState = plan.strategy.new_state(plan.symbol)
        self.ledger: list[LedgerMessage] = []
        self.commands = 0


class AccountRun:
    """All bots of an account on one venue. `moment` plays what happens to each symbol at one time."""

    def __init__(self, venue: Venue, account: str, bots: Iterable[BotPlan], guard: GuardConfig, now_ms: int) -> None:
        plans = list(bots)
        risk = AccountRisk(guard, {plan.symbol: plan.config.leverage for plan in plans}, now_ms)
        self._account = account
        self.venue = venue
        self.desk = GuardedDesk(Desk(venue, account), risk)
        self.bots = {plan.symbol: RunningBot(plan) for plan in plans}
        self._sides: dict[str, Side] = {}
        self._prices: dict[str, Decimal] = {}
        self._behind = False
        """The venue has not seen the newest prices."""

    def start(self, points: Mapping[str, Point]) -> None:
        """Show the first prices, then let every bot begin."""
        for symbol, point in points.items():
            self._show(symbol, point)
        now_ms = max(point.at_ms for point in points.values())
        for symbol in self.bots:
            self._settle([(symbol, WorkerStarted(ts_event=now_ms))], now_ms)
        self._judge(now_ms)

    def moment(self, points: Mapping[str, Point], now_ms: int) -> None:
        """Prices of some symbols move; their bots act; then the guard looks at all of them together."""
        self._behind = False
        for symbol, point in points.items():
            self._show(symbol, point)
            self._settle([], now_ms)
            self._settle([(symbol, self._tick(symbol, now_ms))], now_ms)
        self._judge(now_ms)

    def jump(self, points: Mapping[str, Point], now_ms: int) -> None:
        """Prices move without anything to do for bots and venue; only the guard looks.

        Should it have something to say, the venue sees the prices first.
        """
        self._prices.update({symbol: on_tick(p.price, self.venue.instrument(symbol)) for symbol, p in points.items()})
        event = self.desk.judge(self._marks(now_ms), now_ms)
        self._behind = True
        if event is not None:
            self.catch_up(now_ms)
            self._settle([(symbol, event) for symbol in self.bots], now_ms)

    def fund(self, symbol: str, rate: Decimal, at_ms: int) -> None:
        """Positions of the symbol pay or receive."""
        self.catch_up(at_ms)
        self.venue.on_funding(FundingDue(symbol=symbol, rate=rate, ts_ms=at_ms))
        self._settle([], at_ms)

    def catch_up(self, now_ms: int) -> None:
        """Show the venue what was jumped over."""
        if self._behind:
            self._behind = False
            for symbol, price in list(self._prices.items()):
                self._show(symbol, Point(now_ms, price, ZERO))

    def price(self, symbol: str) -> Decimal:
        return self._prices[symbol]

    def _judge(self, now_ms: int) -> None:
        event = self.desk.judge(self._marks(now_ms), now_ms)
        if event is not None:
            self._settle([(symbol, event) for symbol in self.bots], now_ms)

    def _marks(self, now_ms: int) -> dict[str, Mark]:
        return {symbol: Mark(price, now_ms) for symbol, price in self._prices.items()}

    def _show(self, symbol: str, point: Point) -> None:
        rules, price = self.venue.instrument(symbol), point.price
        last = self._prices.get(symbol, price)
        side = self._sides.get(symbol, Side.BUY) if price == last else Side.BUY if price > last else Side.SELL
        self._sides[symbol], self._prices[symbol] = side, price
        volume = rules.qty_down(point.volume)
        if volume > 0:
            trade = MarketTrade(symbol=symbol, price=price, qty=volume, taker_side=side, ts_ms=point.at_ms)
            self.venue.on_trade(trade)
        self.venue.on_quote(_quote_around(price, side, rules, point.at_ms))
        self.venue.on_mark(MarkPrice(symbol=symbol, mark_px=price, ts_ms=point.at_ms))

    def _settle(self, waiting: list[tuple[str, CoreInput]], now_ms: int) -> None:
        for _ in range(SETTLE_TURNS):
            waiting += [(_symbol_of(event), event) for event in self._reports(now_ms)]
            if not waiting:
                return
            symbol, event = waiting.pop(0)
            bot = self.bots.get(symbol)
            if bot is None:
                continue
            decision = bot.plan.strategy.step(bot.plan.config, bot.state, event)
            bot.state = decision.state
            bot.ledger += decision.ledger
            for command in decision.commands:
                bot.commands += 1
                for answer in self.desk.carry_out(command, now_ms):
                    self.desk.risk.apply(answer, now_ms)
                    waiting.append((_symbol_of(answer), answer))
        raise RuntimeError(f"account {self._account} does not come to rest at {now_ms}")

    def _reports(self, now_ms: int) -> list[AccountEvent]:
        events = [event_of(report) for report in self.venue.drain() if report.account == self._account]
        for event in events:
            self.desk.risk.apply(event, now_ms)
        return events

    def _tick(self, symbol: str, now_ms: int) -> QuoteTick:
        price, tick_size = self._prices[symbol], self.venue.instrument(symbol).tick_size
        bid = price - tick_size if self._sides[symbol] is Side.BUY and price > tick_size else price
        return QuoteTick(
            symbol=symbol,
            last_px=price,
            mark_px=price,
            bid_px=bid,
            ask_px=bid + tick_size,
            ts_event=now_ms,
            ts_init=now_ms,
            cause_ns=0,
        )


def _symbol_of(event: AccountEvent) -> str:
    return getattr(event, "symbol", "") or ""


def _quote_around(price: Decimal, side: Side, rules: Instrument, at_ms: int) -> MarketQuote:
    """A one-tick market in which a trade of `side` just happened at `price`."""
    bid = price - rules.tick_size if side is Side.BUY and price > rules.tick_size else price
    qty = max(rules.qty_down(QUOTE_NOTIONAL / price), rules.min_qty)
    return MarketQuote(
        symbol=rules.symbol, bid_px=bid, bid_qty=qty, ask_px=bid + rules.tick_size, ask_qty=qty, ts_ms=at_ms
    )
