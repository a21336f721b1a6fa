"""The small task beside the broker: keeps the leases, polls what is no stream of messages, notices a stall."""

import logging
import threading

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import OUTAGE
from hedgegrid.bus.lease import Lease
from hedgegrid.metrics.bot_gauges import BotGauges
from hedgegrid.metrics.consumers import Failure
from hedgegrid.metrics.derived import Refreshed
from hedgegrid.metrics.fleet_gauges import FleetGauges
from hedgegrid.metrics.recent import RecentNews
from hedgegrid.metrics.stream_gauges import LAG_COUNTED, StreamGauges
from hedgegrid.runtime.clock import NS_PER_MS, Clock
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.heartbeat import TTL_MS
from hedgegrid.runtime.metric_names import Metrics

PERIOD_S = 2.0
STALLED_AFTER_MS = 15_000
"""With entries to read and none read for so long the process is replaced; FastStream rests 5 s after an error."""

_log = logging.getLogger(__name__)


class Stalled(Exception):
    """A subscriber seems to run and reads nothing."""


class Poller:
    """A daemon thread with its own connections."""

    def __init__(
        self,
        *,
        money: redis.Redis,
        market: redis.Redis,
        leases: list[Lease],
        streams: StreamGauges,
        fleet: FleetGauges,
        bots: BotGauges,
        recent: RecentNews,
        derived: Refreshed,
        metrics: Metrics,
        health: Health,
        failure: Failure,
        clock: Clock,
        own_heartbeat: str,
    ) -> None:
        self._money = money
        self._market = market
        self._leases = leases
        self._streams = streams
        self._fleet = fleet
        self._bots = bots
        self._recent = recent
        self._derived = derived
        self._metrics = metrics
        self._health = health
        self._failure = failure
        self._clock = clock
        self._own_heartbeat = own_heartbeat
        self._moved: dict[str, tuple[str, int]] = {}
        """Position by stream, and when it was seen first or nothing waited."""
        self._period_s = min(PERIOD_S, min((lease.ttl_ms for lease in leases), default=6000) / 3000)
        self._reading = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poller", daemon=True)

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def expect_reading(self) -> None:
        """Say that the subscribers run: from now on waiting entries that nobody reads are a failure."""
        self._reading.set()

    def close(self) -> None:
        """Stop polling; an answer that hangs is not waited for."""
        self._stop.set()
        self._thread.join(timeout=0.5)

    def poll(self) -> None:
        """Poll once.

        Raises:
            LeaseLost, BookmarkLost, Stalled: this process must be replaced.
            redis.RedisError: Redis gave no answer, or refused.
        """
        for lease in self._leases:
            lease.renew()
        self._check_progress(self._streams.poll_money(self._money))
        self._fleet.poll(self._money)
        self._bots.poll(self._money)
        self._recent.poll(self._money)
        self._derived.refresh()
        beats = bool(self._money.exists(self._own_heartbeat))
        self._health.set("heartbeat", beats, "" if beats else f"no {self._own_heartbeat}, it lives {TTL_MS} ms")
        try:
            self._streams.poll_market(self._market)
        except OUTAGE as error:
            self._note_outage("market", error)
        else:
            self._health.set("market-redis", True)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.poll()
            except OUTAGE as error:
                self._note_outage("money", error)
                self._moved.clear()  # nobody could read meanwhile
            except Exception as error:
                self._failure.fail(error)
                return
            else:
                self._health.set("redis", True)
            self._stop.wait(self._period_s)

    def _check_progress(self, read: dict[str, tuple[int, str]]) -> None:
        behind = [stream for stream, (lag, _) in read.items() if lag >= LAG_COUNTED]
        told = f"{LAG_COUNTED} entries or more wait in {', '.join(behind)}" if behind else ""
        self._health.set("lag", not behind, told)
        now_ms = self._clock.monotonic_ns() // NS_PER_MS
        for stream, (lag, position) in read.items():
            before, since_ms = self._moved.get(stream, ("", now_ms))
            if lag == 0 or position != before or not self._reading.is_set():
                since_ms = now_ms
            self._moved[stream] = (position, since_ms)
            if now_ms - since_ms >= STALLED_AFTER_MS:
                raise Stalled(f"{stream}: {lag} entries after {position} wait and are not read")

    def _note_outage(self, server: str, error: redis.RedisError) -> None:
        self._metrics.redis_errors.labels("metrics", server).inc()
        self._health.set("redis" if server == "money" else "market-redis", False, f"{type(error).__name__}: {error}")
        _log.warning("%s Redis gave no answer: %s", server, error)


def heartbeat_key(service: str, instance: str) -> str:
    """Return the key whose absence means that others take this process for dead."""
    return keys.heartbeat(service, instance)
