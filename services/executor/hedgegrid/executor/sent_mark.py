"""How far commands may have been sent, in a file beside Redis: what a killed executor leaves to the next one.

A command in the stream is durable before anybody can read it, so the stream itself proves what was to be sent. Between
the checkpoint and the last command read, only this mark tells which of them can have gone out. It is written before
the first byte goes to the venue. The operating system keeps it when the process is killed; when the machine itself
went down, or another one held the lease in between, it proves nothing and every command counts as possibly sent.

The mark also notices a Redis that went back in time: a command that was sent, and that Redis no longer knows.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import redis

from hedgegrid.bus.lease import LeaseLost
from hedgegrid.bus.reader import START, id_key
from hedgegrid.runtime.errors import ConfigError

SIZE = 256
"""Bytes of the file: one write, inside one sector."""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_log = logging.getLogger(__name__)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """`epoch` is the lease's; `boot` names the machine's run; `command_id` is the last command that may have gone."""

    epoch: int
    boot: str
    command_id: str


_mark = msgspec.json.Decoder(Mark)


class SentMark:
    """One account's mark. Used by the account's main thread only."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises:
            ConfigError: the folder cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(
                f"HEDGEGRID_STATE_DIR: {path} cannot be written ({error.strerror}); set it to a folder that can"
            ) from None
        self._epoch = 0
        self._boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        self._left = self._read()
        self._unsynced = False

    def begin(self, epoch: int) -> None:
        """Start a term in office: what earlier ones left is kept for `sent_up_to` and `is_ahead_of`."""
        with self._locked():
            self._left = self._read()
            self._epoch = epoch
            self._write(self._left.command_id if self._left is not None else START)
        self.sync()

    @property
    def known(self) -> bool:
        """True when an earlier term on this machine left a mark."""
        return self._left is not None

    def sent_up_to(self, last_command_id: str) -> str:
        """The last command that an earlier term may have sent; all of them, if the mark does not prove otherwise."""
        left = self._left
        proves = left is not None and self._boot != "" and left.boot == self._boot and left.epoch == self._epoch - 1
        return left.command_id if left is not None and proves else last_command_id

    def is_ahead_of(self, client: redis.Redis, stream: str, checkpoint: str) -> bool:
        """True when a command was sent that Redis has forgotten: it lost its newest writes, or is an old copy."""
        if self._left is None or id_key(self._left.command_id) <= id_key(checkpoint):
            return False
        return not client.xrange(stream, self._left.command_id, self._left.command_id)

    def move(self, command_id: str) -> None:
        """From here on commands up to this one may be sent.

        Raises:
            LeaseLost: a later term has begun on this machine, and does not expect us to send any more.
        """
        with self._locked():
            found = self._read()
            if found is None or found.epoch != self._epoch:
                raise LeaseLost("the mark of sent commands is another's")
            self._write(command_id)
        self._unsynced = True

    def sync(self) -> None:
        """Put it on the disk; called now and then, since only a mark of this boot proves anything."""
        if self._unsynced:
            os.fdatasync(self._file)
            self._unsynced = False

    def close(self) -> None:
        self.sync()
        os.close(self._file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _write(self, command_id: str) -> None:
        mark = Mark(epoch=self._epoch, boot=self._boot, command_id=command_id)
        os.pwrite(self._file, msgspec.json.encode(mark).ljust(SIZE), 0)

    def _read(self) -> Mark | None:
        raw = os.pread(self._file, SIZE, 0)
        try:
            return _mark.decode(raw) if raw.strip() else None
        except msgspec.DecodeError as error:
            _log.warning("the mark of sent commands cannot be read and proves nothing: %s", error)
            return None
