"""The kill switch's memory on disk: a small file per account that outlives every process, with or without Redis.

A person or a script may drop a file of the same name: its first word is the level, the rest the reason; an empty one
asks for the default level.
"""

import contextlib
import os
from pathlib import Path

import msgspec

from hedgegrid.domain.kill import KillLevel

FOLDER = "kill"
"""Below the state folder; one file per account."""


class KillLatch(msgspec.Struct, frozen=True, kw_only=True):
    """Why the switch is thrown, as it is stored in the file and in Redis."""

    level: KillLevel
    source: str
    reason: str
    thrown_ms: int
    control_at: str | None = None
    """Newest control entry known when it was thrown; only a clear behind it takes it away. None = none was known."""
    done: bool = False
    """The venue was verified to hold nothing that the level forbids, past the last moment an order could arrive."""


class Dropped(msgspec.Struct, frozen=True):
    """What a person asks for with a file; level None = the default one."""

    level: KillLevel | None
    reason: str


_latch = msgspec.json.Decoder(KillLatch)


def encode_latch(latch: KillLatch) -> bytes:
    return msgspec.json.encode(latch) + b"\n"


def decode_latch(raw: bytes) -> KillLatch | None:
    """The latch that `encode_latch` wrote, or None for anything else."""
    try:
        return _latch.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def read_dropped(raw: bytes) -> Dropped:
    """What a file that is no latch asks for: whoever makes one means to stop, so nothing in it is an error."""
    text = raw.decode(errors="replace").strip()
    word, _, reason = text.partition(" ")
    if word.upper() in KillLevel.__members__:
        return Dropped(KillLevel[word.upper()], reason.strip())
    return Dropped(None, text[:200])


class LatchFile:
    """`<state_dir>/kill/<account>`; every call may raise OSError."""

    def __init__(self, folder: Path, account: str) -> None:
        self._folder = folder
        self._path = folder / account

    def make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)

    def read(self) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return self._path.read_bytes()
        return None

    def write(self, raw: bytes) -> None:
        """Replace the file whole; on disk when this returns."""
        beside = self._folder / f".{self._path.name}.{os.getpid()}"
        with beside.open("wb") as stream:
            stream.write(raw)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(self._path)
        self._sync_folder()

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self._sync_folder()

    def _sync_folder(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
