"""One account: wait for its lease, serve while it is held, hand it over in order."""

import logging
from decimal import Decimal
from typing import Any

import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect, load_functions
from hedgegrid.bus.fenced_state import CommitConflict
from hedgegrid.bus.lease import LeaseLost
from hedgegrid.bybit.rest import RestClient
from hedgegrid.executor.rest_calls import RestCalls
from hedgegrid.executor.sent_mark import SentMark
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.tenure import Tenure
from hedgegrid.executor.term import Term
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.config import AccountConfig
from hedgegrid.runtime.service import ServiceContext

RETRY_S = 1.0

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
        self._context = context
        self._settings = settings
        self._config = config
        self._owner = owner
        self._rest = rest
        self._calls = calls
        self._door = VenueDoor(config.id, context.health, context.clock, settings.ban_pause_s)
        rest.guard = self._door.check
        self._client = connect(settings.redis_url, f"executor-{config.id}")
        self._renewing = connect(settings.redis_url, f"executor-lease-{config.id}")
        self._market: redis.Redis | None = None
        self._mark = SentMark(settings.state_dir / "executor" / f"{config.id}.mark")
        self.tenure: Tenure | None = None
        """The present or last time in office."""

    def run(self) -> None:
        """Until the process stops: take the lease, serve, and after losing it or Redis begin again. Call it once.

        Raises:
            Exception: a fault of the program.
        """
        while not self._context.stopping.is_set():
            try:
                self._one_term()
            except (LeaseLost, CommitConflict, redis.RedisError) as error:
                self._condition(False, f"{type(error).__name__}: {error}")
                _log.error("account %s begins anew: %s: %s", self._config.id, type(error).__name__, error)
                self._context.stopping.wait(RETRY_S)
        self._mark.close()

    def _one_term(self) -> None:
        load_functions(self._client)
        tenure = Tenure(self._renewing, self._config.id, self._owner, self._settings.lease_ttl_ms, self._context.clock)
        self.tenure = tenure
        self._show_lease(tenure)
        while not tenure.take():
            self._condition(True, "standby: another executor holds the lease")
            if self._context.stopping.wait(self._settings.lease_ttl_ms / 4000):
                return
        term = Term(
            self._context, self._settings, self._config, self._client, self._rest, self._calls, self._door, tenure,
            self._last_price, self._mark,
        )  # fmt: skip
        try:
            self._show_lease(tenure)
            self._condition(True, "active")
            term.serve()
        finally:
            self._leave(term, tenure)

    def _leave(self, term: Term, tenure: Tenure) -> None:
        """Whatever goes wrong here, the lease is not kept."""
        quiet = False
        try:
            quiet = term.close()
            self._calls.flush(self._client)
        finally:
            tenure.end(release=quiet)
            self._show_lease(tenure)

    def _last_price(self, symbol: str) -> Decimal | None:
        """Newest price the gateway published; None when there is none to be had."""
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
                return tick.last_px
        return None

    def _show_lease(self, tenure: Tenure) -> None:
        metrics = self._context.metrics
        metrics.lease_held.labels(self._config.id, "executor").set(int(tenure.lease.held))
        if tenure.lease.held:
            metrics.lease_epoch.labels(self._config.id, "executor").set(tenure.lease.epoch)

    def _condition(self, ok: bool, reason: str) -> None:
        self._context.health.set(f"account:{self._config.id}", ok, reason)
