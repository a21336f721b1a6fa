"""The guard of one account as executor and backtest run it: events and marks in, stage and denials out. No I/O."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.account_book import AccountBook
from hedgegrid.guard.admission import cap_broken, stage_forbids
from hedgegrid.guard.config import GuardConfig
from hedgegrid.guard.decide import GuardState, decide
from hedgegrid.guard.figures import Figures, leverage_of, measure, opening_margin
from hedgegrid.guard.view import Mark, OpeningOrder
from hedgegrid.messages.commands import AmendOrder, SubmitOrder
from hedgegrid.messages.events import AccountEvent, RiskStageChanged

LastPrice = Callable[[str], Decimal | None]


class AccountRisk:
    """`leverages` names the account's symbols, with what holds until the venue has named a leverage."""

    def __init__(self, config: GuardConfig, leverages: Mapping[str, Decimal], now_ms: int) -> None:
        self._config = config
        self._book = AccountBook(leverages, now_ms)
        self._marks: dict[str, Mark] = {}
        self._acknowledged_ms = 0
        self._notional, self._margin = ZERO, ZERO
        """Of opening orders let through since `figures` were measured, USDT."""
        self.figures = Figures(now_ms=now_ms, totals={})
        self.state = GuardState()

    @property
    def stage(self) -> RiskStage:
        return self.state.stage

    def apply(self, event: AccountEvent, now_ms: int) -> None:
        self._book.apply(event, now_ms)

    def exclude(self, symbol: str) -> None:
        """The venue does not list the symbol."""
        self._book.exclude(symbol)

    def gap(self, now_ms: int) -> None:
        """Events may be missing."""
        self._book.gap(now_ms)

    def acknowledge(self, at_ms: int) -> None:
        """The operator has set the whole account ACTIVE at `at_ms` of their clock: leave to go on."""
        self._acknowledged_ms = max(self._acknowledged_ms, at_ms)

    def judge(self, marks: Mapping[str, Mark], now_ms: int) -> RiskStageChanged | None:
        """Measure the account at the newest marks and decide; what is to be told, if anything."""
        self._marks.update(marks)
        self.figures = self.measured({}, now_ms)
        self._notional = self._margin = ZERO
        self.state, event = decide(self._config, self.state, self.figures, self._acknowledged_ms)
        return event

    def measured(self, marks: Mapping[str, Mark], now_ms: int) -> Figures:
        """What the figures would be at these marks; nothing is remembered of it."""
        known = {**self._marks, **marks}
        for symbol, mark in self._book.marks.items():
            if symbol not in known or mark.at_ms > known[symbol].at_ms:
                known[symbol] = mark
        return measure(self._book.view(), known, self._config.taker_fee, now_ms)

    def would_change(self, marks: Mapping[str, Mark], now_ms: int) -> bool:
        """Whether the guard would have something to say at these marks."""
        return decide(self._config, self.state, self.measured(marks, now_ms)).event is not None

    def stage_denial(self, client_order_id: str) -> str | None:
        """Why the present stage lets no such order through that adds exposure; None when it does."""
        state = self.state
        if not stage_forbids(state.stage, client_order_id):
            return None
        return f"the account guard is at {state.stage.name}: {state.cause}"

    def cap_denial(self, command: SubmitOrder | AmendOrder, last_price: LastPrice, now_ms: int) -> str | None:
        """Which cap of the account a command that adds exposure would break.

        `last_price(symbol)` is asked only for a market order where there is no mark.
        """
        if self.figures.equity is None:  # a snapshot may have come since
            self.figures = self.measured({}, now_ms)
        notional, margin = self._cost(command, self._price_of(command) or last_price(command.symbol))
        if notional is None:
            return "no price is known to judge a market order by"
        return cap_broken(self._config, self.figures, self._notional + notional, self._margin + margin)

    def open_orders(self, symbol: str) -> int:
        """Orders of a symbol that add exposure, open or on their way."""
        return self._book.open_orders(symbol)

    def expect(self, command: SubmitOrder | AmendOrder) -> None:
        """From now on the command may reach the venue; until its outcome is heard it counts as if it were filled."""
        self._book.expect(command)
        notional, margin = self._cost(command, self._price_of(command))
        self._notional += notional or ZERO
        self._margin += margin

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
