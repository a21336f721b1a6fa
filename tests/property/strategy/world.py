"""A bot against the simulated venue with everything that can happen to it: late, shuffled, repeated and lost messages,
restarts, a store that forgets, changed configs, operator, account guard, and people trading on the same account."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import Leg, OrderType, Side
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.commands import Command, SubmitOrder
from hedgegrid.messages.control import MismatchAnswer, ResolveMismatch, SetTradingState
from hedgegrid.messages.events import CommandKind, OrderAcked, RiskStageChanged
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.messages.ledger import (
    CycleClosed,
    DifferenceFound,
    FillBooked,
    FundingBooked,
    LedgerMessage,
    MismatchResolved,
)
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.backtest.desk import Desk
from hedgegrid.strategy.backtest.translation import event_of
from hedgegrid.strategy.core.common_config import CommonConfig
from hedgegrid.strategy.core.config import DualGridConfig
from hedgegrid.strategy.core.dual_grid import DualGrid
from hedgegrid.strategy.core.inputs import CoreInput, GapFound, WorkerStarted
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.core.permission import effective_state
from hedgegrid.strategy.core.quiet import quiet_range
from hedgegrid.strategy.core.quiet_range import HIGHEST
from hedgegrid.strategy.core.state import BotState
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice, NewOrder
from tests.ledger_sum import realised

D = Decimal
DEEP = D(5)
QUOTED_QTY = D(3)
"""What stands before an order that joins at the best price or behind it."""
HALF = D("0.5")
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

STATES = (*[TradingState.ACTIVE] * 4, *TradingState)
STAGES = (*[RiskStage.NORMAL] * 4, *RiskStage)


class Saved(NamedTuple):
    """What a store would give back that lost its newest writes."""

    state: BotState
    ledger: int
    waiting: tuple[Command, ...]
    feed: tuple[CoreInput, ...]


def acked(command: SubmitOrder, now_ms: int) -> OrderAcked:
    return OrderAcked(
        symbol=SYMBOL, client_order_id=command.client_order_id, command=CommandKind.SUBMIT, ts_event=now_ms
    )


class World:
    """Everything random comes from one seed. `feed` is what gateway and executor have sent and the bot has not read.

    `configs` are what the bot is restarted with now and then; the first is what it begins with.
    """

    def __init__(
        self,
        seed: int,
        config: CommonConfig | Sequence[CommonConfig] = CONFIG,
        strategy: LegStrategy[Any, Any] | None = None,
    ) -> None:
        self.random = Random(seed)
        self.strategy = strategy or DualGrid()
        self.configs = (config,) if isinstance(config, CommonConfig) else tuple(config)
        self.config: Any = self.configs[0]
        self.venue = Venue([INSTRUMENT], seed=seed)
        self.venue.open_account(ACCOUNT, D(100000), hedge_mode=True, leverage=self.config.leverage)
        self.desk = Desk(self.venue, ACCOUNT)
        self.state: Any = self.strategy.new_state(SYMBOL)
        self.now_ms = 1_700_000_000_000
        self.price = D(60000)
        self.feed: list[CoreInput] = []
        self.waiting: list[Command] = []
        self.seen: list[Command] = []
        self.submitted: Counter[str] = Counter()
        self.sent: set[str] = set()
        self.ledger: list[LedgerMessage] = []
        self.booked: set[str] = set()
        self.checked_rows = 0
        self.inputs: list[tuple[Any, CoreInput]] = []
        self.saved: Saved | None = None
        self.went_back = False
        self.people_traded = False
        self.quiet_checks = 0
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
                bid_qty=QUOTED_QTY,
                ask_px=self.price + D("0.1"),
                ask_qty=QUOTED_QTY,
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

    def interfere(self) -> None:
        """What people and the account guard do, and a store that goes back in time."""
        chance = self.random.random()
        if chance < 0.3:
            self.operate(self.random.choice(STATES))
        elif chance < 0.6:
            self.guard(self.random.choice(STAGES), self.random.randrange(4), self.random.choice((D("0.5"), D("0.8"))))
        elif chance < 0.75:
            self.reconfigure(self.random.choice(self.configs))
        elif chance < 0.85:
            self.resolve(self.random.choice(list(MismatchAnswer)))
        elif chance < 0.9:
            self.save()
        elif chance < 0.95:
            self.go_back()
        else:
            self.trade_by_hand()
        self.check_always()

    # ---- people and the guard

    def operate(self, state: TradingState) -> None:
        self.take(SetTradingState(symbol=SYMBOL, state=state, actor="test", reason="test", ts_event=self.now_ms))

    def guard(self, stage: RiskStage, round_: int = 0, keep: Decimal = HALF) -> None:
        self.take(RiskStageChanged(stage=stage, cause="test", round=round_, keep=keep, ts_event=self.now_ms))

    def reconfigure(self, config: Any) -> None:
        self.config = config
        self.restart()

    def resolve(self, action: MismatchAnswer) -> None:
        self.take(ResolveMismatch(symbol=SYMBOL, action=action, actor="test", reason="test", ts_event=self.now_ms))

    def trade_by_hand(self) -> None:
        """A person opens or closes a little at market."""
        leg = self.random.choice(list(Leg))
        opens = self.random.random() < 0.5
        order = NewOrder(
            symbol=SYMBOL,
            side=leg.opening_side if opens else leg.closing_side,
            order_type=OrderType.MARKET,
            qty=D("0.003"),
            position_idx=leg.value,
            reduce_only=not opens,
        )
        self.venue.submit(ACCOUNT, order, self.now_ms)
        self.people_traded = True
        self.collect()

    def save(self) -> None:
        self.saved = Saved(self.state, len(self.ledger), tuple(self.waiting), tuple(self.feed))

    def go_back(self) -> None:
        """The store comes up without its newest writes; what was sent to the venue meanwhile was sent all the same."""
        if self.saved is None:
            return
        known = {id(command) for command in self.saved.waiting}
        for command in self.waiting:  # written after the save and never sent
            if isinstance(command, SubmitOrder) and id(command) not in known:
                self.submitted[command.client_order_id] -= 1
        del self.ledger[self.saved.ledger :]
        self.checked_rows = len(self.ledger)
        self.booked = {row.trade_id for row in self.ledger if isinstance(row, FillBooked | FundingBooked)}
        self.waiting, self.feed = list(self.saved.waiting), list(self.saved.feed)
        self.state, self.saved, self.went_back = self.saved.state, None, True
        self.gap()

    # ---- the bot

    def take(self, event: CoreInput) -> None:
        self.inputs.append((self.config, event))
        decision = self.strategy.step(self.config, self.state, event)
        self.state = decision.state
        self.ledger += decision.ledger
        for command in decision.commands:
            if isinstance(command, SubmitOrder):
                self.submitted[command.client_order_id] += 1
            self.waiting.append(command)
            self.seen.append(command)

    def tick(self) -> None:
        self.now_ms += 100
        self.take(self.quote(self.price, self.now_ms))

    def quote(self, price: Decimal, now_ms: int) -> QuoteTick:
        return QuoteTick(
            symbol=SYMBOL,
            last_px=price,
            mark_px=price,
            bid_px=price - D("0.1"),
            ask_px=price + D("0.1"),
            ts_event=now_ms,
            ts_init=now_ms,
            cause_ns=0,
        )

    def execute(self) -> None:
        """The executor settles the oldest command; its answer may come before or after the venue's own pushes."""
        if not self.waiting:
            return
        command = self.waiting.pop(0)
        if isinstance(command, SubmitOrder):
            if command.client_order_id in self.sent:  # the executor finds that the first one got in
                self.feed.append(acked(command, self.now_ms))
                return
            self.sent.add(command.client_order_id)
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
        self.state = msgspec.json.decode(msgspec.json.encode(self.state), type=self.strategy.state_type)
        self.take(WorkerStarted(ts_event=self.now_ms))

    def gap(self) -> None:
        self.take(GapFound(reason="test", ts_event=self.now_ms))

    def come_to_rest(self) -> None:
        for _ in range(400):
            if self.people_traded and self.state.mismatches > 2 and not self.state.resolving:
                self.resolve(self.random.choice(list(MismatchAnswer)))
            while self.waiting or self.feed:
                self.execute()
                self.deliver()
            self.now_ms += 2_000
            before = self.state
            self.tick()
            tries_again = any(leg.closing.until_ms > self.now_ms for leg in self.state.legs)
            resting = not self.waiting and not self.feed and self.state == before
            if resting and self.state.reconciled and not tries_again:
                return
        raise AssertionError(f"no rest: {self.state}")

    # ---- what must hold

    def check_always(self) -> None:
        assert max(self.submitted.values(), default=1) <= 1, "an order id was used twice"
        for leg in self.state.legs:
            assert leg.book.qty >= 0
            keys = Counter((order.purpose, order.level) for order in leg.orders)
            assert all(count == 1 for count in keys.values()), f"two orders for one level: {keys}"
            assert sum((level.qty for level in leg.levels), D(0)) >= leg.book.qty
        for row in self.ledger[self.checked_rows :]:
            if isinstance(row, FillBooked | FundingBooked):
                assert row.trade_id not in self.booked, "a trade was booked twice"
                self.booked.add(row.trade_id)
        self.checked_rows = len(self.ledger)
        self.check_caps()
        self.check_quiet()

    def check_caps(self) -> None:
        """Were every resting order filled now, the caps would still hold (people's own trades aside)."""
        if self.people_traded:
            return
        costs = {leg: self.cost_at_venue(leg) for leg in Leg}
        cap = self.config.max_leg_notional_usdt
        assert cap is None or max(costs.values()) <= cap, f"{costs} above {cap}"
        cap = self.config.max_bot_notional_usdt
        assert cap is None or sum(costs.values()) <= cap, f"{costs} above {cap}"

    def cost_at_venue(self, leg: Leg) -> Decimal:
        position = self.venue.position(ACCOUNT, SYMBOL, leg.value)
        return position.size * position.entry_price + sum(
            (
                order.leaves_qty * order.price
                for order in self.venue.orders_open(ACCOUNT, SYMBOL)
                if order.position_idx == leg.value and order.side is leg.opening_side
            ),
            D(0),
        )

    def check_quiet(self) -> None:
        """A tick inside the quiet range, taken by a step that does not look at the range, changes nothing."""
        quiet = quiet_range(self.state)
        if quiet.above >= quiet.below or self.random.random() < 0.8:
            return
        low, high = max(quiet.above, self.price * D("0.9")), min(quiet.below, self.price * D("1.1"))
        price = INSTRUMENT.price_down(low + (high - low) * self.random.randrange(1, 1000) / 1000)
        at_ms = min(quiet.wake_ms - 1, self.now_ms + self.random.choice((0, 500, 5_000, 500_000)))
        if not quiet.above < price < quiet.below or at_ms < self.now_ms:
            return
        awake = msgspec.structs.replace(self.state, quiet_above=HIGHEST, quiet_below=D(0), wake_ms=0)
        decision = self.strategy.step(self.config, awake, self.quote(price, at_ms))
        after = msgspec.structs.replace(
            decision.state, quiet_above=quiet.above, quiet_below=quiet.below, wake_ms=quiet.wake_ms
        )
        assert not decision.commands, f"{quiet}: a tick at {price} commands {decision.commands}"
        assert not decision.ledger
        assert after == self.state, f"{quiet}: a tick at {price} changes the state"
        self.quiet_checks += 1

    def check_at_rest(self) -> None:
        self.check_always()
        if not self.people_traded:
            assert not [row for row in self.ledger if isinstance(row, DifferenceFound)], "a difference that is none"
        if not (self.adopted or self.went_back or self.people_traded):
            executions = {report.exec_id for report in self.venue.executions(ACCOUNT)}
            booked = {row.trade_id for row in self.ledger if isinstance(row, FillBooked | FundingBooked)}
            assert booked == executions, f"lost {executions - booked}, invented {booked - executions}"
        for leg in self.state.legs:
            position = self.venue.position(ACCOUNT, SYMBOL, leg.leg.value)
            assert leg.book.qty + leg.foreign_qty == position.size
            if not self.people_traded:  # what they paid is told with the next snapshot of a quiet moment
                assert leg.baseline + leg.book.realised == position.cum_realised_pnl
                assert realised(self.ledger, leg.leg) == position.cum_realised_pnl
            self.check_exits_at_rest(leg.leg)

    def check_exits_at_rest(self, leg: Leg) -> None:
        """Take-profits for the whole position, where the bot may take profits and does not trail."""
        position = self.venue.position(ACCOUNT, SYMBOL, leg.value)
        resting = [
            order
            for order in self.venue.orders_open(ACCOUNT, SYMBOL)
            if order.position_idx == leg.value and order.side is leg.closing_side
        ]
        covered = sum((order.leaves_qty for order in resting), D(0))
        trails = bool(getattr(self.config, "trailing_take_profit_pct", 0))
        if not effective_state(self.state).may_take_profit or not position.size:
            assert not resting
        elif trails:
            assert covered < position.size
        else:
            held = self.state.legs[leg.value - 1].book.qty
            assert covered == held, f"{covered} of {held} has a take-profit"

    @property
    def adopted(self) -> bool:
        return any(isinstance(row, MismatchResolved) for row in self.ledger)

    @property
    def cycles(self) -> list[CycleClosed]:
        return [row for row in self.ledger if isinstance(row, CycleClosed)]
