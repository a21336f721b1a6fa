"""The streams of an account and how each is read: decoder, projection, and what cannot be decoded."""

from collections.abc import Callable
from typing import Any, NamedTuple

from hedgegrid.bus import codec, keys
from hedgegrid.bus.reader import Entry
from hedgegrid.messages.base import Message
from hedgegrid.metrics.event_projection import EventProjection
from hedgegrid.metrics.ledger_projection import LedgerProjection
from hedgegrid.metrics.projection import Projection
from hedgegrid.metrics.request_projections import CommandProjection, ControlProjection


class Unreadable(NamedTuple):
    entry: Entry
    reason: str


class AccountStream:
    """One stream of one account with its projection."""

    def __init__(
        self, kind: str, name: str, decode: Callable[[dict[bytes, bytes]], Message], projection: Projection[Any]
    ) -> None:
        self.kind = kind
        self.name = name
        self.projection = projection
        self.decode = decode

    def fold(self, entries: list[Entry]) -> list[Unreadable]:
        """Count entries in order; return those that could not be read and were not seen before."""
        unreadable: list[Unreadable] = []
        for entry in entries:
            try:
                message = self.decode(entry.fields)
            except codec.UnreadableMessage as error:
                if self.projection.set_aside(self.name, entry.id):
                    unreadable.append(Unreadable(entry, str(error)))
            else:
                self.projection.apply(entry.id, message)
        return unreadable


class Account(NamedTuple):
    """All streams of one account, with their projections by type for readers."""

    id: str
    events: EventProjection
    ledger: LedgerProjection
    commands: CommandProjection
    control: ControlProjection
    streams: list[AccountStream]


def open_account(account: str) -> Account:
    """Make the account's streams with empty projections."""
    events, ledger = EventProjection(account), LedgerProjection(account)
    commands, control = CommandProjection(account), ControlProjection(account)
    streams = [
        AccountStream("events", keys.events(account), codec.decode_event, events),
        AccountStream("ledger", keys.ledger(account), codec.decode_ledger, ledger),
        AccountStream("commands", keys.commands(account), codec.decode_command, commands),
        AccountStream("control", keys.control(account), codec.decode_control, control),
    ]
    return Account(account, events, ledger, commands, control, streams)
