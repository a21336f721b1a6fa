"""Holds exposure back while the venue's time is not known well, or our own clock is far from it.

A signature's timestamp is our fence at the venue, and the ages of commands and prices are told by our clock: both must
be right. In a normal run every answer tells the time and nothing is asked for it.
"""

import logging

from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.rest import Phase, RestClient
from hedgegrid.executor.interlocks import Interlock, Interlocks
from hedgegrid.executor.periodic import Periodic
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.runtime.metric_names import Metrics

LOOK_EVERY_S = 0.5
ASK_EVERY_LOOKS = 4

_log = logging.getLogger(__name__)


def clock_fault(uncertainty_ms: int | None, offset_ms: int, limit_ms: int, drift_limit_ms: int) -> str | None:
    """What is wrong with the clocks; None for nothing, or while the venue was not heard yet. Pure."""
    if uncertainty_ms is None:
        return None
    if uncertainty_ms > limit_ms:
        return f"the venue's time is known to {uncertainty_ms} ms only, more than {limit_ms} ms: its answers are slow"
    if abs(offset_ms) > drift_limit_ms:
        return f"this machine's clock is {offset_ms} ms from the venue's, more than {drift_limit_ms} ms: set it (NTP)"
    return None


class ClockWatch(Periodic):
    """It looks twice a second, and asks for the time only when there is doubt."""

    def __init__(
        self,
        account: str,
        rest: RestClient,
        door: VenueDoor,
        interlocks: Interlocks,
        metrics: Metrics,
        limit_ms: int,
        drift_limit_ms: int,
    ) -> None:
        super().__init__(f"clock-{account}", LOOK_EVERY_S)
        self._rest = rest
        self._door = door
        self._interlocks = interlocks
        self._metrics = metrics
        self._limit_ms = limit_ms
        self._drift_limit_ms = drift_limit_ms
        self._looks = 0

    def look(self) -> None:
        self._looks += 1
        if self._is_in_doubt() and self._looks % ASK_EVERY_LOOKS == 0 and self._door.fatal is None:
            self._ask()
            self._is_in_doubt()

    def _is_in_doubt(self) -> bool:
        """Judge; True when the time should be asked for."""
        clock = self._rest.clock
        uncertainty_ms, offset_ms = clock.uncertainty_ms, clock.offset_ms
        self._metrics.clock_offset.labels("executor").set(offset_ms / 1000)
        self._metrics.clock_uncertainty.labels("executor").set((uncertainty_ms or 0) / 1000)
        fault = clock_fault(uncertainty_ms, offset_ms, self._limit_ms, self._drift_limit_ms)
        if fault is None:
            self._interlocks.release(Interlock.CLOCK)
        else:
            self._interlocks.engage(Interlock.CLOCK, fault)
        return fault is not None or clock.doubted or (uncertainty_ms or 0) > self._limit_ms // 2

    def _ask(self) -> None:
        try:
            with self._rest.phase(Phase.RECONCILE):
                self._rest.sync_clock()
        except (VenueError, NotSent) as error:
            _log.debug("the venue's time could not be read: %s", error)
