"""The ACL file on a real server: who watches cannot trade, and every service works as its own user."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import load_functions
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bus.lease import Lease
from hedgegrid.bus.members import Membership
from hedgegrid.bus.publisher import publish
from hedgegrid.executor.janitor import Janitor
from hedgegrid.operator.redis_server import RedisBinary, in_checkout
from tests.integration.deploy.guarded import ADMIN, TEMPLATE, Guarded, guarded_server
from tests.integration.metrics.running import World, eventually
from tests.unit.metrics import sample

ACCOUNT, BTC = "main", "BTCUSDT"
SERVICES = ("ws-gateway", "strategy", "executor", "metrics", "operator")


@pytest.fixture(scope="module")
def guarded(redis_binary: RedisBinary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_server(tmp_path_factory.mktemp("auth"), redis_binary) as guarded:
        load_functions(guarded.client("executor"))
        yield guarded


def refused(client: redis.Redis, *command: str | int) -> bool:
    try:
        client.execute_command(*command)  # type: ignore[no-untyped-call]
    except redis.exceptions.NoPermissionError:
        return True
    return False


STATE = [keys.bot(ACCOUNT, BTC), keys.executor(ACCOUNT), keys.lease(ACCOUNT, BTC), keys.lease(ACCOUNT, "executor")]
WRITES = [
    *(("HSET", key, "state", "x") for key in STATE),
    *(("DEL", key) for key in STATE),
    *(("SET", stream, "x") for stream in (keys.events(ACCOUNT), keys.commands(ACCOUNT), keys.ledger(ACCOUNT))),
    ("SET", keys.kill(ACCOUNT), "x"),
    ("DEL", keys.kill(ACCOUNT)),
    ("XADD", keys.commands(ACCOUNT), "*", "__data__", "{}"),
    ("XADD", keys.ledger(ACCOUNT), "*", "__data__", "{}"),
    ("XTRIM", keys.commands(ACCOUNT), "MAXLEN", 0),
    ("DEL", keys.events(ACCOUNT)),
    ("FCALL", "hg1_lease_acquire", 1, keys.lease(ACCOUNT, BTC), "thief", 1000),
    ("FCALL", "hg1_commit", 2, keys.lease(ACCOUNT, BTC), keys.bot(ACCOUNT, BTC), "thief", 1, 0, "c", 0, 0),
    ("EVAL", "return 1", 0),
    ("FUNCTION", "LOAD", "REPLACE", "#!lua name=hedgegrid1\nredis.register_function('hg1_commit', function() end)"),
    ("FUNCTION", "FLUSH"),
    ("FLUSHALL",),
    ("CONFIG", "SET", "appendonly", "no"),
    ("ACL", "SETUSER", "metrics", "+@all"),
    ("KEYS", "*"),
]


@pytest.mark.parametrize("user", ["metrics", "ws-gateway", "operator"])
@pytest.mark.parametrize("command", WRITES, ids=lambda command: " ".join(map(str, command[:2])))
def test_who_does_not_trade_cannot_write_commands_or_state(
    guarded: Guarded, user: str, command: tuple[str | int, ...]
) -> None:
    with guarded.client(user) as client:
        assert refused(client, *command)


@pytest.mark.parametrize("user", ["strategy", "executor"])
def test_traders_keep_to_their_own_state(guarded: Guarded, user: str) -> None:
    other = keys.bot(ACCOUNT, BTC) if user == "executor" else keys.executor(ACCOUNT)
    with guarded.client(user) as client:
        assert refused(client, "HSET", other, "state", "x")
        assert refused(client, "XADD", keys.control(ACCOUNT), "*", "__data__", "{}")
        assert refused(client, "FLUSHALL")
        assert refused(client, "SET", keys.kill(ACCOUNT), "x") is (user == "strategy")
        assert refused(client, "FUNCTION", "FLUSH")
        assert refused(client, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")


@pytest.mark.parametrize("password", ["", "wrong"])
@pytest.mark.parametrize("user", [*SERVICES, "default"])
def test_nobody_comes_in_without_the_password(guarded: Guarded, user: str, password: str) -> None:
    host = guarded.url("metrics").partition("@")[2]
    with (
        redis.Redis.from_url(f"redis://{user}:{password}@{host}") as client,
        pytest.raises((redis.exceptions.AuthenticationError, redis.exceptions.ResponseError)),
    ):
        client.ping()


def test_gateway_strategy_executor_and_operator_do_their_work(guarded: Guarded) -> None:
    with guarded.client("ws-gateway") as gateway:
        publish(gateway, [(keys.events(ACCOUNT), sample.accepted()), (keys.market(BTC), sample.tick())])
        gateway.set(keys.heartbeat("ws-gateway", "g"), "{}", px=1000)
    with guarded.client("strategy") as strategy:
        load_functions(strategy)
        lease = Lease(strategy, keys.lease(ACCOUNT, BTC), "w1", 5000)
        assert lease.acquire()
        FencedState(strategy, keys.bot(ACCOUNT, BTC), lease).commit(
            {"state": "{}"}, add=[(keys.commands(ACCOUNT), sample.submit()), (keys.ledger(ACCOUNT), sample.fill())]
        )
        Membership(strategy, "strategy", "w1", 5000).renew(1)
        assert strategy.xread({keys.events(ACCOUNT): "0-0", keys.control(ACCOUNT): "0-0", keys.market(BTC): "0-0"})
        assert strategy.info("server")["run_id"]
    with guarded.client("executor") as executor:
        lease = Lease(executor, keys.lease(ACCOUNT, "executor"), "e1", 5000)
        assert lease.acquire()
        assert executor.xread({keys.commands(ACCOUNT): "0-0"})
        FencedState(executor, keys.executor(ACCOUNT), lease).commit(
            {"checkpoint": "1-0"}, add=[(keys.events(ACCOUNT), sample.acked())]
        )
        executor.hincrby(keys.rest_calls(ACCOUNT), "steady GET /x", 1)
        executor.set(keys.instrument(ACCOUNT, BTC), "{}")
        executor.xrevrange(keys.dead(keys.control(ACCOUNT)), count=1)
        executor.set(keys.kill(ACCOUNT), "{}")
        assert executor.get(keys.kill(ACCOUNT))
        executor.delete(keys.kill(ACCOUNT))
        Janitor(ACCOUNT, [BTC], executor, keep_ms=0).clean(now_ms=1)
    with guarded.client("operator") as operator:
        assert operator.xadd(keys.control(ACCOUNT), {"__data__": "{}"})
        assert operator.hgetall(keys.bot(ACCOUNT, BTC))


def test_what_was_committed_outlives_the_server(redis_binary: RedisBinary, tmp_path: Path) -> None:
    """While it loads its append-only file, a server checks the rights of every transaction in there again."""
    with guarded_server(tmp_path, redis_binary) as guarded:
        with guarded.client("strategy") as strategy:
            load_functions(strategy)
            lease = Lease(strategy, keys.lease(ACCOUNT, BTC), "w1", 60_000)
            assert lease.acquire()
            state = FencedState(strategy, keys.bot(ACCOUNT, BTC), lease)
            for number in range(5):
                state.commit({"state": str(number)}, add=[(keys.commands(ACCOUNT), sample.submit())])
        with guarded.client("metrics") as metrics, metrics.pipeline(transaction=True) as pipe:
            pipe.set(keys.heartbeat("metrics", "m"), "1", px=60_000)
            pipe.set(keys.heartbeat("metrics", "n"), "2", px=60_000)
            pipe.execute()
        before = everything(guarded)
        guarded.kill_and_restart()
        assert everything(guarded) == before
        assert len(before) == 5


def everything(guarded: Guarded) -> dict[bytes, bytes | None]:
    with guarded.client(ADMIN) as admin:
        found: list[bytes] = admin.keys("*")
        return {key: admin.dump(key) for key in found}


def test_metrics_runs_whole_as_its_own_user(guarded: Guarded, tmp_path: Path) -> None:
    world = World(guarded.url("metrics"), ledger_path=tmp_path / "ledger.sqlite")
    with world.running() as metrics:
        eventually(metrics.counting)
        with guarded.client("ws-gateway") as gateway:
            publish(gateway, [(world.events, sample.accepted()), (keys.market(BTC), sample.tick())])
            gateway.xadd(world.events, {"__data__": "unreadable"})
        eventually(lambda: metrics.state()["bots"][0]["last_px"] == "50000")
        eventually(lambda: metrics.state()["dead_letters"] == 1)
        eventually(lambda: metrics.state()["bots"][0]["orders"] == {"accepted": 1})
    assert metrics.error is None
    world.client.close()


def test_a_second_run_keeps_the_passwords_and_shows_none(tmp_path: Path) -> None:
    script = in_checkout(Path("deploy/redis/credentials.py"))
    command = [sys.executable, str(script), str(TEMPLATE), str(tmp_path)]
    subprocess.run(command, check=True)
    first = {user: (tmp_path / user / "password").read_text() for user in SERVICES}
    subprocess.run(command, check=True)
    assert {user: (tmp_path / user / "password").read_text() for user in SERVICES} == first
    assert len(set(first.values())) == len(SERVICES)
    shown = (tmp_path / "acl" / "users.acl").read_text()
    assert not any(password in shown for password in first.values())
    assert "resetpass" not in shown
    assert (tmp_path / "metrics" / "password").stat().st_mode & 0o777 == 0o400
    subprocess.run(command, check=True, env={**os.environ, "PAPER_ACCOUNTS": "main, second"})
    [account, other] = json.loads((tmp_path / "exchange-sim" / "accounts.json").read_text())["accounts"]
    assert account["api_key"] == (tmp_path / "paper-keys" / "main_api_key").read_text()
    assert other["api_secret"] == (tmp_path / "paper-keys" / "second_api_secret").read_text()
