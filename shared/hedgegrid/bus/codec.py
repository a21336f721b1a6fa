"""Wire format: one stream field holding the message as JSON.

The field is named `__data__` because FastStream's Redis readers look there; plain JSON under it is what both they and
our checkpoint readers take.
"""

from typing import Any, TypeVar

import msgspec

from hedgegrid.messages.base import SCHEMA_VERSION, Message
from hedgegrid.messages.commands import Command
from hedgegrid.messages.control import ControlMessage
from hedgegrid.messages.events import AccountEvent
from hedgegrid.messages.ledger import LedgerMessage
from hedgegrid.messages.market import MarketMessage

FIELD = b"__data__"

T = TypeVar("T")

_encoder = msgspec.json.Encoder()
_market: msgspec.json.Decoder[MarketMessage] = msgspec.json.Decoder(MarketMessage)
_events: msgspec.json.Decoder[AccountEvent] = msgspec.json.Decoder(AccountEvent)
_commands: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_ledger: msgspec.json.Decoder[LedgerMessage] = msgspec.json.Decoder(LedgerMessage)
_control: msgspec.json.Decoder[ControlMessage] = msgspec.json.Decoder(ControlMessage)


class UnreadableMessage(ValueError):
    """An entry that cannot be understood: wrong JSON, unknown type or version, wrong field. Says which."""


def encode(message: Message) -> bytes:
    return _encoder.encode(message)


def fields(message: Message) -> dict[bytes, bytes]:
    """Stream entry of a message, ready for XADD."""
    return {FIELD: _encoder.encode(message)}


def decode_market(entry: dict[bytes, bytes]) -> MarketMessage:
    return _decode(_market, entry)


def decode_event(entry: dict[bytes, bytes]) -> AccountEvent:
    return _decode(_events, entry)


def decode_command(entry: dict[bytes, bytes]) -> Command:
    return _decode(_commands, entry)


def decode_ledger(entry: dict[bytes, bytes]) -> LedgerMessage:
    return _decode(_ledger, entry)


def decode_control(entry: dict[bytes, bytes]) -> ControlMessage:
    return _decode(_control, entry)


def _decode(decoder: msgspec.json.Decoder[T], entry: dict[bytes, bytes]) -> T:
    raw = entry.get(FIELD)
    if raw is None:
        raise UnreadableMessage(f"entry has no field {FIELD.decode()}, only {sorted(entry)}")
    try:
        message: Any = decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableMessage(str(error)) from error
    if message.v != SCHEMA_VERSION:
        raise UnreadableMessage(
            f"{type(message).__name__} has schema version {message.v}, this reader knows {SCHEMA_VERSION}"
        )
    return message  # type: ignore[no-any-return]
