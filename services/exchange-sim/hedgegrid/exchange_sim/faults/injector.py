"""The faults of one exchange: what is planned, and what holds for the whole server at the moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from hedgegrid.exchange_sim.clock import wall_ms
from hedgegrid.exchange_sim.faults.kinds import ConnectRefused, Fault, MessageFault, RequestFault, SocketFault
from hedgegrid.exchange_sim.faults.plan import FaultPlan, Subject
from hedgegrid.exchange_sim.faults.scenario import Scenario
from hedgegrid.exchange_sim.faults.schedule import Schedule

S = TypeVar("S", bound=SocketFault)


class Injector:
    """`elapsed_s` tells venue seconds since the market began."""

    def __init__(self, elapsed_s: Callable[[], float], monotonic: Callable[[], float] = time.monotonic) -> None:
        self.plan = FaultPlan()
        self.schedule = Schedule()
        self.elapsed_s = elapsed_s
        self._monotonic = monotonic
        self._skew_ms = 0
        self._skew_until = 0.0
        self._closed_until = 0.0

    def load(self, scenario: Scenario) -> None:
        """Put a scenario in the place of everything planned so far."""
        self.plan, self.schedule = FaultPlan(scenario.seed), Schedule(scenario.seed)
        for fault in scenario.faults:
            self.plan.add(fault)
        for event in scenario.events:
            self.schedule.add(event)

    def clear(self) -> None:
        """Nothing is planned and nothing of what was lasts, but sockets that were stalled stay so."""
        self.plan.clear()
        self.schedule.clear()
        self._skew_ms = 0
        self._closed_until = 0.0

    def requests(self, subject: Subject) -> list[RequestFault]:
        return self.plan.drawn(RequestFault, subject, self.elapsed_s())

    def messages(self, subject: Subject) -> list[MessageFault]:
        return self.plan.drawn(MessageFault, subject, self.elapsed_s())

    def sockets(self, kind: type[S], subject: Subject) -> S | None:
        return self.plan.first(kind, subject, self.elapsed_s())

    def refuses_connection(self, channel: str) -> int:
        """HTTP status an upgrade is refused with, 0 when it is let in."""
        if self.in_maintenance:
            return 503
        fault = self.sockets(ConnectRefused, {"channel": channel})
        return fault.status if fault is not None else 0

    def has(self, kind: type[Fault]) -> bool:
        return self.plan.has(kind)

    @property
    def in_maintenance(self) -> bool:
        return self._monotonic() < self._closed_until

    def close_for(self, seconds: float) -> None:
        self._closed_until = self._monotonic() + seconds

    def skew_for(self, skew_ms: int, seconds: float | None) -> None:
        self._skew_ms = skew_ms
        self._skew_until = float("inf") if seconds is None else self._monotonic() + seconds

    def wall_ms(self) -> int:
        """The server's own idea of the wall clock."""
        if self._skew_ms and self._monotonic() < self._skew_until:
            return wall_ms() + self._skew_ms
        return wall_ms()
