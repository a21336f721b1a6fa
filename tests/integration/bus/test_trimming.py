"""What a reader still needs is never trimmed, whatever the readers' positions are."""

import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hedgegrid.bus.connection import connect
from hedgegrid.bus.reader import START, check_not_trimmed
from hedgegrid.bus.trimming import group_positions, trim

STREAM = "{trim}:events"
BLOCK = 100
"""Entries in a block of a stream (`stream-node-max-entries`): less is not worth trimming to Redis."""


def fill(client: redis.Redis, count: int) -> list[str]:
    client.delete(STREAM)
    with client.pipeline() as pipe:
        for n in range(count):
            pipe.xadd(STREAM, {"n": n}, id=f"{1000 + n}-0")
        return [entry_id.decode() for entry_id in pipe.execute()]


def ids(client: redis.Redis) -> list[str]:
    return [entry_id.decode() for entry_id, _ in client.xrange(STREAM)]  # type: ignore[union-attr]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    read=st.lists(st.integers(-1, 999), max_size=4),
    delivered=st.integers(0, 1000),
    acknowledged=st.integers(0, 1000),
    oldest_kept=st.integers(0, 3000),
)
def test_only_what_all_have_read_and_is_old_goes(
    redis_url: str, read: list[int], delivered: int, acknowledged: int, oldest_kept: int
) -> None:
    client = connect(redis_url, "t")
    entries = fill(client, 1000)
    client.xgroup_create(STREAM, "g", "0")
    if delivered:
        client.xreadgroup("g", "c", {STREAM: ">"}, count=delivered)
    if acknowledged:
        client.xack(STREAM, "g", *entries[:acknowledged])
    positions = [START if n < 0 else entries[n] for n in read]
    trim(client, STREAM, [*positions, *group_positions(client, STREAM)], oldest_kept)
    left = ids(client)
    for position in positions:
        check_not_trimmed(client, STREAM, position)
    done = min(acknowledged, delivered)
    needed_from = min([*read, done - 1, oldest_kept - 1000 - 1]) + 1
    assert left == entries[len(entries) - len(left) :], "trimmed from the front only"
    assert len(left) >= len(entries) - max(needed_from, 0)
    if min([*read, done - 1]) >= 0 and oldest_kept > 1000:
        assert len(left) <= len(entries) - max(needed_from, 0) + BLOCK, "and all but a block of the rest is gone"
    client.close()


def test_a_stream_without_readers_is_kept(redis_url: str) -> None:
    client = connect(redis_url, "t")
    fill(client, 500)
    assert group_positions(client, STREAM) == []
    assert trim(client, STREAM, [], 10**15) == 0
    assert len(ids(client)) == 500
    assert group_positions(client, "{trim}:nothing") == []
    client.close()
