"""Conditions under which orders that add exposure must not be sent, whoever wants them.

Each is engaged by whoever watches its cause and released by the same when the cause is gone; the gate asks right before
a command is sent. Cancels always pass: an interlock never stands between us and less risk.
"""

import logging
import threading
from enum import IntEnum, StrEnum
from typing import NamedTuple

from hedgegrid.domain.order import OrderType
from hedgegrid.executor.in_flight import only_reduces
from hedgegrid.messages.commands import AmendOrder, Command, SubmitOrder
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.metric_names import Metrics

WHOLE_ACCOUNT = ""

_log = logging.getLogger(__name__)


class Interlock(StrEnum):
    REDIS_MEMORY = "redis-memory"
    """The money server is nearly full."""
    REDIS_WRITES = "redis-writes"
    """The money server cannot write its append-only file."""
    REDIS_FUNCTIONS = "redis-functions"
    """The money server runs the commit function of another version of this program."""
    REDIS_RESTARTED = "redis-restarted"
    """Time may have gone back: the symbol waits for a snapshot."""
    CLOCK = "clock"
    """The venue's time is not known well enough, or ours is far off."""
    QUARANTINE = "quarantine"
    """An order of the symbol has had no known outcome for too long."""


class Strength(IntEnum):
    NO_EXPOSURE = 1
    """Nothing that adds exposure."""
    CANCEL_ONLY = 2
    """Cancels, and closings at market: what ends risk with the fewest writes."""


class Held(NamedTuple):
    strength: Strength
    text: str


class Interlocks:
    """Set from any thread; asked without waiting."""

    def __init__(self, account: str, health: Health, metrics: Metrics) -> None:
        self._account = account
        self._health = health
        self._metrics = metrics
        self._lock = threading.Lock()
        self._held: dict[tuple[str, Interlock], Held] = {}
        """By symbol, or `WHOLE_ACCOUNT`; replaced whole, so that readers need no lock."""

    def engage(
        self,
        interlock: Interlock,
        text: str,
        symbol: str = WHOLE_ACCOUNT,
        strength: Strength = Strength.NO_EXPOSURE,
    ) -> None:
        """Let nothing through from now on that `strength` forbids; `text` says why, for people."""
        key = (symbol, interlock)
        with self._lock:
            before = self._held.get(key)
            self._held = {**self._held, key: Held(strength, text)}
        self._show(interlock, symbol, strength)
        self._health.set(self._condition(interlock, symbol), False, text)
        if before is None or before.strength is not strength:
            _log.error("account %s %s: interlock %s: %s", self._account, symbol, interlock, text)

    def release(self, interlock: Interlock, symbol: str = WHOLE_ACCOUNT) -> None:
        """The cause is gone; releasing what is not engaged changes nothing."""
        key = (symbol, interlock)
        with self._lock:
            if key not in self._held:
                return
            self._held = {known: held for known, held in self._held.items() if known != key}
        self._show(interlock, symbol, 0)
        self._health.remove(self._condition(interlock, symbol))
        _log.warning("account %s %s: interlock %s is released", self._account, symbol, interlock)

    def engaged(self, interlock: Interlock, symbol: str = WHOLE_ACCOUNT) -> Held | None:
        return self._held.get((symbol, interlock))

    def denial(self, command: Command) -> str | None:
        """Why a command must not be sent now; None when it may."""
        held = self._held
        if not held:
            return None
        least = _passes_up_to(command)
        for (symbol, interlock), reason in held.items():
            if symbol in (WHOLE_ACCOUNT, command.symbol) and (least is None or reason.strength > least):
                return f"interlock {interlock}: {reason.text}"
        return None

    def _show(self, interlock: Interlock, symbol: str, strength: int) -> None:
        self._metrics.interlock.labels(self._account, symbol, interlock).set(strength)

    def _condition(self, interlock: Interlock, symbol: str) -> str:
        return ":".join(part for part in ("interlock", self._account, symbol, interlock) if part)


def _passes_up_to(command: Command) -> Strength | None:
    """The strongest interlock that a command may pass; None = not even the weakest."""
    if not only_reduces(command):
        return None
    if isinstance(command, AmendOrder):
        return Strength.NO_EXPOSURE
    if isinstance(command, SubmitOrder) and command.order_type is not OrderType.MARKET:
        return Strength.NO_EXPOSURE
    return Strength.CANCEL_ONLY
