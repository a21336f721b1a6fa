"""The backtest: the very step of live trading against the simulated venue, on the market's own time."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hedgegrid.messages.events import AccountEvent
from hedgegrid.messages.ledger import LedgerMessage
from hedgegrid.messages.market import QuoteTick
from hedgegrid.strategy.backtest.desk import Desk
from hedgegrid.strategy.backtest.translation import event_of
from hedgegrid.strategy.core.common_config import CommonConfig
from hedgegrid.strategy.core.dual_grid import DualGrid
from hedgegrid.strategy.core.inputs import CoreInput, WorkerStarted
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.core.state import BotState
from hedgegrid.venue.engine import Venue
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarketTrade, MarkPrice

MarketInput = MarketTrade | MarketQuote | MarkPrice | FundingDue

SETTLE_TURNS = 1000
"""A step's consequences end long before; more means that commands and events chase one another."""


class Backtest:
    """One bot on one account. Orders reach the venue at once and its answers the bot before the next tick."""

    def __init__(
        self,
        venue: Venue,
        account: str,
        symbol: str,
        config: CommonConfig,
        start_ms: int,
        strategy: LegStrategy[Any, Any] | None = None,
    ) -> None:
        """`strategy` None means the dual grid."""
        self._venue = venue
        self._desk = Desk(venue, account)
        self._config = config
        self._symbol = symbol
        self._account = account
        self._strategy: LegStrategy[Any, Any] = strategy or DualGrid()
        self.state: BotState = self._strategy.new_state(symbol)
        self.ledger: list[LedgerMessage] = []
        self.commands = 0
        self._take(WorkerStarted(ts_event=start_ms), start_ms)

    def on_market(self, event: MarketInput) -> None:
        """Move the venue, deliver what it reports, then let the bot see the new price."""
        match event:
            case MarketTrade():
                self._venue.on_trade(event)
            case MarketQuote():
                self._venue.on_quote(event)
            case MarkPrice():
                self._venue.on_mark(event)
            case FundingDue():
                self._venue.on_funding(event)
        self._settle([], event.ts_ms)
        tick = self._tick(event.ts_ms)
        if tick is not None:
            self._take(tick, event.ts_ms)

    def run(self, market: Iterable[MarketInput]) -> None:
        for event in market:
            self.on_market(event)

    def _take(self, event: CoreInput, now_ms: int) -> None:
        self._settle([event], now_ms)

    def _settle(self, waiting: list[CoreInput], now_ms: int) -> None:
        for _ in range(SETTLE_TURNS):
            waiting += self._reports()
            if not waiting:
                return
            decision = self._strategy.step(self._config, self.state, waiting.pop(0))
            self.state = decision.state
            self.ledger += decision.ledger
            for command in decision.commands:
                self.commands += 1
                waiting += self._desk.carry_out(command, now_ms)
        raise RuntimeError(f"{self._symbol} does not come to rest at {now_ms}")

    def _reports(self) -> list[AccountEvent]:
        return [event_of(report) for report in self._venue.drain() if report.account == self._account]

    def _tick(self, now_ms: int) -> QuoteTick | None:
        ticker = self._venue.ticker(self._symbol)
        if ticker.last_price is None or ticker.mark_price is None:
            return None
        return QuoteTick(
            symbol=self._symbol,
            last_px=ticker.last_price,
            mark_px=ticker.mark_price,
            bid_px=ticker.bid_price or Decimal(0),
            ask_px=ticker.ask_price or Decimal(0),
            ts_event=now_ms,
            ts_init=now_ms,
            cause_ns=0,
        )
