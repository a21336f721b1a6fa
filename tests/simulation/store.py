"""The few commands of Redis that the system uses, with their replies as redis-py gives them, and the `hg1_*` functions.

`test_store.py` compares it with a real server command by command. Every write can be taken back, newest first: that is
how a server comes up without its newest writes.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, TypeVar

import redis

StreamId = tuple[int, int]
Fields = dict[bytes, bytes]
Undo = Callable[[], object]
V = TypeVar("V")
UNDO_DEPTH = 400
LAST: StreamId = (1 << 64, 1 << 64)


@dataclass(slots=True)
class Stream:
    ids: list[StreamId] = field(default_factory=list)
    rows: list[Fields] = field(default_factory=list)
    last: StreamId = (0, 0)


def raw(value: Any) -> bytes:
    return value if isinstance(value, bytes) else _encoded(value)


@lru_cache(8192)
def _encoded(value: Any) -> bytes:
    return str(value).encode()


def text_of(entry_id: StreamId) -> bytes:
    return b"%d-%d" % entry_id


@lru_cache(8192)
def parse_id(value: Any, last_of_ms: bool = False) -> StreamId:
    text = raw(value).decode()
    if text == "-":
        return 0, 0
    if text == "+":
        return LAST
    milliseconds, dash, sequence = text.partition("-")
    return int(milliseconds), int(sequence) if dash else (LAST[1] if last_of_ms else 0)


class Store:
    """One server's memory. `changed` is called with a stream's key after entries came in."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.now_ms = now_ms
        self.values: dict[bytes, Any] = {}
        self.changed: Callable[[bytes], None] = lambda key: None
        self.writes = 0
        self._undo: deque[list[Undo]] = deque(maxlen=UNDO_DEPTH)
        self._group: list[Undo] | None = None

    def go_back(self, writes: int) -> int:
        """Forget the newest writes, whole commands and transactions; returns how many."""
        gone = 0
        while gone < writes and self._undo:
            for undo in reversed(self._undo.pop()):
                undo()
            gone += 1
        return gone

    def transaction(self, actions: Iterable[Callable[[], V]]) -> list[V]:
        """Commands that count as one write."""
        self._group = []
        try:
            return [action() for action in actions]
        finally:
            group, self._group = self._group, None
            if group:
                self._undo.append(group)

    # ---- keys

    def exists(self, key: Any) -> int:
        return int(raw(key) in self.values)

    def kind_of(self, key: Any) -> str:
        value = self.values.get(raw(key))
        kinds = {dict: "hash", Stream: "stream", bytes: "string"}
        return "none" if value is None else kinds.get(type(value), "zset")

    def delete(self, *keys: Any) -> int:
        gone = 0
        for key in map(raw, keys):
            if key in self.values:
                before = self.values.pop(key)
                self._took_back(partial(self._put_back, key, before))
                gone += 1
        return gone

    def get(self, key: Any) -> bytes | None:
        return self._read(key, bytes)

    def set(self, key: Any, value: Any, **options: Any) -> bool:
        name, before = raw(key), self.values.get(raw(key))
        self.values[name] = raw(value)
        self._took_back(lambda: self._put_back(name, before))
        return True

    # ---- hashes

    def hget(self, key: Any, name: Any) -> bytes | None:
        found: dict[bytes, bytes] | None = self._read(key, dict)
        return None if found is None else found.get(raw(name))

    def hmget(self, key: Any, names: Iterable[Any]) -> list[bytes | None]:
        return [self.hget(key, name) for name in names]

    def hgetall(self, key: Any) -> Fields:
        return dict(self._read(key, dict) or {})

    def hset(self, key: Any, name: Any = None, value: Any = None, mapping: Mapping[Any, Any] | None = None) -> int:
        fields = {raw(n): raw(v) for n, v in (mapping or {}).items()}
        if name is not None:
            fields[raw(name)] = raw(value)
        known = self._hash(key)
        new = len(fields.keys() - known.keys())
        known.update(fields)
        return new

    def hincrby(self, key: Any, name: Any, amount: int = 1) -> int:
        known = self._hash(key)
        total = int(known.get(raw(name), b"0")) + amount
        known[raw(name)] = raw(total)
        return total

    def hdel(self, key: Any, *names: Any) -> int:
        if self._read(key, dict) is None:
            return 0
        known = self._hash(key)
        gone = sum(known.pop(raw(name), None) is not None for name in names)
        if not known:
            del self.values[raw(key)]
        return gone

    # ---- sorted sets (members with scores, kept as {member: score} of `ZSet`)

    def zadd(self, key: Any, mapping: Mapping[Any, Any]) -> int:
        known = self._zset(key)
        new = sum(raw(member) not in known for member in mapping)
        known.update({raw(member): float(score) for member, score in mapping.items()})
        return new

    def zrem(self, key: Any, *members: Any) -> int:
        known = self._zset(key)
        gone = sum(known.pop(raw(member), None) is not None for member in members)
        self._drop_if_empty(key)
        return gone

    def zremrangebyscore(self, key: Any, low: Any, high: Any) -> int:
        known = self._zset(key)
        bounds = float(low), float(high)
        gone = [member for member, score in known.items() if bounds[0] <= score <= bounds[1]]
        for member in gone:
            del known[member]
        self._drop_if_empty(key)
        return len(gone)

    def zrange(self, key: Any, first: int, last: int) -> list[bytes]:
        known = self._read(key, ZSet) or ZSet()
        ordered = sorted(known, key=lambda member: (known[member], member))
        return ordered[first : None if last == -1 else last + 1]

    # ---- streams

    def xadd(
        self, key: Any, fields: Mapping[Any, Any], id: Any = "*", maxlen: int | None = None, approximate: bool = True
    ) -> bytes:
        stream = self._stream(key)
        new = max((self.now_ms(), 0), (stream.last[0], stream.last[1] + 1))
        before = stream.last
        stream.ids.append(new)
        stream.rows.append({raw(n): raw(v) for n, v in fields.items()})
        stream.last = new
        self._took_back(lambda: self._unadd(raw(key), new, before))
        if maxlen is not None:
            self._keep(stream, max(0, len(stream.ids) - maxlen), approximate)
        self.changed(raw(key))
        return text_of(new)

    def xlen(self, key: Any) -> int:
        stream = self._read(key, Stream)
        return 0 if stream is None else len(stream.ids)

    def has_behind(self, positions: Iterable[tuple[bytes, StreamId]]) -> bool:
        """True when a stream has an entry behind its position: a read would give something, or an error."""
        for key, position in positions:
            stream = self.values.get(key)
            if stream is not None and (type(stream) is not Stream or (stream.ids and stream.ids[-1] > position)):
                return True
        return False

    def xread(self, positions: Mapping[Any, Any], count: int | None = None) -> list[list[Any]]:
        found = []
        for key, position in positions.items():
            stream = self._read(key, Stream)
            if stream is None:
                continue
            first = bisect_right(stream.ids, parse_id(position))
            rows = _rows(stream, first, len(stream.ids))[:count]
            if rows:
                found.append([raw(key), rows])
        return found

    def xrange(self, key: Any, min: Any = "-", max: Any = "+", count: int | None = None) -> list[Any]:
        stream = self._read(key, Stream)
        if stream is None:
            return []
        first = bisect_left(stream.ids, parse_id(min))
        last = bisect_right(stream.ids, parse_id(max, last_of_ms=True))
        return _rows(stream, first, last)[:count]

    def xrevrange(self, key: Any, max: Any = "+", min: Any = "-", count: int | None = None) -> list[Any]:
        stream = self._read(key, Stream)
        if stream is None:
            return []
        first = bisect_left(stream.ids, parse_id(min))
        last = bisect_right(stream.ids, parse_id(max, last_of_ms=True))
        if count is not None:
            first = first if last - first <= count else last - count
        return _rows(stream, first, last)[::-1]

    def xtrim(
        self, key: Any, maxlen: int | None = None, approximate: bool = True, minid: Any = None, limit: int | None = None
    ) -> int:
        """A real server drops whole blocks only when `approximate`; this one the most it may drop."""
        stream = self._read(key, Stream)
        if stream is None:
            return 0
        below = bisect_left(stream.ids, parse_id(minid)) if minid is not None else len(stream.ids) - (maxlen or 0)
        below = below if below > 0 else 0
        self._keep(stream, below, approximate=False)
        return below

    def xinfo_groups(self, key: Any) -> list[Any]:
        return []

    # ---- functions (functions.lua)

    def fcall(self, name: str, numkeys: int, *keys_and_args: Any) -> Any:
        """Call a function of the library: one write, or none."""
        values = [raw(value) for value in keys_and_args]
        function = {
            "hg1_lease_acquire": self._lease_acquire,
            "hg1_lease_renew": self._lease_renew,
            "hg1_lease_release": self._lease_release,
            "hg1_commit": self._commit,
        }.get(name)
        if function is None:
            raise redis.ResponseError("ERR Function not found")
        return self.transaction([lambda: function(values[:numkeys], values[numkeys:])])[0]

    def _lease_acquire(self, keys: list[bytes], args: list[bytes]) -> int:
        owner, ttl_ms = args[0], int(args[1])
        holder, epoch, expires = self.hmget(keys[0], ("owner", "epoch", "expires_ms"))
        alive = int(expires or 0) > self.now_ms()
        if alive and holder != owner:
            return 0
        number = int(epoch or 0) + (0 if alive and holder == owner else 1)
        self.hset(keys[0], mapping={"owner": owner, "epoch": number, "expires_ms": self.now_ms() + ttl_ms})
        return number

    def _lease_renew(self, keys: list[bytes], args: list[bytes]) -> int:
        if not self._holds(keys[0], args[0], args[1]):
            return 0
        self.hset(keys[0], "expires_ms", self.now_ms() + int(args[2]))
        return 1

    def _lease_release(self, keys: list[bytes], args: list[bytes]) -> int:
        if not self._holds(keys[0], args[0], args[1]):
            return 0
        self.hset(keys[0], mapping={"owner": "", "expires_ms": 0})
        return 1

    def _holds(self, lease: bytes, owner: bytes, epoch: bytes) -> bool:
        return self.hmget(lease, ("owner", "epoch")) == [owner, epoch]

    def _commit(self, keys: list[bytes], args: list[bytes]) -> bytes:
        lease, state = keys[0], keys[1]
        if not self._holds(lease, args[0], args[1]):
            return b"FENCED"
        expected, commit_id = int(args[2]), args[3]
        version, last_commit = self.hmget(state, ("version", "commit_id"))
        if int(version or 0) != expected:
            same = int(version or 0) == expected + 1 and last_commit == commit_id
            return b"ALREADY" if same else b"CONFLICT"
        for key in keys[2:]:
            if self.kind_of(key) not in ("stream", "none"):
                raise redis.ResponseError(f"WRONGTYPE {key.decode()} is not a stream")
        at = 5 + 2 * int(args[4])
        put = dict(zip(args[5:at:2], args[6:at:2], strict=True))
        drop = args[at + 1 : at + 1 + int(args[at])]
        entries = args[at + 1 + len(drop) :]
        for number in entries[::2]:
            if int(number) + 2 > len(keys):
                raise redis.ResponseError(f"ERR stream {number.decode()} has no key or no payload")
        self.hset(state, mapping={b"version": expected + 1, b"commit_id": commit_id, **put})
        if drop:
            self.hdel(state, *drop)
        for number, payload in zip(entries[::2], entries[1::2], strict=True):
            self.xadd(keys[1 + int(number)], {b"__data__": payload})
        return b"OK"

    # ---- inside

    def _read(self, key: Any, kind: type[V]) -> V | None:
        value = self.values.get(raw(key))
        if value is not None and type(value) is not kind:
            raise redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value")
        return value

    def _hash(self, key: Any) -> dict[bytes, bytes]:
        """For writing: what it holds now can be put back."""
        before = self._read(key, dict)
        copy = None if before is None else dict(before)
        self._took_back(lambda: self._put_back(raw(key), copy))
        found: dict[bytes, bytes] = self.values.setdefault(raw(key), {})
        return found

    def _zset(self, key: Any) -> "ZSet":
        before = self._read(key, ZSet)
        copy = None if before is None else ZSet(before)
        self._took_back(lambda: self._put_back(raw(key), copy))
        found: ZSet = self.values.setdefault(raw(key), ZSet())
        return found

    def _drop_if_empty(self, key: Any) -> None:
        if not self.values[raw(key)]:
            del self.values[raw(key)]

    def _stream(self, key: Any) -> Stream:
        if self._read(key, Stream) is None:
            self.values[raw(key)] = Stream()
            self._took_back(lambda: self.values.pop(raw(key), None))
        found: Stream = self.values[raw(key)]
        return found

    def _unadd(self, key: bytes, entry_id: StreamId, last: StreamId) -> None:
        stream: Stream | None = self.values.get(key)
        if stream is None:
            return
        if stream.ids and stream.ids[-1] == entry_id:
            stream.ids.pop()
            stream.rows.pop()
        stream.last = last

    @staticmethod
    def _keep(stream: Stream, below: int, approximate: bool) -> None:
        """Drop the oldest entries; whole blocks of 100 when it need not be exact."""
        if below and (not approximate or below >= 100):
            del stream.ids[:below], stream.rows[:below]

    def _put_back(self, key: bytes, value: Any) -> None:
        if value is None:
            self.values.pop(key, None)
        else:
            self.values[key] = value

    def _took_back(self, undo: Undo) -> None:
        self.writes += 1
        if self._group is not None:
            self._group.append(undo)
        else:
            self._undo.append([undo])


class ZSet(dict[bytes, float]):
    """Member → score."""


def _rows(stream: Stream, first: int, last: int) -> list[tuple[bytes, Fields]]:
    return [(text_of(stream.ids[n]), stream.rows[n]) for n in range(first, last)]
