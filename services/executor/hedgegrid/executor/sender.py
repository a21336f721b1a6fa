"""One command to the venue: last checks, one POST, and what its outcome means for the command."""

import logging
from collections.abc import Iterable

from hedgegrid.bus import keys
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bybit import errors
from hedgegrid.bybit.errors import Kind, NotSent, Outcome, VenueError
from hedgegrid.bybit.requests import Operation, request_of
from hedgegrid.bybit.rest import Phase, RestClient
from hedgegrid.executor import outcomes
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.in_flight import InFlight
from hedgegrid.executor.lanes import Lanes
from hedgegrid.executor.rate_limiter import OrderBudgets
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.tenure import Tenure
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import RequestSnapshot
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.failpoints import failpoint

NS_PER_MS = 1_000_000

_log = logging.getLogger(__name__)


class Sender:
    """`post` runs in a lane; every path out of it ends in exactly one of finished, again, unknown or an exception."""

    def __init__(
        self,
        account: str,
        settings: ExecutorSettings,
        clock: Clock,
        rest: RestClient,
        state: FencedState,
        tenure: Tenure,
        gate: Gate,
        door: VenueDoor,
        budgets: OrderBudgets,
        lanes: Lanes,
    ) -> None:
        self._events = keys.events(account)
        self._settings = settings
        self._clock = clock
        self._rest = rest
        self._state = state
        self._tenure = tenure
        self._gate = gate
        self._door = door
        self._budgets = budgets
        self._lanes = lanes

    def post(self, entry: InFlight) -> None:
        """Send an entry once.

        Raises:
            LeaseLost, CommitConflict, redis.RedisError: its outcome could not be committed; it stays in flight for
                whoever holds the lease next.
        """
        command = entry.command
        if isinstance(command, RequestSnapshot):
            raise TypeError("a snapshot is not posted")
        denial = self._gate.denial_now(command, self._clock.now_ms())
        if denial is not None:
            self._refuse(entry, denial.text, outcomes.denied(command, *denial, self._clock.now_ms()))
            return
        request = request_of(command)
        try:
            answer = self._rest.send(request, lambda: self._before_send(entry))
        except NotSent as reason:
            _log.warning("%s was not sent: %s", entry.field, reason)
            self._lanes.again(entry, self._tenure.lease.ttl_ms * NS_PER_MS // 5)
        except VenueError as error:
            self._failed(entry, request.operation, error.outcome)
        else:
            acked_ns = self._clock.now_ns()
            failpoint("executor.after_reply")
            self._budgets.observe(request.operation, answer.headers, self._clock.monotonic_ns())
            self.settle(entry, outcomes.acked(entry, str(answer.result.get("orderId") or ""), acked_ns))

    def settle(self, entry: InFlight, events: Iterable[Message]) -> None:
        """Commit the outcome: the record goes and its events come, together."""
        failpoint("executor.before_outcome")
        self._state.commit({}, drop=[entry.field], add=[(self._events, event) for event in events])
        failpoint("executor.after_outcome")
        self._lanes.finished(entry)

    def take_again(self, entry: InFlight, delay_ns: int) -> None:
        """Leave an entry in flight and carry it out once more later."""
        self._lanes.again(entry, delay_ns)

    def reject(self, entry: InFlight, code: int, reason: str) -> None:
        self.settle(entry, outcomes.rejected(entry.command, code, reason, self._clock.now_ms()))

    def resend(self, entry: InFlight) -> None:
        """Send the same command with the same id again, after it was proven that the first can have no effect."""
        entry.known_to_exist = False
        entry.looks = 0
        entry.absent_at_ns = ()
        self._lanes.again(entry, 0)

    def _before_send(self, entry: InFlight) -> None:
        """The timestamp is taken and signed; from here to the socket nothing else happens.

        Raises:
            NotSent: the lease may be another's by now, or the kill switch was thrown.
        """
        if not self._tenure.certain:
            raise NotSent("the lease is not certain")
        if self._gate.killed(entry.command) is not None:
            raise NotSent("the kill switch is thrown")
        entry.attempts += 1
        entry.signed_ns = self._clock.monotonic_ns()
        entry.sent_wall_ns = self._clock.now_ns()

    def _refuse(self, entry: InFlight, text: str, denials: list[Message]) -> None:
        """Denied if it never went out; an order that was tried and proven not executed was rejected."""
        if entry.attempts == 0:
            self.settle(entry, denials)
        else:
            code = entry.last.code if entry.last is not None else outcomes.NEVER_ARRIVED
            self.reject(entry, code, f"given up after {entry.attempts} attempts: {text}")

    def _failed(self, entry: InFlight, operation: Operation, outcome: Outcome) -> None:
        entry.last = outcome
        self._door.heard(outcome)
        match outcome.kind:
            case Kind.REJECTED | Kind.FATAL:
                self.reject(entry, outcome.code, outcome.reason)
            case Kind.ALREADY if operation is Operation.SUBMIT:
                entry.known_to_exist = True
                self._lanes.unknown(entry, 0)
            case Kind.ALREADY | Kind.ACKED:
                self.settle(entry, outcomes.acked(entry, "", self._clock.now_ns()))
            case Kind.RETRY_SAME_ID:
                self._retry(entry, operation, outcome)
            case Kind.BANNED:
                self._lanes.again(entry, 0)
            case Kind.AMBIGUOUS if operation is Operation.CANCEL_ALL:
                self._retry(entry, operation, outcome)
            case Kind.AMBIGUOUS:
                _log.warning("%s has an unknown outcome: %s", entry.field, outcome.reason)
                self._lanes.unknown(entry, self._settings.backoff_ns(1))

    def _retry(self, entry: InFlight, operation: Operation, outcome: Outcome) -> None:
        """Proven not executed (or, for cancel-all, harmless to repeat): once more, unless its time is over."""
        entry.tries_in_row += 1
        now_ns = self._clock.monotonic_ns()
        delay_ns = outcome.wait_ms * NS_PER_MS or self._settings.backoff_ns(entry.tries_in_row)
        if outcome.code in errors.THROTTLED:
            self._budgets.throttled(operation, now_ns, outcome.wait_ms)
        elif outcome.code in errors.CLOCK:
            delay_ns = 0
            self._sync_clock()
        elif outcome.code == 0:
            delay_ns = self._settings.backoff_ns(entry.tries_in_row)
        too_old = now_ns + delay_ns - entry.taken_ns > self._settings.give_up_ms * NS_PER_MS
        if too_old or self._gate.is_stale(entry.command, self._clock.now_ms() + delay_ns // NS_PER_MS):
            self.reject(entry, outcome.code, f"given up after {entry.attempts} attempts: {outcome.reason}")
        elif entry.tries_in_row > 3 and outcome.code in errors.CLOCK:
            self.reject(entry, outcome.code, f"the clock could not be brought in line: {outcome.reason}")
        else:
            self._lanes.again(entry, delay_ns)

    def _sync_clock(self) -> None:
        try:
            with self._rest.phase(Phase.RECONCILE):
                self._rest.sync_clock()
        except (VenueError, NotSent) as error:
            _log.warning("the venue's time could not be read: %s", error)
