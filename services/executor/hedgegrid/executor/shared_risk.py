"""The account's risk as desk, lanes, snapshots and guard loop share it."""

import threading
from collections.abc import Mapping

import msgspec

from hedgegrid.domain.risk import RiskStage
from hedgegrid.guard.account_risk import AccountRisk, LastPrice
from hedgegrid.guard.decide import GuardState
from hedgegrid.guard.figures import Figures
from hedgegrid.guard.view import Mark
from hedgegrid.messages.commands import AmendOrder, SubmitOrder
from hedgegrid.messages.events import AccountEvent, RiskStageChanged
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.config import AccountConfig

_state = msgspec.json.Decoder(GuardState)


class SharedRisk:
    """An `AccountRisk` whose methods may be called from any thread. The stage is read without waiting: a lane asks for
    it right before it sends."""

    def __init__(self, config: AccountConfig, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._risk = AccountRisk(config.guard, {bot.symbol: bot.leverage for bot in config.bots}, clock.now_ms())

    @property
    def state(self) -> GuardState:
        return self._risk.state

    @property
    def stage(self) -> RiskStage:
        return self._risk.state.stage

    @property
    def figures(self) -> Figures:
        return self._risk.figures

    def resume(self, raw: bytes | None) -> None:
        """Go on from the stored state of an earlier holder.

        Raises:
            msgspec.DecodeError: another version wrote it.
        """
        if raw is not None:
            self._risk.state = _state.decode(raw)

    def apply(self, event: AccountEvent) -> None:
        with self._lock:
            self._risk.apply(event, self._clock.now_ms())

    def exclude(self, symbol: str) -> None:
        """The venue does not list the symbol."""
        with self._lock:
            self._risk.exclude(symbol)

    def gap(self) -> None:
        """Events may be missing."""
        with self._lock:
            self._risk.gap(self._clock.now_ms())

    def acknowledge(self, at_ms: int) -> None:
        """The operator's leave to go on."""
        with self._lock:
            self._risk.acknowledge(at_ms)

    def judge(self, marks: Mapping[str, Mark]) -> RiskStageChanged | None:
        with self._lock:
            return self._risk.judge(marks, self._clock.now_ms())

    def stage_denial(self, client_order_id: str) -> str | None:
        return self._risk.stage_denial(client_order_id)

    def cap_denial(self, command: SubmitOrder | AmendOrder, last_price: LastPrice) -> str | None:
        with self._lock:
            return self._risk.cap_denial(command, last_price, self._clock.now_ms())

    def open_orders(self, symbol: str) -> int:
        """Orders of a symbol that add exposure, open or on their way."""
        with self._lock:
            return self._risk.open_orders(symbol)

    def expect(self, command: SubmitOrder | AmendOrder) -> None:
        with self._lock:
            self._risk.expect(command)
