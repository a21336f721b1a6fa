"""Carrying out wishes for a snapshot: the answer is always an event, SnapshotTaken or SnapshotFailed."""

import logging

import msgspec
import redis

from hedgegrid.bus import keys
from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.parse import ParseError
from hedgegrid.bybit.rest import Phase, RestClient
from hedgegrid.domain.instrument import Instrument
from hedgegrid.executor import outcomes
from hedgegrid.executor.closing_gross import MissingResult
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.in_flight import InFlight
from hedgegrid.executor.redis_run import RedisRun
from hedgegrid.executor.sender import Sender
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.shared_risk import SharedRisk
from hedgegrid.executor.snapshot import Unstable, read_instrument, take_snapshot
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.messages.commands import RequestSnapshot
from hedgegrid.messages.events import SnapshotFailed, SnapshotReason, SnapshotTaken
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.metric_names import Metrics

PHASES = {
    SnapshotReason.START: Phase.STARTUP,
    SnapshotReason.RECONNECT: Phase.RECONCILE,
    SnapshotReason.GAP: Phase.RECONCILE,
    SnapshotReason.AUDIT: Phase.AUDIT,
}
RESULT_TRIES = 4
"""Closed-pnl is written late: so often, with rising pauses, is a snapshot tried whose fills lack their result."""

_log = logging.getLogger(__name__)


class Snapshots:
    """`take` runs in a query thread."""

    def __init__(
        self,
        account: str,
        client: redis.Redis,
        settings: ExecutorSettings,
        clock: Clock,
        rest: RestClient,
        sender: Sender,
        gate: Gate,
        door: VenueDoor,
        metrics: Metrics,
        risk: SharedRisk,
        redis_run: RedisRun,
    ) -> None:
        self._account = account
        self._client = client
        self._settings = settings
        self._clock = clock
        self._rest = rest
        self._sender = sender
        self._gate = gate
        self._door = door
        self._metrics = metrics
        self._risk = risk
        self._redis_run = redis_run

    def take(self, entry: InFlight) -> None:
        """Answer a wish for a snapshot."""
        wish = entry.command
        if not isinstance(wish, RequestSnapshot):
            raise TypeError(f"{type(wish).__name__} asks for no snapshot")
        event: SnapshotTaken | SnapshotFailed
        began_ns = self._clock.monotonic_ns()
        try:
            with self._rest.phase(PHASES[wish.reason]):
                event = self._attempt(entry, wish)
        except MissingResult as error:
            if entry.looks < RESULT_TRIES:
                entry.looks += 1
                self._sender.take_again(entry, self._settings.backoff_ns(entry.looks))
                return
            event = self._failed(wish, str(error))
        except VenueError as error:
            self._door.heard(error.outcome)
            event = self._failed(wish, str(error))
        except (NotSent, ParseError, Unstable) as error:
            event = self._failed(wish, str(error))
        except redis.RedisError:
            raise
        except Exception as error:  # a row nobody thought of must not keep orders from being sent
            _log.exception("a snapshot of %s failed", wish.symbol)
            event = self._failed(wish, f"{type(error).__name__}: {error}")
        result = "taken" if isinstance(event, SnapshotTaken) else "failed"
        self._metrics.snapshots.labels(self._account, wish.reason, result).inc()
        self._risk.apply(event)  # before a bot can answer it with an order
        self._sender.settle(entry, [event])
        if isinstance(event, SnapshotTaken):
            self._redis_run.snapshot_published(wish.symbol, began_ns)

    def publish_instrument(self, symbol: str) -> Instrument:
        """Read the trading rules and keep them where the strategy finds them.

        Raises:
            VenueError, NotSent, ParseError, redis.RedisError.
        """
        instrument = read_instrument(self._rest, symbol)
        self._gate.instruments[symbol] = instrument
        self._client.set(keys.instrument(self._account, symbol), msgspec.json.encode(instrument))
        return instrument

    def _attempt(self, entry: InFlight, wish: RequestSnapshot) -> SnapshotTaken | SnapshotFailed:
        if entry.overdue:
            waited_ms = (self._clock.monotonic_ns() - entry.taken_ns) // 1_000_000
            return self._failed(wish, f"commands of {wish.symbol} have had no outcome for {waited_ms} ms")
        if self._door.fatal is not None:
            return self._failed(wish, f"the venue refuses this account: {self._door.fatal.reason}")
        instrument = self._gate.instruments.get(wish.symbol)
        if instrument is None or wish.reason is SnapshotReason.AUDIT:  # lot limits change about twice a month
            instrument = self.publish_instrument(wish.symbol)
        return take_snapshot(self._rest, self._clock, wish, instrument, entry.looks)

    def _failed(self, wish: RequestSnapshot, text: str) -> SnapshotFailed:
        _log.warning("no snapshot of %s (%s): %s", wish.symbol, wish.reason, text)
        return outcomes.snapshot_failed(wish, text, self._clock.now_ms())
