"""What the executor knows of its account's risk: the guard's judgement, shared by desk, lanes and snapshots."""

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.account_book import AccountBook
from hedgegrid.guard.admission import cap_broken, stage_forbids
from hedgegrid.guard.decide import GuardState, decide
from hedgegrid.guard.figures import Figures, leverage_of, measure, opening_margin
from hedgegrid.guard.view import Mark, OpeningOrder
from hedgegrid.messages.commands import AmendOrder, SubmitOrder
from hedgegrid.messages.events import AccountEvent, RiskStageChanged
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.config import AccountConfig

LastPrice = Callable[[str], Decimal | None]


class AccountRisk:
    """Every method may be called from any thread; none does I/O."""

    def __init__(self, config: AccountConfig, clock: Clock) -> None:
        self._config = config.guard
        self._clock = clock
        self._lock = threading.Lock()
        self._book = AccountBook({bot.symbol: bot.leverage for bot in config.bots}, clock.now_ms())
        self._marks: dict[str, Mark] = {}
        self._acknowledged_ms = 0
        self._notional, self._margin = ZERO, ZERO
        """Of opening orders let through since `figures` were measured, USDT."""
        self.figures = Figures(now_ms=clock.now_ms(), totals={})
        self.state = GuardState()

    def resume(self, raw: bytes | None) -> None:
        """Go on from the stored state of an earlier holder.

        Raises:
            msgspec.DecodeError: another version wrote it.
        """
        if raw is not None:
            self.state = msgspec.json.decode(raw, type=GuardState)

    def apply(self, event: AccountEvent) -> None:
        with self._lock:
            self._book.apply(event, self._clock.now_ms())

    def gap(self) -> None:
        """Events may be missing."""
        with self._lock:
            self._book.gap(self._clock.now_ms())

    def acknowledge(self, at_ms: int) -> None:
        """The operator has set the whole account ACTIVE at `at_ms` of their clock: leave to go on."""
        self._acknowledged_ms = max(self._acknowledged_ms, at_ms)

    def judge(self, marks: Mapping[str, Mark]) -> RiskStageChanged | None:
        """Measure the account at the newest marks and decide; what is to be told, if anything."""
        with self._lock:
            self._marks.update(marks)
            self._measure()
            self.state, event = decide(self._config, self.state, self.figures, self._acknowledged_ms)
            return event

    def stage_denial(self, client_order_id: str) -> str | None:
        """Why the present stage lets no such order through that adds exposure; None when it does."""
        state = self.state
        if not stage_forbids(state.stage, client_order_id):
            return None
        return f"the account guard is at {state.stage.name}: {state.cause}"

    def cap_denial(self, command: SubmitOrder | AmendOrder, last_price: LastPrice) -> str | None:
        """Which cap of the account a command that adds exposure would break.

        `last_price(symbol)` is asked only for a market order where there is no mark.
        """
        with self._lock:
            if self.figures.equity is None:
                self._measure()  # a snapshot may have come since
            notional, margin = self._cost(command, self._price_of(command) or last_price(command.symbol))
            if notional is None:
                return "no price is known to judge a market order by"
            return cap_broken(self._config, self.figures, self._notional + notional, self._margin + margin)

    def expect(self, command: SubmitOrder | AmendOrder) -> None:
        """From now on the command may reach the venue; until its outcome is heard it counts as if it were filled."""
        with self._lock:
            self._book.expect(command)
            notional, margin = self._cost(command, self._price_of(command))
            self._notional += notional or ZERO
            self._margin += margin

    def _measure(self) -> None:
        view = self._book.view()
        marks = {**self._book.marks, **self._marks}
        for symbol, mark in self._book.marks.items():
            if mark.at_ms > marks[symbol].at_ms:
                marks[symbol] = mark
        self.figures = measure(view, marks, self._config.taker_fee, self._clock.now_ms())
        self._notional = self._margin = ZERO

    def _price_of(self, command: SubmitOrder | AmendOrder) -> Decimal | None:
        if command.price is not None:
            return command.price
        mark = self._marks.get(command.symbol) or self._book.marks.get(command.symbol)
        return mark.px if mark else None

    def _cost(self, command: SubmitOrder | AmendOrder, price: Decimal | None) -> tuple[Decimal | None, Decimal]:
        """Value and initial margin of an opening order; an amended one counts in full, beside its old terms."""
        if price is None:
            return None, ZERO
        leverage = leverage_of(self._book.view(), command.symbol, command.leg)
        order = OpeningOrder(command.symbol, command.leg, command.qty, price)
        return command.qty * price, opening_margin(order, price, leverage, self._config.taker_fee)

    @property
    def stage(self) -> RiskStage:
        return self.state.stage
