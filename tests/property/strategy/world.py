"""A bot against the simulated venue with hostile delivery: late, shuffled, repeated and lost messages, restarts."""

from collections import Counter
from decimal import Decimal
from random import Random

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg, Side
from hedgegrid.messages.commands import Command, SubmitOrder
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.messages.ledger import CycleClosed, DifferenceFound, FillBooked, FundingBooked, LedgerMessage
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.backtest.desk import Desk
from hedgegrid.strategy.backtest.translation import event_of
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.inputs import CoreInput, GapFound, WorkerStarted
from hedgegrid.strategy.core.state import BotState
from hedgegrid.strategy.core.step import step
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice

D = Decimal
DEEP = D(5)
MOVES = tuple(D(text) for text in ("-0.3", "-0.12", "-0.05", "0", "0.05", "0.12", "0.3"))
VOLUMES = (D("0.001"), D("0.004"), D("0.02"), DEEP)
ACCOUNT, SYMBOL = "main", "BTCUSDT"
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    tick_size=D("0.1"),
    qty_step=D("0.001"),
    min_qty=D("0.001"),
    max_limit_qty=D(1500),
    max_market_qty=D(150),
    min_notional=D(5),
    min_price=D("0.1"),
    max_price=D(2000000),
    min_leverage=D(1),
    max_leverage=D(100),
    leverage_step=D("0.01"),
)
CONFIG = DualGridConfig(
    leverage=D(10),
    initial_margin_usdt=D(100),
    grid_step_pct=D("0.1"),
    size_multiplier=D("1.5"),
    max_levels=4,
    take_profit_pct=D("0.1"),
)


class World:
    """Everything random comes from one seed. `feed` is what gateway and executor have sent and the bot has not read."""

    def __init__(self, seed: int, config: DualGridConfig = CONFIG) -> None:
        self.random = Random(seed)
        self.config = config
        self.venue = Venue([INSTRUMENT], seed=seed)
        self.venue.open_account(ACCOUNT, D(100000), hedge_mode=True, leverage=config.leverage)
        self.desk = Desk(self.venue, ACCOUNT)
        self.state = BotState(symbol=SYMBOL)
        self.now_ms = 1_700_000_000_000
        self.price = D(60000)
        self.feed: list[CoreInput] = []
        self.waiting: list[Command] = []
        self.seen: list[Command] = []
        self.submitted: Counter[str] = Counter()
        self.ledger: list[LedgerMessage] = []
        self.inputs: list[CoreInput] = []
        self.move(D(0))
        self.take(WorkerStarted(ts_event=self.now_ms))

    # ---- the outside

    def move(self, by_pct: Decimal, volume: Decimal = DEEP) -> None:
        """Print a trade and show a quote around the new price."""
        self.now_ms += 100
        self.price = INSTRUMENT.price_down(self.price * (1 + by_pct / 100))
        side = Side.BUY if by_pct > 0 else Side.SELL
        self.venue.on_mark(MarkPrice(symbol=SYMBOL, mark_px=self.price, ts_ms=self.now_ms))
        self.venue.on_trade(
            MarketTrade(symbol=SYMBOL, price=self.price, qty=volume, taker_side=side, ts_ms=self.now_ms)
        )
        self.venue.on_quote(
            MarketQuote(
                symbol=SYMBOL,
                bid_px=self.price - D("0.1"),
                bid_qty=D(3),
                ask_px=self.price + D("0.1"),
                ask_qty=D(3),
                ts_ms=self.now_ms,
            )
        )
        self.collect()

    def fund(self, rate: Decimal) -> None:
        self.venue.on_funding(FundingDue(symbol=SYMBOL, rate=rate, ts_ms=self.now_ms))
        self.collect()

    def collect(self) -> None:
        self.feed += [self.restamped(event_of(report)) for report in self.venue.drain()]

    def restamped(self, event: CoreInput) -> CoreInput:
        if hasattr(event, "ts_init"):
            return msgspec.structs.replace(event, ts_init=self.now_ms)
        return event

    def act(self) -> None:
        """One random thing happens."""
        chance = self.random.random()
        if chance < 0.2:
            self.move(self.random.choice(MOVES), self.random.choice(VOLUMES))
        elif chance < 0.4:
            self.tick()
        elif chance < 0.62:
            self.execute()
        elif chance < 0.94:
            self.deliver(shuffle=self.random.random() < 0.3, repeat=self.random.random() < 0.1)
        elif chance < 0.96:
            self.fund(self.random.choice((D("0.0001"), D("-0.00037"))))
        else:
            self.random.choice((self.restart, self.gap, self.lose))()
        self.check_always()

    # ---- the bot

    def take(self, event: CoreInput) -> None:
        self.inputs.append(event)
        decision = step(self.config, self.state, event)
        self.state = decision.state
        self.ledger += decision.ledger
        for command in decision.commands:
            if isinstance(command, SubmitOrder):
                self.submitted[command.client_order_id] += 1
            self.waiting.append(command)
            self.seen.append(command)

    def tick(self) -> None:
        self.now_ms += 100
        self.take(
            QuoteTick(
                symbol=SYMBOL,
                last_px=self.price,
                mark_px=self.price,
                bid_px=self.price - D("0.1"),
                ask_px=self.price + D("0.1"),
                ts_event=self.now_ms,
                ts_init=self.now_ms,
                cause_ns=0,
            )
        )

    def execute(self) -> None:
        """The executor settles the oldest command; its answer may come before or after the venue's own pushes."""
        if not self.waiting:
            return
        command = self.waiting.pop(0)
        answers = self.desk.carry_out(command, self.now_ms)
        pushes = [self.restamped(event_of(report)) for report in self.venue.drain()]
        if isinstance(command, SubmitOrder) and self.random.random() < 0.5:
            self.feed += [*pushes, *answers]
        else:
            self.feed += [*answers, *pushes]

    def deliver(self, shuffle: bool = False, repeat: bool = False) -> None:
        """Hand over the next message, or one of the next few out of turn, once or twice."""
        if not self.feed:
            return
        event = self.feed.pop(self.random.randrange(min(4, len(self.feed))) if shuffle else 0)
        self.take(event)
        if repeat:
            self.take(event)

    def lose(self) -> None:
        """A private message vanishes together with its session, as messages do: the feed says so."""
        if not self.feed:
            return
        lost = self.feed[0]
        if type(lost).__module__.endswith("events") and hasattr(lost, "ts_init"):
            self.feed.pop(0)
            self.feed.insert(0, FeedLost(feed="private", session=1, reason="test", ts_event=self.now_ms))
            self.feed.append(FeedConnected(feed="private", session=2, ts_event=self.now_ms))

    def restart(self) -> None:
        """Another worker takes over from what was committed."""
        self.state = msgspec.json.decode(msgspec.json.encode(self.state), type=BotState)
        self.take(WorkerStarted(ts_event=self.now_ms))

    def gap(self) -> None:
        self.take(GapFound(reason="test", ts_event=self.now_ms))

    def come_to_rest(self) -> None:
        for _ in range(400):
            while self.waiting or self.feed:
                self.execute()
                self.deliver()
            self.now_ms += 2_000
            before = self.state
            self.tick()
            if not self.waiting and not self.feed and self.state == before and self.state.reconciled:
                return
        raise AssertionError(f"no rest: {self.state}")

    # ---- what must hold

    def check_always(self) -> None:
        assert max(self.submitted.values(), default=1) == 1, "an order id was used twice"
        live: Counter[tuple[object, ...]] = Counter()
        for leg in self.state.legs:
            assert leg.book.qty >= 0
            assert len(leg.levels) <= self.config.max_levels
            live.update((leg.leg, order.purpose) for order in leg.orders)
        assert all(count == 1 for count in live.values()), f"two orders for one purpose: {live}"
        trades = [row.trade_id for row in self.ledger if isinstance(row, FillBooked | FundingBooked)]
        assert len(trades) == len(set(trades)), "a trade was booked twice"

    def check_at_rest(self) -> None:
        self.check_always()
        assert not [row for row in self.ledger if isinstance(row, DifferenceFound)], "a difference that is none"
        executions = {report.exec_id for report in self.venue.executions(ACCOUNT)}
        booked = {row.trade_id for row in self.ledger if isinstance(row, FillBooked | FundingBooked)}
        assert booked == executions, f"lost {executions - booked}, invented {booked - executions}"
        for leg in self.state.legs:
            position = self.venue.position(ACCOUNT, SYMBOL, leg.leg.value)
            assert leg.book.qty == position.size
            assert leg.book.realised == position.cum_realised_pnl
            assert self.ledger_realised(leg.leg) == position.cum_realised_pnl
            resting = [
                order for order in self.venue.orders_open(ACCOUNT, SYMBOL) if order.position_idx == leg.leg.value
            ]
            if leg.book.qty:
                assert [order.leaves_qty for order in resting] == [position.size], "one take-profit for the position"
            else:
                assert not resting

    def ledger_realised(self, leg: Leg) -> Decimal:
        total = D(0)
        for row in self.ledger:
            if isinstance(row, FillBooked) and row.leg is leg:
                total += row.gross - row.fee
            elif isinstance(row, FundingBooked) and row.leg is leg:
                total -= row.amount
        return total

    @property
    def cycles(self) -> list[CycleClosed]:
        return [row for row in self.ledger if isinstance(row, CycleClosed)]
