"""One reader over two servers: nothing skipped, nothing twice, a dead server is told and read on after its return."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hedgegrid.bus.connection import connect
from hedgegrid.bus.two_server_reader import TwoServerReader
from hedgegrid.operator.redis_server import RedisBinary, RedisServer


@pytest.fixture
def market(redis_binary: RedisBinary, tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "market", binary=redis_binary) as server:
        yield server


def read_all(reader: TwoServerReader, count: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    while len(found) < count:
        found += [(entry.stream, entry.fields[b"n"]) for entry in reader.read(2000)]
    return found


def test_both_servers_are_read_in_order_and_once(redis_url: str, market: RedisServer) -> None:
    money_client, market_client = connect(redis_url, "t"), connect(market.url, "t")
    reader = TwoServerReader(redis_url, market.url, "t")
    reader.follow("{a}:events")
    reader.follow("market:{X}")
    for number in range(500):
        money_client.xadd("{a}:events", {"n": number})
        market_client.xadd("market:{X}", {"n": number})
    found = read_all(reader, 1000)
    for stream in ("{a}:events", "market:{X}"):
        assert [int(n) for name, n in found if name == stream] == list(range(500))
    assert reader.read(300) == []
    for client in (reader, money_client, market_client):
        client.close()


def test_a_stream_followed_while_a_read_waits_comes_in(redis_url: str) -> None:
    client = connect(redis_url, "t")
    reader = TwoServerReader(redis_url, redis_url, "t")
    reader.follow("{a}:events")
    assert reader.read(1) == []
    reader.follow("{b}:events")
    client.xadd("{b}:events", {"n": 1})
    assert read_all(reader, 1) == [("{b}:events", b"1")]
    reader.unfollow("{b}:events")
    reader.read(300)  # the read under way may still be for it
    client.xadd("{b}:events", {"n": 2})
    assert reader.read(300) == []
    for one in (reader, client):
        one.close()


def test_going_back_while_a_read_waits_skips_nothing(redis_url: str) -> None:
    client = connect(redis_url, "t")
    reader = TwoServerReader(redis_url, redis_url, "t")
    reader.follow("{a}:events")
    client.xadd("{a}:events", {"n": 1})
    assert read_all(reader, 1) == [("{a}:events", b"1")]
    assert reader.read(1) == []  # this one goes on waiting, behind the first entry
    reader.follow("{a}:events", "0-0")
    client.xadd("{a}:events", {"n": 2})
    assert read_all(reader, 2) == [("{a}:events", b"1"), ("{a}:events", b"2")]
    for one in (reader, client):
        one.close()


def test_what_one_server_has_is_not_lost_with_the_other(redis_url: str, market: RedisServer) -> None:
    client = connect(redis_url, "t")
    reader = TwoServerReader(redis_url, market.url, "t")
    for stream in ("{a}:events", "market:{X}"):
        reader.follow(stream)
    assert reader.read(1) == []  # both reads wait
    client.xadd("{a}:events", {"n": 1})
    market.kill()
    found: list[tuple[str, bytes]] = []
    failures = 0
    while not (found and failures):
        try:
            found += [(entry.stream, entry.fields[b"n"]) for entry in reader.read(500)]
        except redis.ConnectionError:
            failures += 1
    assert found == [("{a}:events", b"1")]
    for one in (reader, client):
        one.close()


def test_a_server_that_dies_is_told_and_read_on_when_it_is_back(redis_url: str, market: RedisServer) -> None:
    client = connect(market.url, "t")
    reader = TwoServerReader(redis_url, market.url, "t")
    reader.follow("market:{X}")
    client.xadd("market:{X}", {"n": 1})
    assert read_all(reader, 1) == [("market:{X}", b"1")]
    market.kill()
    with pytest.raises(redis.ConnectionError):
        read_all(reader, 1)
    market.start()
    client.xadd("market:{X}", {"n": 2})
    found: list[tuple[str, bytes]] = []
    while not found:
        try:
            found = read_all(reader, 1)
        except redis.ConnectionError:
            continue
    assert found == [("market:{X}", b"2")]
    for one in (reader, client):
        one.close()
