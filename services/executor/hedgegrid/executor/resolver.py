"""Orders whose outcome is unknown: ask the venue until there is proof either way.

Only a positive find, or absence everywhere after the request can no longer be accepted, ends the question. A failed
call proves nothing. Absence must be seen in several full rounds, since the venue's lists lag (reliability §5.4).
"""

import logging

from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.parse import ParseError
from hedgegrid.bybit.rest import RestClient
from hedgegrid.executor import outcomes
from hedgegrid.executor.evidence import Evidence, Verdict, events_of, look
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.in_flight import InFlight
from hedgegrid.executor.lanes import Lanes
from hedgegrid.executor.sender import Sender
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.messages.commands import CancelAllOrders, OrderCommand, RequestSnapshot, SubmitOrder
from hedgegrid.runtime.clock import Clock

NS_PER_MS = 1_000_000
MAX_SENDS = 5
"""Times one command is sent in all before the strategy is told to decide anew."""
ORDER_GONE = 110001
ORDER_EXISTS = 110072

_log = logging.getLogger(__name__)


class Resolver:
    """`resolve` runs in a query thread, one look per call."""

    def __init__(
        self,
        settings: ExecutorSettings,
        clock: Clock,
        rest: RestClient,
        sender: Sender,
        gate: Gate,
        door: VenueDoor,
        lanes: Lanes,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rest = rest
        self._sender = sender
        self._gate = gate
        self._door = door
        self._lanes = lanes

    def resolve(self, entry: InFlight) -> None:
        """Look once and settle, resend or come back later."""
        command = entry.command
        if isinstance(command, CancelAllOrders | RequestSnapshot):  # harmless to repeat, nothing to ask about
            self._sender.resend(entry)
            return
        started_ns = self._clock.monotonic_ns()
        evidence = self._look(entry, command)
        if evidence is None:
            self._later(entry)
        elif evidence.found:
            self._found(entry, command, evidence, started_ns)
        else:
            self._not_found(entry, started_ns)

    def _look(self, entry: InFlight, command: OrderCommand) -> Evidence | None:
        """What the venue shows; None when it gave no complete answer or one that cannot be read."""
        if self._door.fatal is not None:
            return None
        try:
            with self._rest.phase(entry.phase):
                evidence = look(self._rest, command.symbol, command.client_order_id)
                if evidence.found:
                    evidence.judge(command)
                    evidence.events = events_of(self._rest, evidence, command.symbol, self._clock.now_ms())
                return evidence
        except VenueError as error:
            self._door.heard(error.outcome)
            _log.warning("no conclusion about %s: %s", entry.field, error)
        except (NotSent, ParseError) as error:
            _log.warning("no conclusion about %s: %s", entry.field, error)
        except Exception:  # a row nobody thought of: the order stays in flight, the others go on
            _log.exception("no conclusion about %s", entry.field)
        return None

    def _found(self, entry: InFlight, command: OrderCommand, evidence: Evidence, started_ns: int) -> None:
        """An order found is proof for a submit; for an amend or cancel only its terms or its end are."""
        if evidence.verdict is Verdict.FOREIGN:
            self._sender.reject(entry, ORDER_EXISTS, "another order has this id")
        elif evidence.verdict is Verdict.DONE:
            _log.warning("%s has arrived: order %s", entry.field, evidence.venue_order_id)
            acked = outcomes.acked(entry, evidence.venue_order_id, self._clock.now_ns())
            self._sender.settle(entry, [*acked, *evidence.events])
        elif self._may_still_arrive(entry, started_ns):
            self._later(entry)
        else:
            self._without_effect(entry)

    def _not_found(self, entry: InFlight, started_ns: int) -> None:
        if not self._may_still_arrive(entry, started_ns):
            entry.absent_at_ns += (started_ns,)
        rounds = entry.absent_at_ns
        span_ns = rounds[-1] - rounds[0] if rounds else 0
        if len(rounds) < self._settings.absent_rounds or span_ns < self._settings.absent_span_ms * NS_PER_MS:
            self._later(entry)
        elif entry.known_to_exist:
            self._sender.reject(entry, ORDER_EXISTS, "the id is taken by an order that is nowhere to be seen")
        elif isinstance(entry.command, SubmitOrder):
            self._without_effect(entry)
        else:
            self._sender.reject(entry, ORDER_GONE, "the venue knows no such order")

    def _without_effect(self, entry: InFlight) -> None:
        """The request had no effect and can have none any more: once more, or tell that it never arrived."""
        stale = self._gate.is_stale(entry.command, self._clock.now_ms())
        if stale or entry.attempts >= MAX_SENDS:
            _log.warning("%s never arrived and is given up", entry.field)
            self._sender.reject(entry, outcomes.NEVER_ARRIVED, "never arrived")
        else:
            _log.warning("%s never arrived and is sent again", entry.field)
            self._sender.resend(entry)

    def _may_still_arrive(self, entry: InFlight, looked_ns: int) -> bool:
        """True while the venue could still accept the request, by the time the look began."""
        return looked_ns < entry.signed_ns + self._settings.fence_ms * NS_PER_MS

    def _later(self, entry: InFlight) -> None:
        entry.looks += 1
        self._lanes.unknown(entry, self._settings.look_again_ns(entry.looks, len(entry.absent_at_ns)))
