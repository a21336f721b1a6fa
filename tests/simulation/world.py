"""The whole system: gateway, workers and executors as processes on one loom, between a venue and two Redis servers."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast

from hedgegrid.bybit.rest import RestClient
from hedgegrid.executor.account import AccountExecutor
from hedgegrid.executor.rest_calls import RestCalls
from hedgegrid.executor.service import rest_settings
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.runtime.config import SystemConfig, config_hash, parse_config
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.service import ServiceContext
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.plans import plans_of
from hedgegrid.strategy.worker import Worker
from hedgegrid.ws_gateway.app import Gateway
from tests.simulation import threads
from tests.simulation.client import Client, Select, Server
from tests.simulation.faults import Faults
from tests.simulation.http import Http, Network
from tests.simulation.killpoints import KillPoints
from tests.simulation.loom import NS_PER_MS, Loom, Process, activate, deactivate
from tests.simulation.patching import NOTHING, simulated
from tests.simulation.sockets import Sockets
from tests.simulation.venue import Exchange

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
BALANCE = Decimal(100_000)
LEG_CAP = Decimal(2_500)
CONFIG = """
mode = "paper"

[[accounts]]
id = "main"
"""
BOT = """
[[accounts.bots]]
symbol = "{symbol}"
leverage = 10
initial_margin_usdt = 20
grid_step_pct = 0.1
size_multiplier = 1.5
max_levels = 4
take_profit_pct = 0.1
max_leg_notional_usdt = {cap}
"""
RESTART_MS = (100, 2_000)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of the system there is."""

    bots: int = 2
    workers: int = 2
    executors: int = 2
    lease_ttl_ms: int = 2_000
    hosts: int = 1
    """Executors on one machine share its folder of marks; on two each has its own."""


@dataclass(eq=False)
class Running:
    """One service instance; `stop` ends it in order."""

    kind: str
    number: int
    process: Process
    stop: Callable[[], None]


class World:
    """`services` are those that run now, by kind and number."""

    def __init__(self, seed: int, size: Size, faults: Faults, killpoint: str = "", countdown: int = 1) -> None:
        self.seed, self.size, self.faults = seed, size, faults
        self.loom = Loom(seed)
        self.loom.on_crash = self._crashed
        self.points = KillPoints(self.loom, self._killed_at_point, killpoint, countdown)
        self.money = Server(self.loom, faults, self.points, "money")
        self.market = Server(self.loom, faults, self.points, "market")
        self.symbols = SYMBOLS[: size.bots]
        self.config: SystemConfig = parse_config(
            CONFIG + "".join(BOT.format(symbol=symbol, cap=LEG_CAP) for symbol in self.symbols)
        )
        self.accounts = tuple(account.id for account in self.config.accounts)
        self._bots = [
            Bot(account.id, bot.symbol, plan.strategy, plan.config, config_hash(bot))
            for account in self.config.accounts
            for bot, plan in zip(account.bots, plans_of(account), strict=True)
        ]
        self.exchange = Exchange(self.loom, faults, self.symbols, self.accounts, BALANCE, seed)
        self.sockets = Sockets(self.loom, faults, self.points, self.exchange)
        self.network = Network(self.loom, faults, self.points, self.exchange)
        self.services: dict[tuple[str, int], Running] = {}
        self.crashes: list[str] = []
        self.kills: list[tuple[int, str]] = []
        """When which kind of process died."""
        self.healing = False
        self._starts = 0
        self._folder = Path(tempfile.mkdtemp(prefix="hedgegrid-sim-", dir=_memory_folder()))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything is started; inside, `loom.run` lets time pass."""
        activate(self.loom)
        level = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        http = type("SeededHttp", (Http,), {"network": self.network})
        try:
            select = Select([self.money, self.market])
            with simulated(self._connect, select, http, self.sockets.private, self.sockets.public):
                self.exchange.start()
                for kind, count in self._counts().items():
                    for number in range(count):
                        self.start(kind, number)
                try:
                    yield
                finally:
                    self.loom.close()
        finally:
            logging.disable(level)
            deactivate()
            shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, kind: str, number: int) -> None:
        """A new process in the place of the one before."""
        self._starts += 1
        process = Process(f"{kind}-{number}-{self._starts}")
        stopping = threads.Event()
        context = self._context(kind, process, stopping, self.folder(number))
        body = {"gateway": self._gateway, "worker": self._worker, "executor": self._executor}[kind]
        self.services[kind, number] = Running(kind, number, process, stopping.set)
        self.loom.spawn(process, "main", lambda: self._main(kind, number, process, lambda: body(context)))

    def kill(self, kind: str, number: int) -> None:
        running = self.services.get((kind, number))
        if running is not None and not running.process.dead:
            self._end(running)

    def pause(self, kind: str, number: int, for_ms: int) -> None:
        running = self.services.get((kind, number))
        if running is not None:
            self.loom.pause(running.process, for_ms * NS_PER_MS)

    def stop(self, kind: str, number: int) -> None:
        """SIGTERM; what is left after the grace is killed as a supervisor does."""
        running = self.services.get((kind, number))
        if running is not None:
            running.stop()

    def _counts(self) -> dict[str, int]:
        return {"gateway": 1, "executor": self.size.executors, "worker": self.size.workers}

    def _end(self, running: Running) -> None:
        self.kills.append((self.loom.now_ns, running.kind))
        self.loom.kill(running.process)
        self._start_again(running)

    def _start_again(self, running: Running) -> None:
        del self.services[running.kind, running.number]
        delay_ns = self.loom.random.randrange(*RESTART_MS) * NS_PER_MS
        self.loom.call_in(delay_ns, lambda: self.start(running.kind, running.number))

    def _main(self, kind: str, number: int, process: Process, body: Callable[[], object]) -> None:
        """A service that returns has stopped in order."""
        body()
        running = self.services.get((kind, number))
        if running is not None and running.process is process:
            self.loom.kill(process)
            self._start_again(running)

    def _crashed(self, process: Process) -> None:
        self.crashes.append(process.crash)
        for running in list(self.services.values()):
            if running.process is process:
                self._end(running)

    def _killed_at_point(self, process: Process, point: str) -> None:
        for running in list(self.services.values()):
            if running.process is process:
                self._end(running)

    # ---- the services

    def folder(self, number: int) -> Path:
        """What outlives a process of this number beside Redis."""
        return self._folder / str(number % self.size.hosts)

    def _context(self, kind: str, process: Process, stopping: Any, folder: Path) -> ServiceContext:
        settings = _settings().model_copy(
            update={
                "instance_id": process.name,
                "lease_ttl_ms": self.size.lease_ttl_ms,
                "state_dir": folder,
            }
        )
        return ServiceContext(
            name=kind,
            settings=settings,
            config=self.config,
            clock=threads.ProcessClock(process),
            health=Health(),
            metrics=cast(Any, NOTHING),
            stopping=stopping,
        )

    def _gateway(self, context: ServiceContext) -> None:
        Gateway(context).run()

    def _worker(self, context: ServiceContext) -> None:
        Worker(context, [bot.fresh() for bot in self._bots]).run()

    def _executor(self, context: ServiceContext) -> None:
        settings = cast(ExecutorSettings, context.settings)
        running = []
        for account in context.config.accounts:
            calls = RestCalls(account.id, context.metrics)
            rest = RestClient(rest_settings(settings, "paper"), account.id, "secret", calls.count)
            executor = AccountExecutor(context, settings, account, settings.instance_id, rest, calls)
            thread = threads.Thread(target=executor.run, name=f"account-{account.id}")
            thread.start()
            running.append(thread)
        for thread in running:
            thread.join()

    # ---- what the patched modules call

    def _connect(self, url: str, client_name: str, connection_class: Any = None, on_connect: Any = None) -> Client:
        return Client(self.market if "market" in url else self.money, on_connect)


@cache
def _settings() -> ExecutorSettings:
    """The product's own but for some waits."""
    return ExecutorSettings(
        redis_url="redis://money",
        market_redis_url="redis://market",
        bybit_rest_url="http://venue",
        bybit_ws_public_url="ws://venue/public",
        bybit_ws_private_url="ws://venue/private",
        audit_interval_s=8,
        absent_span_ms=3_000,
        executor_lanes=2,
        executor_queries=1,
        snapshot_drain_ms=15_000,
    )


def _memory_folder() -> str | None:
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() else None
