"""Asking a venue that refuses the account whether it still does: rarely, so that asking does not become a reason.

Only for refusals that can end without us (`errors.MAY_PASS`). When one signed query is answered the account begins
anew, with the set-up and the snapshots of every start before any order.
"""

import logging

from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.rest import Phase, RestClient
from hedgegrid.executor.periodic import Periodic
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.runtime.clock import Clock

LOOK_EVERY_S = 0.5
NS_PER_S = 1_000_000_000

_log = logging.getLogger(__name__)


class ProbePace:
    """When to ask next. Pure. Pauses double from `first_s` to `longest_s`; they begin anew after as long in peace."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_ns = int(first_s * NS_PER_S)
        self._longest_ns = int(longest_s * NS_PER_S)
        self._tries = 0
        self._due_ns: int | None = None
        self._opened_ns = 0

    def is_due(self, now_ns: int) -> bool:
        """Shut: is it time to ask? The first question is one pause after the refusal."""
        if self._due_ns is None:
            if now_ns - self._opened_ns >= self._longest_ns:
                self._tries = 0
            self._due_ns = now_ns + self._pause_ns()
        return now_ns >= self._due_ns

    def refused(self, now_ns: int) -> None:
        self._tries += 1
        self._due_ns = now_ns + self._pause_ns()

    def admitted(self, now_ns: int) -> None:
        """Counts as a try: a key that may ask and not trade is let in and refused over and over."""
        self._tries += 1
        self._due_ns = None
        self._opened_ns = now_ns

    def _pause_ns(self) -> int:
        return min(self._longest_ns, self._first_ns << min(self._tries, 20))


class Readmission(Periodic):
    """It makes no call while the door is open, or shut for good."""

    def __init__(self, account: str, rest: RestClient, door: VenueDoor, clock: Clock, pace: ProbePace) -> None:
        super().__init__(f"readmission-{account}", LOOK_EVERY_S)
        self._account = account
        self._rest = rest
        self._door = door
        self._clock = clock
        self._pace = pace

    def look(self) -> None:
        if self._door.may_pass and self._pace.is_due(self._clock.monotonic_ns()):
            self._ask()

    def _ask(self) -> None:
        try:
            with self._rest.phase(Phase.RECONCILE):
                self._rest.wallet()
        except (VenueError, NotSent) as error:
            self._pace.refused(self._clock.monotonic_ns())
            _log.warning("account %s is still refused: %s", self._account, error)
            return
        self._pace.admitted(self._clock.monotonic_ns())
        self._door.reopen()
