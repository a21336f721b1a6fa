"""Whether the venue lets an account in: a fatal refusal ends sending, a ban of the address all calls for minutes."""

import logging
import threading

from hedgegrid.bybit.errors import LATCHED, Kind, NotSent, Outcome
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.health import Health

NS_PER_S = 1_000_000_000

_log = logging.getLogger(__name__)


class Readmitted(Exception):
    """The venue lets the account in again: whoever served it begins anew, as after a restart."""


class VenueDoor:
    """Told of every outcome that closes it; asked before every call."""

    def __init__(self, account: str, health: Health, clock: Clock, ban_pause_s: int) -> None:
        self._account = account
        self._health = health
        self._clock = clock
        self._ban_pause_s = ban_pause_s
        self._lock = threading.Lock()
        self._banned_until_ns = 0
        self.fatal: Outcome | None = None
        """Nothing is sent while it is set. `reopen` ends it where `may_pass`, else only a restart does."""
        self.openings = 0
        """Times the door was opened again."""
        self._set_health(True, "")

    def heard(self, outcome: Outcome) -> None:
        """Take notice of an outcome of any call."""
        if outcome.kind is Kind.FATAL:
            self._shut(outcome)
        elif outcome.kind is Kind.BANNED:
            self._ban(outcome)

    @property
    def may_pass(self) -> bool:
        """True while shut for a reason that can end without a restart."""
        return self.fatal is not None and self.fatal.code not in LATCHED

    def reopen(self) -> None:
        """The venue has answered a signed call again."""
        with self._lock:
            if self.fatal is None:
                return
            self.fatal = None
            self.openings += 1
        self._set_health(True, "")
        _log.warning("account %s is let in by the venue again", self._account)

    def banned_for_ns(self) -> int:
        """Nanoseconds until calls are allowed again; 0 when they are. Ends the ban when its time is over."""
        with self._lock:
            left = self._banned_until_ns - self._clock.monotonic_ns()
            if self._banned_until_ns and left <= 0:
                self._banned_until_ns = 0
                if self.fatal is None:
                    self._set_health(True, "")
                _log.warning("account %s calls the venue again after a ban", self._account)
        return max(0, left) if self._banned_until_ns else 0

    def check(self) -> None:
        """Runs before every call.

        Raises:
            NotSent: the address is banned; a call now would prolong it.
        """
        if self._banned_until_ns and self.banned_for_ns():
            raise NotSent("the address is banned by the venue")

    def _shut(self, outcome: Outcome) -> None:
        with self._lock:
            if self.fatal is not None:
                return
            self.fatal = outcome
        then = "repair it and restart" if outcome.code in LATCHED else "asked again now and then until it is repaired"
        text = f"the venue refuses this account: code {outcome.code}, {outcome.reason}; {then}"
        self._set_health(False, text)
        _log.error("account %s stops sending: %s", self._account, text)

    def _ban(self, outcome: Outcome) -> None:
        with self._lock:
            known = self._banned_until_ns > 0
            self._banned_until_ns = self._clock.monotonic_ns() + self._ban_pause_s * NS_PER_S
        text = f"{outcome.reason}; no calls for {self._ban_pause_s} s"
        self._set_health(False, text)
        if not known:
            _log.error("account %s is shut out by the venue: %s", self._account, text)

    def _set_health(self, ok: bool, reason: str) -> None:
        self._health.set(f"venue:{self._account}", ok, reason)
