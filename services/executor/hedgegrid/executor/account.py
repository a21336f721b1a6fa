"""One account: wait for its lease, serve while it is held, hand it over in order."""

import logging
from typing import Any

import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect, load_functions
from hedgegrid.bus.fenced_state import CommitConflict
from hedgegrid.bus.lease import LeaseLost
from hedgegrid.bybit.rest import RestClient
from hedgegrid.executor.clock_watch import ClockWatch
from hedgegrid.executor.controls import Controls
from hedgegrid.executor.interlocks import Interlocks
from hedgegrid.executor.kill_guard import KillGuard
from hedgegrid.executor.office import Office
from hedgegrid.executor.readmission import ProbePace, Readmission
from hedgegrid.executor.redis_run import RedisRun
from hedgegrid.executor.redis_watch import RedisWatch
from hedgegrid.executor.rest_calls import RestCalls
from hedgegrid.executor.sent_mark import SentMark
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.tenure import Tenure
from hedgegrid.executor.term import Term
from hedgegrid.executor.venue_door import Readmitted, VenueDoor
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.config import AccountConfig
from hedgegrid.runtime.control_key import control_key
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.money_server import require_fit_money_server
from hedgegrid.runtime.service import ServiceContext

RETRY_S = 1.0
TURNS_WITHIN_NS = 5_000_000_000
"""A main loop that keeps no house for so long does nothing else either."""

_log = logging.getLogger(__name__)


class AccountExecutor:
    """Runs in a thread of its own; nothing it does depends on another account."""

    def __init__(
        self,
        context: ServiceContext,
        settings: ExecutorSettings,
        config: AccountConfig,
        owner: str,
        rest: RestClient,
        calls: RestCalls,
    ) -> None:
        self._context, self._settings, self._config, self._owner = context, settings, config, owner
        self.interlocks = Interlocks(config.id, context.health, context.metrics)
        door = VenueDoor(config.id, context.health, context.clock, settings.ban_pause_s)
        rest.guard = door.check
        redis_run = RedisRun(self.interlocks, context.clock)
        self._client = connect(settings.redis_url, f"executor-{config.id}", on_connect=redis_run.connected)
        self._renewing = connect(settings.redis_url, f"executor-lease-{config.id}")
        self._market: redis.Redis | None = None
        self._term: Term | None = None
        self._served = False
        self._ended_by = ""
        key = control_key(settings, context.config.mode)
        self.kill = KillGuard(context, settings, config, rest, door, key)
        self._office = Office(
            context=context,
            settings=settings,
            config=config,
            client=self._client,
            rest=rest,
            calls=calls,
            door=door,
            mark=SentMark(settings.state_dir / "executor" / f"{config.id}.mark"),
            controls=Controls(config.id, self._client, key, context.metrics),
            interlocks=self.interlocks,
            redis_run=redis_run,
            kill=self.kill.switch,
            last_quote=self._last_quote,
        )
        self.tenure: Tenure | None = None
        """The present or last time in office."""

    @property
    def id(self) -> str:
        return self._config.id

    def is_serving(self) -> bool:
        """True while we hold the lease for certain and the main loop turns: orders can be sent and cancelled."""
        tenure, term = self.tenure, self._term
        if tenure is None or term is None or not tenure.certain:
            return False
        return self._context.clock.monotonic_ns() - term.turned_ns < TURNS_WITHIN_NS

    def run(self) -> None:
        """Until the process stops: take the lease, serve, and after losing it or Redis begin again. Call it once.

        Raises:
            ConfigError: the money server is not fit from the start. One that becomes so later is waited for: it may be
                mended, and this process can still be told to cancel.
            Exception: a fault of the program.
        """
        watch = RedisWatch(
            self._config.id, self._settings.redis_url, self.interlocks, self._settings.redis_stop_pct,
            self._settings.redis_cancel_pct,
        )  # fmt: skip
        pace = ProbePace(self._settings.probe_first_s, self._settings.probe_longest_s)
        readmission = Readmission(self._config.id, self._office.rest, self._office.door, self._context.clock, pace)
        clock_watch = ClockWatch(
            self._config.id, self._office.rest, self._office.door, self.interlocks, self._context.metrics,
            self._settings.clock_limit_ms, self._settings.clock_drift_limit_ms,
        )  # fmt: skip
        beside = (watch, readmission, clock_watch)
        self.kill.start()
        for thread in beside:
            thread.start()
        try:
            self._serve()
        finally:
            for thread in beside:
                thread.close()
            self.kill.close()
            self._office.mark.close()

    def _serve(self) -> None:
        while not self._context.stopping.is_set():
            try:
                self._one_term()
            except ConfigError as error:
                if not self._served:
                    raise
                self._begin_anew(str(error))
            except (LeaseLost, CommitConflict, Readmitted, redis.RedisError) as error:
                self._begin_anew(f"{type(error).__name__}: {error}")

    def _begin_anew(self, reason: str) -> None:
        """After a pause; the same reason over and over is said once."""
        if reason != self._ended_by:
            _log.error("account %s begins anew: %s", self._config.id, reason)
        self._ended_by = reason
        self._condition(False, reason)
        self._context.stopping.wait(RETRY_S)

    def _one_term(self) -> None:
        require_fit_money_server(self._client, self._settings, self._context.config.mode)
        self._served = True
        load_functions(self._client)
        tenure = Tenure(self._renewing, self._config.id, self._owner, self._settings.lease_ttl_ms, self._context.clock)
        self.tenure = tenure
        self._show_lease(tenure)
        while not tenure.take():
            self._condition(True, "standby: another executor holds the lease")
            if self._context.stopping.wait(self._settings.lease_ttl_ms / 4000):
                return
        if not self.kill.wait_until_known(self._context.stopping):
            tenure.end(release=True)
            return
        term = Term(self._office, tenure)
        self._term = term
        try:
            self._show_lease(tenure)
            self._condition(True, "active")
            self._ended_by = ""
            term.serve()
        finally:
            self._leave(term, tenure)

    def _leave(self, term: Term, tenure: Tenure) -> None:
        """Whatever goes wrong here, the lease is not kept."""
        self._term = None
        quiet = False
        try:
            quiet = term.close()
            self._office.calls.flush(self._client)
        finally:
            tenure.end(release=quiet)
            self._show_lease(tenure)

    def _last_quote(self, symbol: str) -> QuoteTick | None:
        """Newest tick the gateway published; None when there is none to be had."""
        if self._market is None:
            self._market = connect(self._settings.market_url, f"executor-market-{self._config.id}")
        try:
            rows: Any = self._market.xrevrange(keys.market(symbol), count=10)
        except redis.RedisError as error:
            _log.warning("the last price of %s cannot be read: %s", symbol, error)
            return None
        for _, fields in rows:
            try:
                tick = codec.decode_market(fields)
            except codec.UnreadableMessage:
                continue
            if isinstance(tick, QuoteTick):
                return tick
        return None

    def _show_lease(self, tenure: Tenure) -> None:
        metrics = self._context.metrics
        metrics.lease_held.labels(self._config.id, "executor").set(int(tenure.lease.held))
        if tenure.lease.held:
            metrics.lease_epoch.labels(self._config.id, "executor").set(tenure.lease.epoch)

    def _condition(self, ok: bool, reason: str) -> None:
        self._context.health.set(f"account:{self._config.id}", ok, reason)
