"""State that only the holder of a lease can write, together with the messages that follow from it, or not at all."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import redis

from hedgegrid.bus import codec
from hedgegrid.bus.connection import OUTAGE
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.messages.base import Message

RETRY_FOR_S = 30.0
RETRY_EVERY_S = 0.2


class CommitConflict(Exception):
    """The state has a version this holder never wrote: two writers under one lease, or Redis went back in time."""


class FencedState:
    """A Redis hash with a version. Reader and writer of one holder; commits may come from several threads.

    Nobody else writes it, so what it holds is known here, and a field is written only when its value differs: every
    byte of a commit is on the disk before the answer (docs/decisions/0016).
    """

    def __init__(self, client: redis.Redis, key: str, lease: Lease) -> None:
        self._client = client
        self._lease = lease
        self._lock = threading.Lock()
        self._commits = 0
        self._held: dict[str, bytes] = {}
        self.key = key
        self.version = 0

    def load(self) -> dict[str, bytes]:
        """Read all fields; the version read is the one the next commit builds on."""
        raw: Any = self._client.hgetall(self.key)
        fields: dict[str, bytes] = {name.decode(): value for name, value in raw.items()}
        self.version = int(fields.get("version", b"0"))
        self._held = dict(fields)
        return fields

    def commit(
        self,
        put: Mapping[str, str | bytes],
        drop: Iterable[str] = (),
        add: Iterable[tuple[str, Message]] = (),
        *,
        meanwhile: Callable[[], None] | None = None,
    ) -> None:
        """Write fields that are not so already, remove fields and append messages to streams, all together.

        What `meanwhile` sets going runs beside this commit, but no commit of its own can come before it.
        A lost answer is settled by sending the same commit again: the function knows it by version and id. While
        Redis is away this blocks and retries for `RETRY_FOR_S` seconds.

        Raises:
            LeaseLost: another owner has the lease; nothing was written.
            CommitConflict: see the class.
            redis.RedisError: Redis stayed away, or refused the write (out of memory, wrong type). Whether this commit
                was written is not known; if it was, the next one ends in a conflict, and the state is read anew.
        """
        with self._lock:
            changed = self._changed(put)
            dropped = list(drop)
            keys, args = self._arguments(changed, dropped, list(add))
            if meanwhile is not None:
                meanwhile()
            self._settle(self._call(keys, args), changed, dropped)

    def _changed(self, put: Mapping[str, str | bytes]) -> dict[str, bytes]:
        encoded = {name: value.encode() if isinstance(value, str) else value for name, value in put.items()}
        return {name: value for name, value in encoded.items() if self._held.get(name) != value}

    def _settle(self, answer: object, changed: Mapping[str, bytes], dropped: Iterable[str]) -> None:
        """Take the function's answer: what it wrote is what the hash holds now."""
        if answer == b"FENCED":
            self._lease.epoch = 0
            raise LeaseLost(self._lease.key)
        if answer == b"CONFLICT":
            raise CommitConflict(f"{self.key} is not at version {self.version}")
        self.version += 1
        self._held |= changed
        for name in dropped:
            self._held.pop(name, None)

    def _arguments(
        self,
        put: Mapping[str, bytes],
        drop: list[str],
        add: list[tuple[str, Message]],
    ) -> tuple[list[str], list[str | bytes]]:
        streams = list(dict.fromkeys(stream for stream, _ in add))
        self._commits += 1  # another call may hold more: it must not be taken for this one
        commit_id = f"{self._lease.owner}:{self._lease.epoch}:{self.version}:{self._commits}"
        args: list[str | bytes] = [self._lease.owner, str(self._lease.epoch), str(self.version)]
        args += [commit_id, str(len(put))]
        for field, value in put.items():
            args += [field, value]
        args += [str(len(drop)), *drop]
        for stream, message in add:
            args += [str(streams.index(stream) + 1), codec.encode(message)]
        return [self._lease.key, self.key, *streams], args

    def _call(self, keys: list[str], args: list[str | bytes]) -> object:
        deadline = time.monotonic() + RETRY_FOR_S
        while True:
            try:
                return self._client.fcall("hg1_commit", len(keys), *keys, *args)
            except OUTAGE:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(RETRY_EVERY_S)
