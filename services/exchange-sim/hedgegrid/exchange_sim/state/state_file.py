"""A snapshot of the books, and a log of every change since.

A change is in the log before anything of it is told to a client, so that what was acknowledged or pushed survives
kill -9 of the process; changes that clients are told of are also on the disk by then, so that they survive a power cut.
The venue is deterministic: the same changes in the same order give the same books to the last digit. When the log has
outgrown the snapshot, a new pair replaces both. A torn last entry was told to nobody and is dropped.

FILE begins with a line that names format and number; its log is FILE.<number>.log.
"""

import errno
import os
import pickle
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.market.feed import MarketFeed
from hedgegrid.exchange_sim.state.books import COMMANDS, FIRST_LOOKS, MARKET, STEP, TAKE, Books
from hedgegrid.venue.engine import Venue

FORMAT = 1
"""Counts up when the classes in a snapshot change; tests/unit/exchange_sim/test_state_file.py notices."""
LEAST_LOG_BYTES = 16 << 20
LOG_TO_SNAPSHOT = 4
EXIT_NOT_WRITTEN = 3
_TITLE = b"hedgegrid exchange-sim state"
_HEAD = struct.Struct("<II")
"""Length and CRC-32 of a log entry."""


class StateFile:
    """`load` first, then `keep`; one process at a time."""

    def __init__(self, path: Path, least_log_bytes: int = LEAST_LOG_BYTES) -> None:
        self._path = path
        self._least_log_bytes = least_log_bytes
        self._number = 0
        self._log = -1
        self._room = 0
        self._is_inside = False
        self._books: Callable[[], Books]
        self._venue: Venue

    def load(self) -> Books | None:
        """The books as they were at the last change; None where there is no file.

        Raises:
            StartError: it cannot be read, or was written by another version.
        """
        try:
            title, _, body = self._path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StartError(f"--state {self._path}: {error.strerror}") from error
        *words, version, number = title.split(b" ")
        if b" ".join(words) != _TITLE:
            raise StartError(f"--state {self._path}: not a state file of this program")
        if int(version) != FORMAT:
            raise StartError(f"--state {self._path}: of format {int(version)}, not {FORMAT}; remove it to begin anew")
        self._number = int(number)
        books = pickle.loads(body)  # noqa: S301 our own file
        if not isinstance(books, Books):
            raise StartError(f"--state {self._path}: holds no books")
        for name, arguments, options in _entries(self._log_path(self._number)):
            books.repeat(name, arguments, options)
        books.venue.drain()  # a push that was missed is never repeated
        return books

    def keep(self, books: Callable[[], Books], venue: Venue, feed: MarketFeed) -> Callable[[int], None]:
        """Record whatever changes from now on; `books` gathers them for a snapshot.

        Call what it returns with the venue time at the start of every step of the market.

        Raises:
            StartError: the file cannot be written.
        """
        self._books, self._venue = books, venue
        self._snapshot()
        for name in COMMANDS | MARKET | FIRST_LOOKS:
            setattr(venue, name, self._recorded(name, getattr(venue, name)))
        setattr(feed, TAKE, self._recorded(TAKE, feed.take))
        return self._recorded(STEP, lambda at_ms: None)

    def close(self) -> None:
        """A last snapshot, so that the next start has nothing to repeat."""
        self._snapshot()
        os.close(self._log)

    def _recorded(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method, writing down each call that comes from outside."""

        @wraps(method)
        def call(*arguments: Any, **options: Any) -> Any:
            if self._is_inside:
                return method(*arguments, **options)
            self._is_inside = True
            try:
                answer = method(*arguments, **options)
            finally:
                self._is_inside = False
            self._append(name, arguments, options)
            return answer

        return call

    def _append(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        if name == STEP and self._room < 0:
            self._snapshot()
        body = pickle.dumps((name, arguments, options), pickle.HIGHEST_PROTOCOL)
        entry = _HEAD.pack(len(body), zlib.crc32(body)) + body
        try:
            if os.write(self._log, entry) < len(entry):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._venue.has_reports or name in COMMANDS:
                os.fdatasync(self._log)
        except OSError as error:
            # What happened is not on record, so nobody may be told of it: end as by a crash.
            sys.stderr.write(f"exchange-sim: --state {self._path}: {error.strerror}\n")
            sys.stderr.flush()
            os._exit(EXIT_NOT_WRITTEN)
        self._room -= len(entry)

    def _snapshot(self) -> None:
        """A new pair of files; the old one counts until the new one is whole."""
        number = self._number + 1
        books = self._books()
        body = pickle.dumps(replace(books, venue=_unrecorded(books.venue)), pickle.HIGHEST_PROTOCOL)
        try:
            log = os.open(self._log_path(number), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
            draft = self._path.with_name(f"{self._path.name}.new")
            with draft.open("wb") as file:
                file.write(b"%s %d %d\n" % (_TITLE, FORMAT, number) + body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise StartError(f"--state {self._path}: {error.strerror}") from error
        if self._log >= 0:
            os.close(self._log)
        self._log_path(self._number).unlink(missing_ok=True)
        self._number, self._log = number, log
        self._room = max(self._least_log_bytes, LOG_TO_SNAPSHOT * len(body))

    def _log_path(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}.log")


def _entries(path: Path) -> Iterator[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """Whole entries, up to the first that is torn."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return
    at = 0
    while at + _HEAD.size <= len(raw):
        length, checksum = _HEAD.unpack_from(raw, at)
        entry = raw[at + _HEAD.size : at + _HEAD.size + length]
        if len(entry) < length or zlib.crc32(entry) != checksum:
            return
        yield pickle.loads(entry)  # noqa: S301 our own file
        at += _HEAD.size + length


def _unrecorded(venue: Venue) -> Venue:
    """The same venue without the methods that `keep` put before its own."""
    bare = copy(venue)
    for name in COMMANDS | MARKET | FIRST_LOOKS:
        vars(bare).pop(name, None)
    return bare


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
