"""Services refuse a server that may evict or lose what they write; a real one is asked."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from hedgegrid.bus.connection import connect, functions_are_ours, load_functions
from hedgegrid.bus.server_facts import read_facts, read_fsync_policy
from hedgegrid.operator.redis_server import RedisBinary, RedisServer, in_checkout
from hedgegrid.runtime.config_types import Mode
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.money_server import require_fit_money_server
from hedgegrid.runtime.settings import ServiceSettings
from tests.integration.deploy.guarded import guarded_server

Durability = Literal["strict", "relaxed"]


def check(url: str, mode: Mode = "paper", durability: Durability = "strict") -> None:
    settings = ServiceSettings(redis_url=url, redis_durability=durability)
    with connect(url, "test") as client:
        require_fit_money_server(client, settings, mode)


def test_the_servers_own_profile_is_fit(redis_url: str) -> None:
    check(redis_url, "live")
    with connect(redis_url, "test") as client:
        facts = read_facts(client)
        assert (facts.role, facts.loading, facts.appends, facts.last_write_ok) == ("master", False, True, True)
        assert facts.version >= (7, 0)
        assert facts.used_memory > 0
        assert read_fsync_policy(client) == "always"


def test_every_wrong_setting_is_named_in_one_line(tmp_path: Path, redis_binary: RedisBinary) -> None:
    wrong = {"maxmemory-policy": "allkeys-lru", "appendonly": "no", "appendfsync": "everysec"}
    with RedisServer(tmp_path, binary=redis_binary, settings=wrong) as server:
        with pytest.raises(ConfigError) as told:
            check(server.url)
        text = str(told.value)
        assert "\n" not in text
        for part in ("HEDGEGRID_REDIS_URL", "noeviction", "appendonly", "appendfsync is everysec, set it to always"):
            assert part in text
        check(server.url, durability="relaxed")
        with pytest.raises(ConfigError, match="not for mode"):
            check(server.url, "live", durability="relaxed")


def test_a_replica_is_refused_even_when_relaxed(tmp_path: Path, redis_binary: RedisBinary) -> None:
    replica = RedisServer(tmp_path, binary=redis_binary, settings={"replicaof": "127.0.0.1 1"})
    with replica as server, pytest.raises(ConfigError, match="role is slave"):
        check(server.url, durability="relaxed")


def test_the_users_of_the_deployment_may_ask(tmp_path: Path, redis_binary: RedisBinary) -> None:
    with guarded_server(tmp_path, redis_binary) as guarded:
        for user in ("ws-gateway", "strategy", "executor"):
            check(guarded.url(user), "live")
        with guarded.client("operator") as nosy:
            assert read_fsync_policy(nosy) is None


@pytest.mark.parametrize("service", ["ws_gateway", "strategy", "executor"])
def test_a_service_ends_with_one_clear_line(tmp_path: Path, redis_binary: RedisBinary, service: str) -> None:
    with RedisServer(tmp_path / "redis", binary=redis_binary, settings={"maxmemory-policy": "allkeys-lru"}) as server:
        told = {
            "REDIS_URL": server.url, "CONFIG": str(in_checkout(Path("config/hedgegrid.toml"))),
            "STATE_DIR": str(tmp_path / "state"),
            "BYBIT_REST_URL": "http://127.0.0.1:1", "BYBIT_WS_PUBLIC_URL": "ws://127.0.0.1:1/v5/public/linear",
            "BYBIT_WS_PRIVATE_URL": "ws://127.0.0.1:1/v5/private",
            "MAIN_API_KEY": "key-0001", "MAIN_API_SECRET": "secret-0001",
        }  # fmt: skip
        environment = os.environ | {f"HEDGEGRID_{name}": value for name, value in told.items()}
        done = subprocess.run(
            [sys.executable, "-m", f"hedgegrid.{service}"],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "maxmemory-policy is allkeys-lru, set it to noeviction" in done.stderr.splitlines()[-1]


def test_a_library_of_another_version_is_known(redis_url: str) -> None:
    with connect(redis_url, "test") as client:
        assert not functions_are_ours(client)
        load_functions(client)
        assert functions_are_ours(client)
        other = "#!lua name=hedgegrid1\nredis.register_function('hg1_commit', function() return 'OK' end)"
        client.function_load(other, replace=True)
        assert not functions_are_ours(client)
        load_functions(client)
        assert functions_are_ours(client)
