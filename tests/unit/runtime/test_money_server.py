"""What a money server must be like, setting by setting."""

from typing import Any

import pytest

from hedgegrid.bus.server_facts import ServerFacts
from hedgegrid.runtime.money_server import unusable_because, weak_because

GOOD = ServerFacts(
    run_id="a", version=(7, 0), role="master", loading=False, appends=True, eviction="noeviction", last_write_ok=True,
    used_memory=1, max_memory=0,
)  # fmt: skip


def test_a_good_server_has_no_faults() -> None:
    assert unusable_because(GOOD) == []
    assert weak_because(GOOD, "always") == []
    assert weak_because(GOOD, None) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": (6, 2)}, "redis_version is 6.2, run 7.0 or newer"),
        ({"role": "slave"}, "role is slave, name the master"),
        ({"last_write_ok": False}, "aof_last_write_status is err, make room"),
    ],
)
def test_nothing_permits_a_server_that_cannot_work(change: dict[str, Any], says: str) -> None:
    [fault] = unusable_because(GOOD._replace(**change))
    assert says in fault


@pytest.mark.parametrize(
    ("change", "fsync", "says"),
    [
        ({"eviction": "allkeys-lru"}, "always", "maxmemory-policy is allkeys-lru, set it to noeviction"),
        ({"appends": False}, "always", "appendonly is no, set it to yes"),
        ({}, "everysec", "appendfsync is everysec, set it to always"),
    ],
)
def test_a_server_that_may_forget_is_told_with_its_fix(change: dict[str, Any], fsync: str, says: str) -> None:
    assert weak_because(GOOD._replace(**change), fsync) == [says]


def test_the_share_of_memory_needs_a_limit() -> None:
    assert GOOD.memory_share == 0.0
    assert GOOD._replace(used_memory=80, max_memory=100).memory_share == 0.8
