"""Runs the metrics service inside the test, or as a process, on a Redis of the test."""

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.messages.base import Message
from hedgegrid.metrics.service import MetricsService
from hedgegrid.runtime.clock import SystemClock
from hedgegrid.runtime.config import parse_config
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.http_routes import Request
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.runtime.service import ServiceContext
from hedgegrid.runtime.settings import ServiceSettings

ROOT = Path(__file__).parents[3]
DEADLINE_S = 20.0
LEASE_TTL_MS = 1500

CONFIG = """
[[accounts]]
id = "{account}"
[[accounts.bots]]
symbol = "BTCUSDT"
leverage = 5
[[accounts.bots]]
symbol = "ETHUSDT"
leverage = 5
"""


def eventually(condition: Callable[[], object], what: str = "condition") -> None:
    """Wait until it holds; fail after the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true in {DEADLINE_S} s"
        threading.Event().wait(0.01)


class World:
    """One account on one Redis, and the metrics service reading it."""

    def __init__(self, url: str, ledger_path: Path | None = None) -> None:
        self.url = url
        self.ledger_path = ledger_path
        self.control_token_file: Path | None = None
        self.account = f"t{uuid.uuid4().hex[:10]}"
        self.client: redis.Redis = connect(url, "test")
        self.config = CONFIG.format(account=self.account)

    def write(self, stream: str, *messages: Message) -> list[str]:
        """Append messages to a stream; return the ids."""
        with self.client.pipeline(transaction=False) as pipe:
            for message in messages:
                pipe.xadd(stream, codec.fields(message))  # type: ignore[arg-type]
            return [entry.decode() for entry in pipe.execute()]

    @property
    def events(self) -> str:
        return keys.events(self.account)

    @property
    def ledger(self) -> str:
        return keys.ledger(self.account)

    @property
    def commands(self) -> str:
        return keys.commands(self.account)

    @contextmanager
    def running(self) -> Iterator["Running"]:
        """Run the service in a thread; stop it at the end unless it ended by itself."""
        one = Running(self)
        one.start()
        try:
            yield one
        finally:
            one.stop()

    @contextmanager
    def process(self, folder: Path, port: int = 0) -> Iterator["subprocess.Popen[str]"]:
        """Run the service as a process of its own."""
        config = folder / "hedgegrid.toml"
        config.write_text(self.config)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEGRID_")}
        paths = [str(ROOT / "shared"), str(ROOT / "services/metrics"), *sys.path]
        environ |= {
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
            "HEDGEGRID_CONFIG": str(config),
            "HEDGEGRID_REDIS_URL": self.url,
            "HEDGEGRID_HTTP_PORT": str(port),
            "HEDGEGRID_LEASE_TTL_MS": str(LEASE_TTL_MS),
        }
        if self.ledger_path is not None:
            environ["HEDGEGRID_LEDGER_PATH"] = str(self.ledger_path)
        with subprocess.Popen(
            [sys.executable, "-m", "hedgegrid.metrics"], env=environ, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def heartbeats(self) -> list[dict[str, Any]]:
        """Return the heartbeats of metrics processes."""
        found = [self.client.get(key) for key in self.client.scan_iter(match=keys.heartbeat("metrics", "*"))]
        return [json.loads(value) for value in found if value]


class Running:
    """The service in a thread of the test."""

    def __init__(self, world: World) -> None:
        self.error: Exception | None = None
        instance = f"i{uuid.uuid4().hex[:8]}"
        self.settings = ServiceSettings(
            redis_url=world.url,
            instance_id=instance,
            lease_ttl_ms=LEASE_TTL_MS,
            http_port=0,
            ledger_path=world.ledger_path,
            control_token_file=world.control_token_file,
        )
        self.context = ServiceContext(
            name="metrics",
            settings=self.settings,
            config=parse_config(world.config),
            clock=SystemClock(),
            health=Health(),
            metrics=Metrics(),
            stopping=threading.Event(),
        )
        self.service = MetricsService(self.context)
        self._thread = threading.Thread(target=self._run, name="service under test")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.context.stopping.set()
        self._thread.join(timeout=DEADLINE_S)
        assert not self._thread.is_alive()

    def ended(self) -> bool:
        return not self._thread.is_alive()

    def counting(self) -> bool:
        condition = self.context.health.conditions.get("counting")
        return condition is not None and condition.ok

    def value(self, name: str, **labels: str) -> float | None:
        """Return an exposed sample."""
        return self.context.metrics.registry.get_sample_value(name, labels)

    def state(self) -> dict[str, Any]:
        """Return what /api/state says."""
        response = self.context.health.routes["GET", "/api/state"](Request(headers={}))
        document: dict[str, Any] = json.loads(response.body)
        return document

    def leg(self, symbol: str = "BTCUSDT", leg: str = "long") -> dict[str, Any]:
        """Return a leg of a bot as /api/state shows it."""
        bot = next(bot for bot in self.state()["bots"] if bot["symbol"] == symbol)
        one: dict[str, Any] = bot["legs"][leg]
        return one

    def _run(self) -> None:
        try:
            self.service.run()
        except Exception as error:
            self.error = error


def http(port: int, path: str) -> bytes:
    """GET from a local port."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        body: bytes = answer.read()
    return body
