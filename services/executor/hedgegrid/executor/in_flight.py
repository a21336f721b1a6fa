"""A command that was taken and has no outcome yet: its durable record and its life in this process.

The record stands in the account's hash under `sent:<kind>:<client order id>` until the outcome is committed. Whoever
finds one at start must treat it as possibly sent, and so a command behind the checkpoint (`sent_mark.py`).
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import msgspec

from hedgegrid.bybit.errors import Outcome
from hedgegrid.bybit.requests import Operation
from hedgegrid.bybit.rest import Phase
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.order import Leg
from hedgegrid.messages.commands import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    Command,
    RequestSnapshot,
    SubmitOrder,
)

PREFIX = "sent:"
SNAPSHOT = "snapshot"


class SentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored. `sent_ms` is our wall time when it was taken; `attempt` 1, as it counts as sent from then on."""

    command: Command
    command_id: str
    sent_ms: int
    attempt: int = 1


_decoder = msgspec.json.Decoder(SentRecord)


def encode_record(record: SentRecord) -> bytes:
    return msgspec.json.encode(record)


def decode_record(raw: bytes) -> SentRecord:
    """Read a record back.

    Raises:
        msgspec.DecodeError: another version wrote it.
    """
    return _decoder.decode(raw)


class Target(NamedTuple):
    """What a command is about; `order_id` is the symbol for commands about all of it."""

    kind: str
    symbol: str
    leg: Leg | None
    order_id: str
    operation: Operation | None

    @property
    def field(self) -> str:
        return f"{PREFIX}{self.kind}:{self.order_id}"


def target_of(command: Command) -> Target:
    match command:
        case SubmitOrder():
            operation = Operation.SUBMIT
        case AmendOrder():
            operation = Operation.AMEND
        case CancelOrder():
            operation = Operation.CANCEL
        case CancelAllOrders():
            kind = Operation.CANCEL_ALL
            return Target(kind.value, command.symbol, None, command.symbol, kind)
        case RequestSnapshot():
            return Target(SNAPSHOT, command.symbol, None, command.symbol, None)
    return Target(operation.value, command.symbol, command.leg, command.client_order_id, operation)


def only_reduces(command: Command) -> bool:
    """True when carrying the command out late or twice cannot add exposure.

    An amend says nothing itself about reducing; the purpose in the id of its order does.
    """
    match command:
        case SubmitOrder():
            return command.reduce_only
        case AmendOrder():
            parts = parse_client_order_id(command.client_order_id)
            return parts is not None and parts.purpose.closes
        case _:
            return True


class Stage(Enum):
    QUEUED = "queued"
    RUNNING = "running"
    UNKNOWN = "unknown"
    """Sent without a definitive outcome; waits for the next look at the venue."""
    ASKING = "asking"
    """The venue is being asked about it."""


@dataclass(eq=False, slots=True)
class InFlight:
    """One command between being taken and its outcome. `*_ns` are monotonic unless they say wall."""

    command: Command
    command_id: str
    field: str
    target: Target
    urgent: bool
    """Only reduces exposure: goes first and may use the reserve."""
    taken_ns: int
    stage: Stage = Stage.QUEUED
    not_before_ns: int = 0
    attempts: int = 0
    tries_in_row: int = 0
    signed_ns: int = 0
    sent_wall_ns: int = 0
    known_to_exist: bool = False
    """The venue said that an order of this id exists (110072)."""
    last: Outcome | None = None
    overdue: bool = False
    """A snapshot that waited too long for the symbol to be settled."""
    looks: int = 0
    absent_at_ns: tuple[int, ...] = ()
    """When full rounds showed no trace of it."""
    phase: Phase = Phase.RECONCILE
    """What the questions about it are counted as."""

    @property
    def is_snapshot(self) -> bool:
        return self.target.kind == SNAPSHOT
