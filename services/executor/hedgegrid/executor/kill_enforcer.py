"""CANCEL and FLATTEN at the venue itself, over REST and without Redis: the bots may be unable to.

Each round cancels everything and looks. An order that was on its way when the switch was thrown can arrive until its
receive window is over, so the rounds go on at least that long.
"""

import contextlib
import logging
import threading

from hedgegrid.bybit import errors
from hedgegrid.bybit.emptying import close_position, emptied, open_positions
from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.parse import ParseError
from hedgegrid.bybit.rest import Phase, RestClient
from hedgegrid.domain.kill import KillLevel
from hedgegrid.executor.kill_record import KillRecord
from hedgegrid.executor.kill_switch import KillSwitch
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.config import AccountConfig, bot_dry_run
from hedgegrid.runtime.kill_latch import KillLatch
from hedgegrid.runtime.metric_names import Metrics

NS_PER_MS = 1_000_000
IDLE_S = 1.0
BETWEEN_ROUNDS_S = 0.1
WHILE_EMPTY_S = 0.25
AFTER_FAILURE_S = 0.5
EMPTY_LOOKS = 2
"""In a row, the venue's lists being written a little late."""

_log = logging.getLogger(__name__)


class KillEnforcer:
    """`run` is a thread's whole life."""

    def __init__(
        self,
        config: AccountConfig,
        settings: ExecutorSettings,
        clock: Clock,
        rest: RestClient,
        door: VenueDoor,
        switch: KillSwitch,
        record: KillRecord,
        metrics: Metrics,
    ) -> None:
        self._account = config.id
        self._acts = not all(bot_dry_run(config, bot) for bot in config.bots)
        self._settings = settings
        self._clock = clock
        self._rest = rest
        self._door = door
        self._switch = switch
        self._record = record
        self._level_gauge = metrics.kill_switch_level.labels(config.id)
        self._pending_gauge = metrics.kill_switch_pending.labels(config.id)
        self._level: KillLevel | None = None
        self._began_ns = 0
        self._empty_looks = 0
        self._failing = False

    def run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self._switch.changed.wait(IDLE_S)
            self._switch.changed.clear()
            latch = self._switch.latch
            self._level_gauge.set(0 if latch is None else latch.level)
            wants = latch is not None and latch.level >= KillLevel.CANCEL and not latch.done
            self._pending_gauge.set(int(wants))
            if latch is None or not wants:
                self._level = None
            elif not self._acts:
                self._switch.done(latch)
            else:
                self._pause(stopping, self._round(latch))

    def _pause(self, stopping: threading.Event, seconds: float) -> None:
        """Between two rounds; a change of the switch ends it early."""
        self._switch.changed.wait(seconds)
        if not stopping.is_set():
            self._switch.changed.set()  # the next round comes at once

    def _round(self, latch: KillLatch) -> float:
        """One round; returns the seconds to wait before the next."""
        now_ns = self._clock.monotonic_ns()
        if self._level is not latch.level:
            self._level, self._began_ns, self._empty_looks = latch.level, now_ns, 0
        try:
            with self._rest.phase(Phase.RECONCILE):
                is_empty = emptied(self._rest) and (latch.level < KillLevel.FLATTEN or self._flattened())
        except VenueError as error:
            self._door.heard(error.outcome)
            if error.outcome.code in errors.CLOCK:
                self._sync_clock()
            return self._failed(error, max(AFTER_FAILURE_S, error.outcome.wait_ms / 1000))
        except (NotSent, ParseError) as error:
            return self._failed(error, AFTER_FAILURE_S)
        except Exception as error:  # a row nobody thought of must not end the only thread that stops the account
            _log.exception("a round of the kill switch failed")
            return self._failed(error, AFTER_FAILURE_S)
        self._failing = False
        self._empty_looks = self._empty_looks + 1 if is_empty else 0
        if not is_empty:
            return BETWEEN_ROUNDS_S
        if now_ns - self._began_ns >= self._settings.fence_ms * NS_PER_MS and self._empty_looks >= EMPTY_LOOKS:
            _log.warning("account %s: nothing is left at the venue that %s forbids", self._account, latch.level.name)
            self._switch.done(latch)
        return WHILE_EMPTY_S

    def _flattened(self) -> bool:
        """True when nothing is held. The bots close by their own orders while they can."""
        positions = open_positions(self._rest)
        waited_ns = self._clock.monotonic_ns() - self._began_ns
        if positions and (self._record.redis_is_away or waited_ns > self._settings.kill_bots_close_ms * NS_PER_MS):
            for position in positions:
                _log.critical(
                    "account %s: closing %s %s of %s directly",
                    self._account, position.qty, position.leg.word, position.symbol,
                )  # fmt: skip
                close_position(self._rest, position, self._clock.now_ms())
        return not positions

    def _sync_clock(self) -> None:
        """With Redis away from the start nobody has compared the clocks yet."""
        with contextlib.suppress(VenueError, NotSent):
            self._rest.sync_clock()

    def _failed(self, error: Exception, wait_s: float) -> float:
        self._empty_looks = 0
        if not self._failing:
            _log.error("account %s: the kill switch goes on trying: %s", self._account, error)
        self._failing = True
        return wait_s
