"""What all projections of an account's streams share: each entry counts once, and everything can be saved."""

import abc
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from hedgegrid.bus.reader import START, id_key
from hedgegrid.messages.base import Message
from hedgegrid.metrics.table import Row, Table
from hedgegrid.runtime.metric_names import Metrics

SAVED_SCHEMA = 1
"""Raise it when saved values would mean something else: the next start then counts again from the oldest entry."""

MessageT = TypeVar("MessageT", bound=Message, contravariant=True)


class UnknownSchema(Exception):
    """What was saved was written by another version of this projection."""


class NoMemory(msgspec.Struct):
    """Memory of a projection that needs none beyond its values."""


class _Saved(msgspec.Struct):
    schema: int
    position: str
    rows: list[Row]
    memory: msgspec.Raw


class Projection(abc.ABC, Generic[MessageT]):
    """Folds one stream of one account into a table. Pure: time and I/O are the caller's."""

    MEMORY: ClassVar[type[msgspec.Struct]] = NoMemory

    def __init__(self, account: str) -> None:
        self.account = account
        self.table = Table()
        self.memory: Any = self.MEMORY()
        self.position = START
        self._key = id_key(START)

    def apply(self, entry_id: str, message: MessageT) -> bool:
        """Count an entry; False if it or a later one was counted before."""
        if not self._advance(entry_id):
            return False
        self.project(message)
        return True

    def set_aside(self, stream: str, entry_id: str) -> bool:
        """Count an entry as unreadable; False as above."""
        if not self._advance(entry_id):
            return False
        self.table.add(Metrics.dead_letters, stream)
        return True

    @abc.abstractmethod
    def project(self, message: MessageT) -> None:
        """Change table and memory as the message says."""

    def dump(self) -> bytes:
        """Return values, memory and position in one piece."""
        memory = msgspec.Raw(msgspec.json.encode(self.memory))
        return msgspec.json.encode(_Saved(SAVED_SCHEMA, self.position, self.table.rows(), memory))

    def load(self, raw: bytes) -> None:
        """Become what was dumped.

        Raises:
            UnknownSchema: another version wrote it; nothing was changed.
        """
        try:
            saved = msgspec.json.decode(raw, type=_Saved)
            memory = msgspec.json.decode(saved.memory, type=self.MEMORY)
        except msgspec.DecodeError as error:
            raise UnknownSchema(str(error)) from error
        if saved.schema != SAVED_SCHEMA:
            raise UnknownSchema(f"schema {saved.schema}, this version knows {SAVED_SCHEMA}")
        self.table.load(saved.rows)
        self.memory = memory
        self.position = saved.position
        self._key = id_key(saved.position)

    def _advance(self, entry_id: str) -> bool:
        key = id_key(entry_id)
        if key <= self._key:
            return False
        self._key = key
        self.position = entry_id
        return True
