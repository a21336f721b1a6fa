"""The simulated Redis answers as the real one does, command by command, with the real functions.lua."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgegrid.bus.connection import connect, load_functions
from tests.simulation.store import Store

HASHES = st.sampled_from(["{a}:h1", "{a}:h2", "{a}:mixed"])
LEASES = st.sampled_from(["{a}:lease1", "{a}:lease2"])
STREAMS = st.sampled_from(["{a}:s1", "{a}:s2", "{a}:mixed"])
NAMES = st.sampled_from(["f", "g", "sent:x"])
VALUES = st.sampled_from(["", "1", "two"])
OWNERS = st.sampled_from(["w1", "w2"])
EPOCHS = st.sampled_from(["0", "1", "2", "3"])
PLACES = st.integers(-1, 6)
"""An entry by its number in the stream; -1 is before all."""
COMMITS = st.tuples(
    st.just("commit"), LEASES, HASHES, OWNERS, EPOCHS, st.integers(0, 4), st.sampled_from(["c1", "c2"]),
    st.dictionaries(NAMES, VALUES, max_size=2), st.lists(NAMES, max_size=2),
    st.lists(st.tuples(STREAMS, VALUES), max_size=3),
)  # fmt: skip
COMMANDS = st.one_of(
    st.tuples(st.just("lease_acquire"), LEASES, OWNERS, st.sampled_from(["-1000", "600000"])),
    st.tuples(st.just("lease_renew"), LEASES, OWNERS, EPOCHS, st.sampled_from(["-1000", "600000"])),
    st.tuples(st.just("lease_release"), LEASES, OWNERS, EPOCHS),
    COMMITS,
    COMMITS,
    st.tuples(st.just("xadd"), STREAMS, VALUES),
    st.tuples(st.just("xread"), STREAMS, PLACES, st.integers(1, 3)),
    st.tuples(st.just("xrange"), STREAMS, PLACES, PLACES),
    st.tuples(st.just("xrevrange"), STREAMS, st.sampled_from([None, 1, 2])),
    st.tuples(st.just("xtrim"), STREAMS, PLACES),
    st.tuples(st.just("hset"), HASHES, NAMES, VALUES),
    st.tuples(st.just("hincrby"), st.just("{a}:counts"), NAMES),
    st.tuples(st.just("hget"), HASHES, NAMES),
    st.tuples(st.just("zadd"), st.sampled_from(["m1", "m2"]), st.integers(0, 5)),
    st.tuples(st.just("zremrangebyscore"), st.integers(0, 5)),
    st.tuples(st.just("zrem"), st.sampled_from(["m1", "m2"])),
    st.tuples(st.just("delete"), HASHES),
    st.tuples(st.just("exists"), HASHES),
    st.tuples(st.just("set"), st.just("{a}:text"), VALUES),
    st.tuples(st.just("get"), st.sampled_from(["{a}:text", "{a}:mixed"])),
)


class Side:
    """One of the two: sends commands, and names entries by their number instead of by their id."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def place(self, stream: str, number: int) -> str:
        try:
            rows = self.client.xrange(stream)
        except redis.ResponseError:
            return "0-0"
        return rows[number][0].decode() if 0 <= number < len(rows) else "0-0"

    def run(self, name: str, *args: Any) -> Any:
        try:
            return self._run(name, *args)
        except redis.ResponseError as error:
            return f"error {str(error).split()[0]}"

    def _run(self, name: str, *args: Any) -> Any:
        client = self.client
        match name:
            case "commit":
                lease, state, owner, epoch, version, commit_id, put, drop, add = args
                streams = list(dict.fromkeys(stream for stream, _ in add))
                words = [owner, epoch, version, commit_id, len(put)]
                words += [word for pair in put.items() for word in pair] + [len(drop), *drop]
                words += [word for stream, value in add for word in (streams.index(stream) + 1, value)]
                return client.fcall("hg1_commit", 2 + len(streams), lease, state, *streams, *words)
            case "lease_acquire" | "lease_renew" | "lease_release":
                return client.fcall(f"hg1_{name}", 1, *args)
            case "xadd":
                client.xadd(args[0], {"n": args[1]})
                return None
            case "xread":
                found = client.xread({args[0]: self.place(args[0], args[1])}, count=args[2])
                return [[stream, [fields for _, fields in rows]] for stream, rows in found]
            case "xrange":
                rows = client.xrange(args[0], self.place(args[0], args[1]), self.place(args[0], args[2]))
                return [fields for _, fields in rows]
            case "xrevrange":
                return [fields for _, fields in client.xrevrange(args[0], count=args[1])]
            case "xtrim":
                return client.xtrim(args[0], minid=self.place(args[0], args[1]), approximate=False)
            case "zadd":
                return client.zadd("members", {args[0]: args[1]})
            case "zremrangebyscore":
                return client.zremrangebyscore("members", "-inf", args[0])
            case "zrem":
                return client.zrem("members", args[0])
            case _:
                return getattr(client, name)(*args)

    def dump(self) -> dict[str, Any]:
        """Everything it holds; times of leases only as alive or not, ids of entries left out."""
        found: dict[str, Any] = {}
        for lease in ("{a}:lease1", "{a}:lease2"):
            fields = self.client.hgetall(lease)
            fields[b"expires_ms"] = int(fields.get(b"expires_ms", b"0")) > 1_000_000_000_000 + 300_000
            found[lease] = {name: value for name, value in fields.items() if name != b"expires_ms"}
        for name in ("{a}:h1", "{a}:h2", "{a}:mixed", "{a}:counts"):
            found[name] = self.run("hgetall", name)
        for name in ("{a}:s1", "{a}:s2", "{a}:mixed"):
            found[f"{name} entries"] = self.run("xrange", name, 0, 10_000) or self.run("xrevrange", name, None)
        found["members"] = self.client.zrange("members", 0, -1)
        return found


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url, "differential")
    yield client
    client.close()


@given(commands=st.lists(COMMANDS, max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_simulated_server_answers_as_the_real_one(client: redis.Redis, commands: list[tuple[Any, ...]]) -> None:
    client.flushall()
    load_functions(client)
    now_ms = [1_700_000_000_000]
    real, simulated = Side(client), Side(Store(lambda: now_ms[0]))
    for name, *args in commands:
        now_ms[0] += 1
        assert simulated.run(name, *args) == real.run(name, *args), f"{name} {args}"
    assert simulated.dump() == real.dump()


@given(commands=st.lists(COMMANDS, max_size=30), later=st.lists(COMMANDS, min_size=1, max_size=20))
@settings(max_examples=100)
def test_what_is_taken_back_never_was(commands: list[tuple[Any, ...]], later: list[tuple[Any, ...]]) -> None:
    store, other = Store(lambda: 1_700_000_000_000), Store(lambda: 1_700_000_000_000)
    for name, *args in commands:
        Side(store).run(name, *args)
        Side(other).run(name, *args)
    later = [one for one in later if one[0] != "xtrim"]  # trimming only ever takes what nobody needs again
    depth = len(store._undo)
    for name, *args in later:
        Side(store).run(name, *args)
    store.go_back(len(store._undo) - depth)
    assert Side(store).dump() == Side(other).dump()
