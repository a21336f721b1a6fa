"""Looks at the money server every second and engages interlocks while it is not fit for new exposure.

A full Redis refuses writes, and without a durable record nothing can be sent, not even a cancel: so exposure stops well
before, and what is left of the memory is kept for ending risk (reliability §5.7).
"""

import logging

import redis

from hedgegrid.bus.connection import connect, functions_are_ours
from hedgegrid.bus.server_facts import ServerFacts, read_facts
from hedgegrid.executor.interlocks import Interlock, Interlocks, Strength
from hedgegrid.executor.periodic import Periodic

LOOK_EVERY_S = 1.0
FUNCTIONS_EVERY_LOOKS = 30
EASE_PCT = 5.0
"""A watermark is left when this many percentage points below it."""

_log = logging.getLogger(__name__)


def memory_strength(used_pct: float, stop_pct: float, cancel_pct: float, present: Strength | None) -> Strength | None:
    """What so much used memory forbids, while `present` is forbidden already. Pure."""
    eased_cancel = cancel_pct - (EASE_PCT if present is Strength.CANCEL_ONLY else 0)
    eased_stop = stop_pct - (EASE_PCT if present is not None else 0)
    if used_pct >= eased_cancel:
        return Strength.CANCEL_ONLY
    return Strength.NO_EXPOSURE if used_pct >= eased_stop else None


class RedisWatch(Periodic):
    """With a connection of its own: looking costs no order any time."""

    def __init__(self, account: str, url: str, interlocks: Interlocks, stop_pct: float, cancel_pct: float) -> None:
        super().__init__(f"redis-watch-{account}", LOOK_EVERY_S)
        self._account = account
        self._client = connect(url, f"executor-watch-{account}")
        self._interlocks = interlocks
        self._stop_pct = stop_pct
        self._cancel_pct = cancel_pct
        self._looks = 0

    def close(self) -> None:
        super().close()
        self._thread.join(timeout=5)
        self._client.close()

    def look(self) -> None:
        try:
            self._judge(read_facts(self._client))
            if self._looks % FUNCTIONS_EVERY_LOOKS == 0:
                self._check_functions()
            self._looks += 1
        except redis.RedisError as error:  # an uncertain lease stops the sending
            _log.debug("account %s: the money Redis could not be looked at: %s", self._account, error)

    def _judge(self, facts: ServerFacts) -> None:
        if facts.last_write_ok:
            self._interlocks.release(Interlock.REDIS_WRITES)
        else:
            text = "the money Redis cannot write its append-only file: make room on its disk"
            self._interlocks.engage(Interlock.REDIS_WRITES, text, strength=Strength.CANCEL_ONLY)
        present = self._interlocks.engaged(Interlock.REDIS_MEMORY)
        used_pct = facts.memory_share * 100
        strength = memory_strength(
            used_pct, self._stop_pct, self._cancel_pct, None if present is None else present.strength
        )
        if strength is None:
            self._interlocks.release(Interlock.REDIS_MEMORY)
        else:
            text = f"the money Redis has used {used_pct:.0f} % of maxmemory: mend the slowest reader, or raise it"
            self._interlocks.engage(Interlock.REDIS_MEMORY, text, strength=strength)

    def _check_functions(self) -> None:
        if functions_are_ours(self._client):
            self._interlocks.release(Interlock.REDIS_FUNCTIONS)
        else:
            text = "the money Redis runs the functions of another version: run one version of all services"
            self._interlocks.engage(Interlock.REDIS_FUNCTIONS, text)
