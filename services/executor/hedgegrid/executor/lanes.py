"""Threads that carry commands out, each as soon as order, rate limit and its waiting time allow.

No thread ever waits for a token or a retry: those are reasons not to be picked yet. Post threads send orders; query
threads ask the venue (snapshots, orders of unknown outcome), so that a slow answer never holds up an order.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator

from hedgegrid.executor.in_flight import InFlight, Stage
from hedgegrid.executor.rate_limiter import OrderBudgets
from hedgegrid.executor.symbol_queue import runnable
from hedgegrid.runtime.clock import Clock

IDLE_S = 1.0
NS_PER_S = 1_000_000_000

Perform = Callable[[InFlight], None]
Choice = tuple[InFlight | None, int]
"""What to run, or nanoseconds until something may have become runnable."""

_log = logging.getLogger(__name__)


class Lanes:
    """`post` and `ask` carry an entry out and report back with `finished`, `again` or `unknown`."""

    def __init__(
        self,
        account: str,
        budgets: OrderBudgets,
        clock: Clock,
        banned_for_ns: Callable[[], int],
        snapshot_drain_ns: int,
        snapshot_quiet_ns: int,
        crashed: Callable[[BaseException], None],
    ) -> None:
        self._account = account
        self._budgets = budgets
        self._clock = clock
        self._banned_for_ns = banned_for_ns
        self._snapshot_drain_ns = snapshot_drain_ns
        self._snapshot_quiet_ns = snapshot_quiet_ns
        self._settled_ns: dict[str, int] = {}
        """When the last order request of a symbol had its outcome."""
        self._crashed = crashed
        self._lock = threading.RLock()
        self._posts = threading.Condition(self._lock)
        self._asks = threading.Condition(self._lock)
        self._drained = threading.Condition(self._lock)
        self._queues: dict[str, list[InFlight]] = {}
        self._closed = False

    def start(self, post: Perform, posters: int, ask: Perform, askers: int, begin: Callable[[], None]) -> None:
        """`begin` is run once in each post thread, before it takes anything."""
        for number in range(posters):
            self._spawn(f"lane-{self._account}-{number}", self._posts, self._pick_post, post, begin)
        for number in range(askers):
            self._spawn(f"query-{self._account}-{number}", self._asks, self._pick_ask, ask)

    def put(self, entries: Iterable[InFlight]) -> None:
        """Line up commands, in their order."""
        with self._lock:
            for entry in entries:
                self._queues.setdefault(entry.target.symbol, []).append(entry)
                (self._asks if entry.is_snapshot or entry.stage is Stage.UNKNOWN else self._posts).notify()

    def finished(self, entry: InFlight) -> None:
        """The outcome is committed."""
        with self._lock:
            symbol = entry.target.symbol
            if not entry.is_snapshot:
                self._settled_ns[symbol] = self._clock.monotonic_ns()
            queue = self._queues[symbol]
            queue.remove(entry)
            if queue:
                self._wake_for(queue)
            else:
                del self._queues[symbol]
            self._drained.notify()

    def again(self, entry: InFlight, delay_ns: int) -> None:
        """Carry out once more, at its old place in the line."""
        self._set(entry, Stage.QUEUED, delay_ns)

    def unknown(self, entry: InFlight, delay_ns: int) -> None:
        """Ask the venue about it after `delay_ns`."""
        self._set(entry, Stage.UNKNOWN, delay_ns)

    def without_outcome(self) -> list[InFlight]:
        """Commands that were sent and have no known outcome."""
        with self._lock:
            return [e for e in self._entries() if e.stage in (Stage.UNKNOWN, Stage.ASKING)]

    def holds(self, field: str) -> bool:
        """True while an entry with this record is in flight."""
        with self._lock:
            return any(entry.field == field for entry in self._entries())

    def last_snapshot_of(self, symbol: str) -> InFlight | None:
        """A snapshot that ends the symbol's line and has not begun: a further wish for one can join it."""
        with self._lock:
            queue = self._queues.get(symbol)
            if queue and queue[-1].is_snapshot and queue[-1].stage is Stage.QUEUED:
                return queue[-1]
            return None

    def withdraw(self, entry: InFlight) -> bool:
        """Take a command that has not begun out of the line; False when it has."""
        with self._lock:
            if entry.stage is not Stage.QUEUED or entry not in self._queues.get(entry.target.symbol, ()):
                return False
            self.finished(entry)
            return True

    def drain(self, timeout_ns: int) -> None:
        """Wait until no order is queued or on its way to the venue, or the time is over."""
        deadline = self._clock.monotonic_ns() + timeout_ns
        with self._lock:
            while any(e.stage in (Stage.QUEUED, Stage.RUNNING) and not e.is_snapshot for e in self._entries()):
                left = deadline - self._clock.monotonic_ns()
                if left <= 0 or self._closed:
                    return
                self._drained.wait(left / NS_PER_S)

    def close(self) -> None:
        """Start nothing more; what runs may end."""
        with self._lock:
            self._closed = True
            self._wake()

    @property
    def posting(self) -> bool:
        """True while a request to the venue may be on its way."""
        with self._lock:
            return any(e.stage is Stage.RUNNING and not e.is_snapshot for e in self._entries())

    def _entries(self) -> Iterator[InFlight]:
        return (entry for queue in self._queues.values() for entry in queue)

    def _set(self, entry: InFlight, stage: Stage, delay_ns: int) -> None:
        with self._lock:
            entry.stage = stage
            entry.not_before_ns = self._clock.monotonic_ns() + delay_ns
            self._wake()

    def _wake_for(self, queue: list[InFlight]) -> None:
        """What stands in the queue may be free to go now: no more threads than that, since each takes the interpreter's
        lock from the one that signs an order."""
        queued = [entry for entry in queue if entry.stage is Stage.QUEUED]
        snapshots = sum(entry.is_snapshot for entry in queued)
        self._posts.notify(len(queued) - snapshots)
        self._asks.notify(snapshots)

    def _wake(self) -> None:
        self._posts.notify_all()
        self._asks.notify_all()
        self._drained.notify_all()

    def _pick_post(self, now_ns: int) -> Choice:
        """The longest waiting urgent command that may run, else the longest waiting other one; its token is taken."""
        wait = int(IDLE_S * NS_PER_S)
        ready = [e for queue in self._queues.values() for e in runnable(queue) if not e.is_snapshot]
        ready.sort(key=lambda entry: (not entry.urgent, entry.taken_ns))
        for entry in ready:
            if entry.not_before_ns > now_ns:
                wait = min(wait, entry.not_before_ns - now_ns)
                continue
            operation = entry.target.operation
            blocked_ns = 0 if operation is None else self._budgets.take(operation, now_ns, entry.urgent)
            if not blocked_ns:
                entry.stage = Stage.RUNNING
                return entry, 0
            wait = min(wait, blocked_ns)
        return None, wait

    def _pick_ask(self, now_ns: int) -> Choice:
        """An order of unknown outcome that is due, else a snapshot that may be taken or has waited too long."""
        wait = int(IDLE_S * NS_PER_S)
        unknown = [e for e in self._entries() if e.stage is Stage.UNKNOWN]
        snapshots = [e for queue in self._queues.values() for e in runnable(queue) if e.is_snapshot]
        for entry in self._entries():
            if entry.is_snapshot and entry.stage is Stage.QUEUED and entry not in snapshots:
                left_ns = entry.taken_ns + self._snapshot_drain_ns - now_ns
                if left_ns <= 0:
                    entry.overdue = True
                    snapshots.append(entry)
                else:
                    wait = min(wait, left_ns)
        for entry in (*unknown, *snapshots):
            left_ns = self._not_before_ns(entry) - now_ns
            if left_ns <= 0:
                entry.stage = Stage.ASKING if entry.stage is Stage.UNKNOWN else Stage.RUNNING
                return entry, 0
            wait = min(wait, left_ns)
        return None, wait

    def _not_before_ns(self, entry: InFlight) -> int:
        """The venue acknowledges an order before its lists show it, so a snapshot also keeps away from the last one."""
        settled_ns = self._settled_ns.get(entry.target.symbol)
        if not entry.is_snapshot or entry.overdue or settled_ns is None:
            return entry.not_before_ns
        return max(entry.not_before_ns, settled_ns + self._snapshot_quiet_ns)

    def _spawn(
        self,
        name: str,
        wake: threading.Condition,
        pick: Callable[[int], Choice],
        perform: Perform,
        begin: Callable[[], None] | None = None,
    ) -> None:
        threading.Thread(target=self._work, args=(wake, pick, perform, begin), name=name, daemon=True).start()

    def _work(
        self,
        wake: threading.Condition,
        pick: Callable[[int], Choice],
        perform: Perform,
        begin: Callable[[], None] | None,
    ) -> None:
        if begin is not None:
            begin()
        while True:
            entry = self._next(wake, pick)
            if entry is None:
                return
            try:
                perform(entry)
            except BaseException as error:  # whatever it is, the entry stays in flight and the tenure ends
                self._crashed(error)

    def _next(self, wake: threading.Condition, pick: Callable[[int], Choice]) -> InFlight | None:
        with self._lock:
            while not self._closed:
                banned_ns = self._banned_for_ns()
                entry, wait_ns = (None, banned_ns) if banned_ns else pick(self._clock.monotonic_ns())
                if entry is not None:
                    return entry
                wake.wait(min(wait_ns / NS_PER_S, IDLE_S))
            return None
