"""The canary of a private socket: what the venue acknowledged over REST must be told on the socket soon after.

A socket may answer pings and deliver nothing (reliability §5.5). No I/O; monotonic times come in as ms. Safe from any
thread.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from hedgegrid.messages.events import CommandKind, OrderAcked

ACK_FOLLOWED_WITHIN_MS = 3_000
CLOCKS_APART_MS = 1_000
"""The executor's clock may be so far off ours: orders sent so soon after the session began are not judged, and a word
that came so shortly before an order was sent may have been the answer to it."""
KEPT_MS = 120_000
"""So long the words on an order are kept: an acknowledgement is read within seconds, or, of an order whose outcome had
to be asked for, within a minute."""
TERMINAL = frozenset({"Filled", "Cancelled", "PartiallyFilledCanceled", "Deactivated", "Rejected"})
NS_PER_MS = 1_000_000


class _Row(msgspec.Struct, frozen=True, rename="camel"):
    order_link_id: str = ""
    order_status: str = ""


class _OrderFrame(msgspec.Struct, frozen=True):
    topic: str
    data: list[_Row]


_frame = msgspec.json.Decoder(_OrderFrame)


@dataclass(frozen=True, slots=True)
class _Told:
    recv_ms: int
    """Our wall clock."""
    ended: bool


class AckWatch:
    """One account's socket. `begin` with each connection, `live` once it is subscribed."""

    def __init__(self, within_ms: int = ACK_FOLLOWED_WITHIN_MS) -> None:
        self._within_ms = within_ms
        self._lock = threading.Lock()
        self._live_ms: int | None = None
        """Orders sent from here on are judged."""
        self._told: OrderedDict[str, _Told] = OrderedDict()
        self._waiting: dict[str, tuple[OrderAcked, int]] = {}

    def begin(self) -> None:
        """A new connection: what earlier ones told or owed does not count."""
        with self._lock:
            self._live_ms = None
            self._told.clear()
            self._waiting.clear()

    def live(self, wall_ms: int) -> None:
        """From here on every change of an order must be told; the first word of a connection counts."""
        with self._lock:
            if self._live_ms is None:
                self._live_ms = wall_ms

    def frame(self, raw: bytes, recv_ms: int) -> None:
        """Note the orders that a data frame tells of; other and unreadable frames say nothing here."""
        if b'"order' not in raw:
            return
        try:
            frame = _frame.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        if frame.topic.partition(".")[0] != "order":
            return
        with self._lock:
            for row in frame.data:
                self._told[row.order_link_id] = _Told(recv_ms, row.order_status in TERMINAL)
                self._told.move_to_end(row.order_link_id)
            self._forget_before(recv_ms - KEPT_MS)

    def acked(self, ack: OrderAcked, now_ms: int) -> None:
        """An acknowledgement by REST was read. Only one that carries the venue's order id was an answer to a request
        of ours that changed something: "already cancelled" and the like are followed by nothing."""
        with self._lock:
            if self._live_ms is None or not ack.venue_order_id or not self._is_ours(ack, self._live_ms):
                return
            self._waiting.setdefault(f"{ack.command}:{ack.client_order_id}", (ack, now_ms + self._within_ms))

    def overdue(self, now_ms: int) -> str:
        """Why the socket is not to be trusted any more, or ""."""
        with self._lock:
            for key, (ack, deadline_ms) in list(self._waiting.items()):
                if self._is_followed(ack):
                    del self._waiting[key]
                elif now_ms >= deadline_ms:
                    late_ms = now_ms - deadline_ms + self._within_ms
                    return f"no order event for {late_ms} ms after the {ack.command} of {ack.client_order_id} was acked"
        return ""

    def _forget_before(self, recv_ms: int) -> None:
        """Of orders that were sent before the newest word forgotten, nobody can say whether they were followed."""
        while self._told and next(iter(self._told.values())).recv_ms < recv_ms:
            _, told = self._told.popitem(last=False)
            if self._live_ms is not None:
                self._live_ms = max(self._live_ms, told.recv_ms)

    @staticmethod
    def _is_ours(ack: OrderAcked, live_ms: int) -> bool:
        """Sent while this session was live; 0 is what an earlier process of the executor sent."""
        return ack.sent_ns // NS_PER_MS >= live_ms + CLOCKS_APART_MS

    def _is_followed(self, ack: OrderAcked) -> bool:
        """A submit by any word on its order; an amend or cancel by a word since it was sent, or the order's end."""
        told = self._told.get(ack.client_order_id)
        if told is None:
            return False
        since_ms = ack.sent_ns // NS_PER_MS - CLOCKS_APART_MS
        return ack.command is CommandKind.SUBMIT or told.ended or told.recv_ms >= since_ms
