"""Taking commands: from the stream into durable records and into the lanes, in one commit per read."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec
import redis

from hedgegrid.bus import codec, dead_letter, keys
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bus.reader import START, Entry, id_key, last_id
from hedgegrid.bybit.rest import Phase
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.executor import outcomes
from hedgegrid.executor.controls import Controls
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.in_flight import (
    PREFIX,
    InFlight,
    SentRecord,
    Stage,
    decode_record,
    encode_record,
    only_reduces,
    target_of,
)
from hedgegrid.executor.lanes import Lanes
from hedgegrid.executor.sent_mark import SentMark
from hedgegrid.executor.shared_risk import SharedRisk
from hedgegrid.executor.trading_states import TradingStates
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import AmendOrder, CancelAllOrders, Command, RequestSnapshot, SubmitOrder
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import SnapshotReason
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.failpoints import failpoint

_log = logging.getLogger(__name__)


class Desk:
    """Used by the account's main thread only."""

    def __init__(
        self,
        account: str,
        client: redis.Redis,
        clock: Clock,
        state: FencedState,
        gate: Gate,
        states: TradingStates,
        lanes: Lanes,
        risk: SharedRisk,
        mark: SentMark,
        controls: Controls,
        unreadable: Callable[[str], None],
    ) -> None:
        self._commands = keys.commands(account)
        self._control = keys.control(account)
        self._events = keys.events(account)
        self._client = client
        self._clock = clock
        self._state = state
        self._gate = gate
        self._states = states
        self._lanes = lanes
        self._risk = risk
        self._mark = mark
        self._controls = controls
        self._unreadable = unreadable
        self._doubtful_to = START
        """Up to this id an earlier holder may have sent commands that the checkpoint does not count as taken."""
        self.checkpoint = START
        """Id of the last command taken."""
        self._sent_by_others_ns = 0
        """When an earlier holder can have sent something for the last time, by our clock."""
        self.redis_went_back = False
        """A command was sent before this term that Redis has forgotten."""

    def recover(self, fields: Mapping[str, bytes], symbols: Iterable[str], since_ms: int, fenced_ns: int) -> None:
        """Line up what an earlier holder left without an outcome, behind it a start snapshot of every symbol.

        Whether it was sent is not known, so orders begin as UNKNOWN. Snapshots not taken are part of the new ones,
        which show executions from `since_ms` on or from where those wanted them. For `fenced_ns` already, nothing of an
        earlier holder can have been sent.
        """
        self._sent_by_others_ns = self._clock.monotonic_ns() - fenced_ns
        self.checkpoint = fields.get("checkpoint", START.encode()).decode()
        self._doubtful_to = self._mark.sent_up_to(last_id(self._client, self._commands))
        self.redis_went_back = self._mark.is_ahead_of(self._client, self._commands, self.checkpoint)
        if self.redis_went_back:
            _log.critical("Redis has lost commands that were sent: all history is read anew")
            since_ms = 0
        left: list[InFlight] = []
        drop: list[str] = []
        wanted: dict[str, RequestSnapshot] = {
            symbol: RequestSnapshot(symbol=symbol, reason=SnapshotReason.START, request=0, executions_since_ms=since_ms)
            for symbol in symbols
        }
        for field, raw in fields.items():
            if not field.startswith(PREFIX):
                continue
            try:
                record = decode_record(raw)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                self._set_aside_record(field, raw, str(error))
                drop.append(field)
                continue
            if isinstance(record.command, RequestSnapshot):
                drop.append(field)
                own = wanted.get(record.command.symbol)
                if own is not None:
                    wanted[own.symbol] = _covering(record.command, own)
            else:
                self._count_risk(record.command)
                left.append(self._left_over(record, field))
        left.sort(key=lambda entry: id_key(entry.command_id))
        self._lanes.put(left)
        self._line_up_snapshots(wanted.values(), drop)

    def wish_snapshots(self, symbols: Iterable[str], reason: SnapshotReason, since_ms: int) -> None:
        """Ask for snapshots on our own account."""
        wishes = [
            RequestSnapshot(symbol=symbol, reason=reason, request=0, executions_since_ms=since_ms) for symbol in symbols
        ]
        self._line_up_snapshots(wishes, [])

    def take(self, entries: Iterable[Entry]) -> None:
        """Take what one read brought: deny, or line up; records and checkpoint are committed beside the sending.

        Until they are, the commands themselves are the durable proof of what may have been sent: they lie in the
        stream behind the checkpoint, up to the mark. Controls come first: a halt that was read together with orders
        holds for them.
        """
        batch = _Batch()
        entries = list(entries)
        if entries:
            failpoint("executor.after_read")
        for entry in entries:
            if entry.stream == self._control:
                self._obey(entry)
        for entry in entries:
            if entry.stream == self._commands:
                self._take_one(entry, batch)
        if batch.checkpoint is not None:
            failpoint("executor.before_sent")
            batch.put["checkpoint"] = batch.checkpoint
            if batch.entries:
                self._mark.move(batch.checkpoint)
            failpoint("executor.after_sent")
            self._state.commit(
                batch.put,
                drop=batch.dropped(),
                add=[(self._events, event) for event in batch.events],
                meanwhile=lambda: self._lanes.put(batch.entries),
            )
            failpoint("executor.after_record")
            self.checkpoint = batch.checkpoint

    def _take_one(self, entry: Entry, batch: "_Batch") -> None:
        batch.checkpoint = entry.id
        try:
            command = codec.decode_command(entry.fields)
        except codec.UnreadableMessage as error:
            _log.error("command %s cannot be read and is set aside: %s", entry.id, error)
            dead_letter.set_aside(self._client, entry, str(error))
            self._unreadable(entry.stream)
            return
        if id_key(entry.id) <= id_key(self._doubtful_to) and not isinstance(command, RequestSnapshot):
            self._line_up_doubtful(command, entry.id, batch)
            return
        now_ms = self._clock.now_ms()
        denial = self._gate.denial(command, now_ms)
        if denial is not None:
            _log.info("denied %s: %s", target_of(command).field, denial.text, extra={"reason": denial.reason})
            batch.events += outcomes.denied(command, *denial, now_ms)
            return
        if isinstance(command, RequestSnapshot):
            command = self._joined(command, batch)
        self._count_risk(command)
        self._line_up(command, entry.id, batch)

    def _count_risk(self, command: Command) -> None:
        """An order that adds exposure counts from here on, before anybody can know what became of it."""
        if isinstance(command, SubmitOrder | AmendOrder) and not only_reduces(command):
            self._risk.expect(command)

    def _line_up(self, command: Command, command_id: str, batch: "_Batch") -> None:
        record = self._record(command, command_id, batch)
        batch.entries.append(self._entry(command, command_id, record.field))

    def _line_up_doubtful(self, command: Command, command_id: str, batch: "_Batch") -> None:
        """An earlier holder may have sent it: no check of ours can undo that, so the venue is asked first."""
        _log.warning("%s may have been sent by an earlier holder", target_of(command).field)
        self._count_risk(command)
        record = self._record(command, command_id, batch)
        batch.entries.append(self._left_over(record.record, record.field))

    def _record(self, command: Command, command_id: str, batch: "_Batch") -> "_Named":
        field = target_of(command).field
        if field in batch.put or self._lanes.holds(field):  # two at once about one order: each needs its record
            field = f"{field}#{command_id}"
        record = SentRecord(command=command, command_id=command_id, sent_ms=self._clock.now_ms())
        batch.put[field] = encode_record(record)
        return _Named(field, record)

    def _line_up_snapshots(self, wishes: Iterable[RequestSnapshot], drop: list[str]) -> None:
        batch = _Batch()
        batch.drop = drop
        for wish in wishes:
            self._line_up(self._joined(wish, batch), self.checkpoint, batch)
        self._state.commit(batch.put, drop=batch.dropped())
        self._lanes.put(batch.entries)

    def _joined(self, wish: RequestSnapshot, batch: "_Batch") -> RequestSnapshot:
        """One snapshot answers the wishes that are in line one behind the other: its reason is the newest one's."""
        for earlier in reversed(batch.entries):
            if earlier.target.symbol == wish.symbol:
                if not _joins(earlier.command, wish):
                    return wish
                batch.entries.remove(earlier)
                del batch.put[earlier.field]
                return _covering(earlier.command, wish)
        waiting = self._lanes.last_snapshot_of(wish.symbol)
        if waiting is None or not _joins(waiting.command, wish) or not self._lanes.withdraw(waiting):
            return wish
        batch.drop.append(waiting.field)
        return _covering(waiting.command, wish)

    def _entry(self, command: Command, command_id: str, field: str) -> InFlight:
        return InFlight(
            command=command,
            command_id=command_id,
            field=field,
            target=target_of(command),
            urgent=only_reduces(command),
            taken_ns=self._clock.monotonic_ns(),
        )

    def _left_over(self, record: SentRecord, field: str) -> InFlight:
        entry = self._entry(record.command, record.command_id, field)
        if not isinstance(record.command, CancelAllOrders):
            entry.stage = Stage.UNKNOWN
        entry.attempts = record.attempt
        entry.signed_ns = self._sent_by_others_ns
        entry.phase = Phase.STARTUP
        return entry

    def _obey(self, entry: Entry) -> None:
        wish = self._controls.open(entry)
        if isinstance(wish, SetTradingState):
            self._states.apply(wish)
            if wish.symbol is None and wish.state is TradingState.ACTIVE:
                self._risk.acknowledge(wish.ts_event)

    def _set_aside_record(self, field: str, raw: bytes, reason: str) -> None:
        _log.error("the record %s cannot be read and is set aside: %s", field, reason)
        dead_letter.set_aside_raw(self._client, self._commands, raw, reason, field)
        self._unreadable(self._commands)


class _Named(NamedTuple):
    field: str
    record: SentRecord


class _Batch:
    """What one commit will hold."""

    def __init__(self) -> None:
        self.checkpoint: str | None = None
        self.put: dict[str, str | bytes] = {}
        self.drop: list[str] = []
        self.events: list[Message] = []
        self.entries: list[InFlight] = []

    def dropped(self) -> list[str]:
        """Records to remove; one that is written anew under its old name stays."""
        return [field for field in self.drop if field not in self.put]


def _joins(earlier: Command, wish: RequestSnapshot) -> bool:
    """Wishes with and without a start time read histories of different depth."""
    if not isinstance(earlier, RequestSnapshot):
        return False
    return bool(earlier.executions_since_ms) == bool(wish.executions_since_ms)


def _covering(earlier: Command, wish: RequestSnapshot) -> RequestSnapshot:
    """One wish for two, under the higher number: a bot counts its own, and waits for its last one; ours are 0."""
    if not isinstance(earlier, RequestSnapshot):
        return wish
    since_ms = min(earlier.executions_since_ms, wish.executions_since_ms)
    named = earlier if earlier.request > wish.request else wish
    return msgspec.structs.replace(named, executions_since_ms=since_ms)
