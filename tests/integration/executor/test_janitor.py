"""The janitor of an account: every reader it must not overtake is one it asks."""

import uuid
from pathlib import Path
from typing import Any

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.executor.janitor import Janitor
from hedgegrid.operator.redis_server import RedisBinary, RedisServer

COUNT = 1000
NOW_MS = 10**9
READERS = ("bot BTCUSDT", "bot ETHUSDT", "executor", "metrics on events", "metrics on commands", "metrics on ledger")


@pytest.fixture
def account() -> str:
    return f"j{uuid.uuid4().hex[:8]}"


def entry(n: int) -> str:
    return f"{1000 + n}-0"


def prepare(client: redis.Redis, account: str, slow: str) -> None:
    """Streams that everybody has read whole, except that `slow` has read nothing."""
    streams = {
        "events": keys.events(account),
        "commands": keys.commands(account),
        "ledger": keys.ledger(account),
        "control": keys.control(account),
    }
    with client.pipeline() as pipe:
        for stream in streams.values():
            for n in range(COUNT):
                pipe.xadd(stream, {"n": n}, id=entry(n))
        for symbol in ("BTCUSDT", "ETHUSDT"):
            if slow != f"bot {symbol}":
                pipe.hset(keys.bot(account, symbol), "events_at", entry(COUNT - 1))
        if slow != "executor":
            pipe.hset(keys.executor(account), "checkpoint", entry(COUNT - 1))
        for name, stream in streams.items():
            read_whole = slow != f"metrics on {name}"
            pipe.xgroup_create(stream, "metrics", entry(COUNT - 1) if read_whole else "0")
        pipe.execute()


def lengths(client: redis.Redis, account: str) -> dict[str, int]:
    names = {"events": keys.events, "commands": keys.commands, "ledger": keys.ledger, "control": keys.control}
    return {name: int(client.xlen(key(account))) for name, key in names.items()}


def kept_by(slow: str) -> str | None:
    if slow == "nobody":
        return None
    if slow.startswith("bot"):
        return "events"
    return "commands" if slow == "executor" else slow.rpartition(" ")[2]


@pytest.mark.parametrize("slow", ["nobody", *READERS])
def test_a_slow_reader_keeps_its_stream_whole(redis_url: str, account: str, slow: str) -> None:
    client = connect(redis_url, "t")
    prepare(client, account, slow)
    Janitor(account, ["BTCUSDT", "ETHUSDT"], client, keep_ms=0).clean(NOW_MS)
    left = lengths(client, account)
    assert left.pop("control") == COUNT
    for name, length in left.items():
        assert (length == COUNT) == (name == kept_by(slow)), (name, length)
    client.close()


def test_what_is_young_stays(redis_url: str, account: str) -> None:
    client = connect(redis_url, "t")
    prepare(client, account, "nobody")
    Janitor(account, ["BTCUSDT", "ETHUSDT"], client, keep_ms=NOW_MS).clean(NOW_MS)
    assert set(lengths(client, account).values()) == {COUNT}
    client.close()


@pytest.mark.parametrize("slow", ["nobody", "executor"])
def test_a_server_half_full_keeps_only_what_somebody_has_yet_to_read(
    tmp_path: Path, redis_binary: RedisBinary, account: str, slow: str
) -> None:
    with RedisServer(tmp_path / "redis", binary=redis_binary) as server:
        client = connect(server.url, "t")
        prepare(client, account, slow)
        janitor = Janitor(account, ["BTCUSDT", "ETHUSDT"], client, keep_ms=NOW_MS)
        used: Any = client.info("memory")
        client.config_set("maxmemory", used["used_memory"] * 3)
        janitor.clean(NOW_MS)
        assert set(lengths(client, account).values()) == {COUNT}
        client.config_set("maxmemory", int(used["used_memory"] * 1.5))
        janitor.clean(NOW_MS)
        left = lengths(client, account)
        assert {name for name, length in left.items() if length == COUNT} == {"control", kept_by(slow)} - {None}
        client.close()
