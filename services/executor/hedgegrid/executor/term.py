"""One holder's time in office for an account: everything that lives and ends with the lease."""

import logging
import threading

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import OUTAGE
from hedgegrid.bus.fenced_state import CommitConflict, FencedState
from hedgegrid.bus.lease import LeaseLost
from hedgegrid.bus.reader import START, CheckpointReader, TrimmedAway, check_not_trimmed
from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.rest import Phase
from hedgegrid.executor import quarantine
from hedgegrid.executor.desk import Desk
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.guard_loop import STATE_FIELD, GuardLoop
from hedgegrid.executor.in_flight import InFlight, Stage
from hedgegrid.executor.janitor import CLEAN_EVERY_S, Janitor
from hedgegrid.executor.lanes import Lanes
from hedgegrid.executor.office import Office
from hedgegrid.executor.order_limits import limits_of
from hedgegrid.executor.quarantine import Quarantine
from hedgegrid.executor.rate_limiter import OrderBudgets
from hedgegrid.executor.resolver import Resolver
from hedgegrid.executor.sender import Sender
from hedgegrid.executor.shared_risk import SharedRisk
from hedgegrid.executor.snapshots import Snapshots
from hedgegrid.executor.startup import Startup
from hedgegrid.executor.tenure import Tenure
from hedgegrid.executor.trading_states import TradingStates
from hedgegrid.executor.venue_door import Readmitted
from hedgegrid.messages.events import SnapshotReason
from hedgegrid.messages.market import QuoteTick

BLOCK_MS = 500
NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
MS_PER_H = 3_600_000
AUDIT_MARGIN_MS = 600_000

_log = logging.getLogger(__name__)


class Term:
    """`serve` is the account's main loop; lanes and queries run beside it until `close`."""

    def __init__(self, office: Office, tenure: Tenure) -> None:
        context, settings, config = office.context, office.settings, office.config
        client, rest, door, clock = office.client, office.rest, office.door, office.context.clock
        self._context, self._settings, self._config, self._clock = context, settings, config, clock
        self._client, self._rest, self._door, self._tenure = client, rest, door, tenure
        self._calls, self._mark, self._redis_run = office.calls, office.mark, office.redis_run
        self._openings = door.openings
        self._symbols = [bot.symbol for bot in config.bots]
        self._crash: BaseException | None = None
        self._crashed = threading.Event()
        self._state = FencedState(client, keys.executor(config.id), tenure.lease)
        self._states = TradingStates(self._symbols)
        self._risk = SharedRisk(config, clock)
        quotes: dict[str, QuoteTick] = {}
        limits = limits_of(config, settings, quotes, office.last_quote, self._risk.open_orders, clock)
        self._gate = Gate(
            config, self._states, door, settings.command_ttl_ms, office.last_price, self._risk, office.interlocks,
            office.kill, limits,
        )  # fmt: skip
        budgets = OrderBudgets(settings.order_rate_per_s)
        self._lanes = Lanes(
            config.id, budgets, clock, door.banned_for_ns, settings.snapshot_drain_ms * NS_PER_MS,
            settings.snapshot_quiet_ms * NS_PER_MS, self._on_crash,
        )  # fmt: skip
        self._quarantine = Quarantine(
            config.id, self._state, self._lanes, office.interlocks, clock, settings.quarantine_after_ms
        )
        self._sender = Sender(
            config.id, settings, clock, rest, self._state, tenure, self._gate, door, budgets, self._lanes
        )
        self._resolver = Resolver(settings, clock, rest, self._sender, self._gate, door, self._lanes)
        self._snapshots = Snapshots(
            config.id,
            client,
            settings,
            clock,
            rest,
            self._sender,
            self._gate,
            door,
            context.metrics,
            self._risk,
            office.redis_run,
        )
        self._startup = Startup(
            config, settings, rest, self._gate, door, self._snapshots, context.health, self._risk,
            lambda: tenure.lost, context.stopping,
        )  # fmt: skip
        self._desk = Desk(
            config.id, client, clock, self._state, self._gate, self._states, self._lanes, self._risk,
            office.mark, office.controls,
            lambda stream: context.metrics.dead_letters.labels(stream).inc(),
        )  # fmt: skip
        self._janitor = Janitor(config.id, self._symbols, client, settings.stream_keep_h * MS_PER_H)
        self._cleaned_ns = 0
        self._guard = GuardLoop(
            config, settings.redis_url, settings.market_url, clock, self._state, self._risk, context.metrics,
            self._on_crash, quotes,
        )  # fmt: skip
        self._audited_ns = clock.monotonic_ns()
        self._audited_ms = clock.now_ms()
        self._flushed_ns = 0

    def serve(self) -> None:
        """Recover, then take commands until we stop or lose the lease.

        Raises:
            LeaseLost, CommitConflict, Readmitted, redis.RedisError: begin anew. Anything else is the program's fault.
        """
        self._redis_run.begin(self._symbols)
        fields = self._state.load()
        self._mark.begin(self._tenure.lease.epoch)
        self._risk.resume(fields.get(STATE_FIELD))
        self._quarantine.resume(fields.get(quarantine.STATE_FIELD))
        self._guard.follow()
        self._startup.run()  # it reads rules and sets what is set already: harmless beside an old holder's last request
        fenced_ns = self._wait_for_fence(fields)
        if self._context.stopping.is_set() or self._tenure.lost:
            return
        reader = CheckpointReader(self._client)
        self._catch_up_on_controls(reader)
        self._desk.recover(fields, self._symbols, self._audited_ms - AUDIT_MARGIN_MS, fenced_ns)
        if self._desk.redis_went_back:
            self._context.metrics.redis_went_back.labels(self._config.id).inc()
        self._guard.start()
        posters, askers = self._settings.executor_lanes, self._settings.executor_queries
        self._lanes.start(self._sender.post, posters, self._ask, askers, self._open_connection)
        reader.follow(keys.commands(self._config.id), self._desk.checkpoint)
        self._check_checkpoint()
        self._loop(reader)
        if self._crash is not None:
            raise self._crash

    @property
    def turned_ns(self) -> int:
        """When the main loop last kept house, monotonic; 0 = not yet."""
        return self._flushed_ns

    def close(self) -> bool:
        """Let what is being sent finish, start nothing more; True when nothing of ours can be on its way any more."""
        in_order = self._crash is None and not self._tenure.lost
        if in_order:
            self._lanes.drain(self._settings.stop_grace_ms * NS_PER_MS)
        self._lanes.close()
        self._guard.close(save=in_order)
        self._quarantine.close()
        return in_order and not self._lanes.posting

    def _loop(self, reader: CheckpointReader) -> None:
        away = False
        while not self._context.stopping.is_set() and not self._crashed.is_set():
            if self._tenure.lost:
                raise LeaseLost(self._tenure.lease.key)
            if self._door.openings != self._openings:
                raise Readmitted("the venue lets the account in again")
            try:
                if away:  # before reading: what was read must be taken, and this may fail once more
                    self._check_checkpoint()
                entries = reader.read(block_ms=BLOCK_MS)
            except OUTAGE as error:
                if not away:
                    _log.warning("account %s cannot read commands: %s", self._config.id, error)
                away = True
                self._context.stopping.wait(0.2)
                continue
            away = False
            self._desk.take(entries)
            self._keep_house()

    def _keep_house(self) -> None:
        """Once a second: counters and gauges; now and then: the audit, old stream entries."""
        now_ns = self._clock.monotonic_ns()
        if restarted := self._redis_run.snapshots_due():
            self._desk.wish_snapshots(restarted, SnapshotReason.GAP, self._audited_ms - AUDIT_MARGIN_MS)
        if now_ns - self._flushed_ns >= NS_PER_S:
            self._flushed_ns = now_ns
            self._mark.sync()
            self._calls.flush(self._client)
            self._door.banned_for_ns()
            self._context.metrics.unknown_orders.labels(self._config.id).set(len(self._lanes.without_outcome()))
            self._quarantine.look()
        if now_ns - self._audited_ns >= self._settings.audit_interval_s * NS_PER_S:
            since_ms = self._audited_ms - AUDIT_MARGIN_MS
            self._audited_ns, self._audited_ms = now_ns, self._clock.now_ms()
            self._desk.wish_snapshots(self._symbols, SnapshotReason.AUDIT, since_ms)
        if now_ns - self._cleaned_ns >= CLEAN_EVERY_S * NS_PER_S:
            self._cleaned_ns = now_ns
            self._clean()

    def _clean(self) -> None:
        try:
            self._janitor.clean(self._clock.now_ms())
        except redis.RedisError as error:
            _log.warning("account %s: old stream entries could not be trimmed: %s", self._config.id, error)

    def _wait_for_fence(self, fields: dict[str, bytes]) -> int:
        """The venue cannot check our lease: until its receive window is over, the old holder's last order may land.

        Of a lease that Redis has forgotten nobody knows the holder; state or mark tell that there was one. Returns the
        nanoseconds since when nothing of the old holder can have been sent.
        """
        forgotten = self._tenure.found_none and (bool(fields) or self._mark.known)
        if not self._tenure.taken_over and not forgotten:
            return 0
        wait_s = self._tenure.fence_left_s(self._settings.fence_ms)
        _log.warning("account %s was taken over: waiting %.1f s", self._config.id, wait_s)
        self._context.stopping.wait(wait_s)
        return self._settings.fence_ms * NS_PER_MS

    def _catch_up_on_controls(self, reader: CheckpointReader) -> None:
        """The operator's words of all time, so that a halt outlives us; later ones come with the commands."""
        reader.follow(keys.control(self._config.id), START)
        while entries := reader.read(block_ms=1):
            self._desk.take(entries)

    def _check_checkpoint(self) -> None:
        """A checkpoint entry that is gone means that commands after it may be gone too."""
        try:
            check_not_trimmed(self._client, keys.commands(self._config.id), self._desk.checkpoint)
        except TrimmedAway as error:
            _log.error("commands may be lost: %s; every symbol is reconciled", error)
            self._desk.wish_snapshots(self._symbols, SnapshotReason.GAP, 0)

    def _open_connection(self) -> None:
        """Each lane has a connection of its own: its first order shall not wait for the handshakes."""
        try:
            with self._rest.phase(Phase.STARTUP):
                self._rest.server_time()
        except (VenueError, NotSent) as error:
            _log.info("account %s: a connection could not be opened in advance: %s", self._config.id, error)

    def _ask(self, entry: InFlight) -> None:
        if entry.stage is Stage.ASKING:
            self._resolver.resolve(entry)
        else:
            self._snapshots.take(entry)

    def _on_crash(self, error: BaseException) -> None:
        """From a lane: nothing more may start; the loop ends with this error."""
        if self._crash is None:
            self._crash = error
            if not isinstance(error, LeaseLost | CommitConflict | redis.RedisError):
                _log.critical("a lane of account %s failed", self._config.id, exc_info=error)
        self._lanes.close()
        self._crashed.set()
