"""The processes of a demo run: their commands, environments and order."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hedgegrid.operator.children import ChildSpec
from hedgegrid.operator.demo_options import VENUE_ORDER_RATE, DemoOptions
from hedgegrid.operator.project_files import CONTROL_KEY_FILE, LEDGER_FILE, STATE_FOLDER
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.runtime.config_types import SystemConfig
from hedgegrid.runtime.credentials import credential_names

INSTANCE_PREFIX = "demo-"
"""Instance ids of a demo begin so; they mark what a demo has written in Redis."""
SIM = "exchange-sim"
SIM_STAGE, SERVICE_STAGE, WORKER_STAGE = 1, 2, 3
_SECRET = re.compile(r"HEDGEGRID_[A-Z0-9_]+_API_(KEY|SECRET)(_FILE)?|HEDGEGRID_VENUE_KEYS")
_DECIDED_HERE = re.compile(
    r"HEDGEGRID_(REDIS_URL|MARKET_REDIS_URL|CONFIG|HTTP_HOST|HTTP_PORT|INSTANCE_ID|BYBIT_\w+|ALLOW_LIVE|ORDER_RATE_PER_S|PROGRESS|LEDGER_PATH|CONTROL_KEY_FILE)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """The exchange-sim as it announces itself; `keys` is account id → API key and secret."""

    rest: str
    ws_public: str
    ws_private: str
    admin: str
    keys: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What every process of the run is told."""

    options: DemoOptions
    config: SystemConfig
    config_path: Path
    folder: Path

    @property
    def bots(self) -> tuple[tuple[str, str], ...]:
        return tuple((account.id, bot.symbol) for account in self.config.accounts for bot in account.bots)


def exchange_spec(plan: RunPlan, urls: RedisUrls) -> ChildSpec:
    """The simulated exchange, on ports of its own choice, standing still until told to start."""
    options = plan.options
    command = [sys.executable, "-m", "hedgegrid.exchange_sim", "--port", "0", "--admin-port", "0", "--no-autostart"]
    if options.tapes:
        for tape in options.tapes:
            command += ["--tape", str(tape)]
    else:
        command += ["--synthetic", "chop", "--seed", str(options.seed)]
    command += ["--symbols", ",".join(plan.config.symbols), "--speed", options.speed]
    for account in plan.config.accounts:
        command += ["--account", f"{account.id}:{options.balance:f}"]
    if options.ticks_per_s is not None:
        command += ["--ticks-per-s", f"{options.ticks_per_s:f}"]
    command += ["--order-rate", str(options.orders_per_s)]
    if options.orders_per_s > VENUE_ORDER_RATE:
        command += ["--ip-rate", str(options.orders_per_s * 100)]
    if options.paced:
        pace = ",".join(f"{account}:{symbol}" for account, symbol in plan.bots)
        command += ["--pace-redis", urls.money, "--pace-market-redis", urls.market, "--pace-bots", pace]
    return ChildSpec(
        name=SIM,
        command=tuple(command),
        environment=base_environment(os.environ),
        stage=SIM_STAGE,
        restart=False,  # its books would be gone
        captures_stdout=True,
    )


def service_specs(plan: RunPlan, exchange: Exchange, urls: RedisUrls) -> list[ChildSpec]:
    """Everything that trades or watches, in the order of its start. Only gateway and executor get the API keys."""
    keys: dict[str, str] = {}
    for account, pair in exchange.keys.items():
        keys.update(zip(credential_names(account), pair, strict=True))
    workers = [f"strategy-{number}" for number in range(1, plan.options.workers + 1)]
    told = _environment(plan, exchange, urls)
    told["HEDGEGRID_CONTROL_KEY_FILE"] = str(plan.folder / CONTROL_KEY_FILE)
    told["HEDGEGRID_STATE_DIR"] = str(plan.folder / STATE_FOLDER)
    page = {
        "HEDGEGRID_HTTP_PORT": str(plan.options.port),
        "HEDGEGRID_LEDGER_PATH": str(plan.folder / LEDGER_FILE),
    }
    return [
        _service("executor", "executor", SERVICE_STAGE, told | keys),
        _service("ws-gateway", "ws_gateway", SERVICE_STAGE, told | keys),
        *(_service(worker, "strategy", WORKER_STAGE, told) for worker in workers),
        _service("metrics", "metrics", WORKER_STAGE, told | page),
    ]


def _service(name: str, package: str, stage: int, told: Mapping[str, str]) -> ChildSpec:
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", f"hedgegrid.{package}"),
        environment={**told, "HEDGEGRID_INSTANCE_ID": instance_of(name)},
        stage=stage,
    )


def _environment(plan: RunPlan, exchange: Exchange, urls: RedisUrls) -> dict[str, str]:
    """What every service is told, the API keys excepted."""
    told = {
        **base_environment(os.environ),
        "HEDGEGRID_REDIS_URL": urls.money,
        "HEDGEGRID_MARKET_REDIS_URL": urls.market,
        "HEDGEGRID_CONFIG": str(plan.config_path),
        "HEDGEGRID_HTTP_HOST": "127.0.0.1",
        "HEDGEGRID_HTTP_PORT": "0",
        "HEDGEGRID_BYBIT_REST_URL": exchange.rest,
        "HEDGEGRID_BYBIT_WS_PUBLIC_URL": exchange.ws_public,
        "HEDGEGRID_BYBIT_WS_PRIVATE_URL": exchange.ws_private,
        "HEDGEGRID_ORDER_RATE_PER_S": str(plan.options.orders_per_s),
    }
    if plan.options.paced:
        told["HEDGEGRID_PROGRESS"] = "1"
    return told


def instance_of(name: str) -> str:
    return INSTANCE_PREFIX + name


def heartbeat_service(name: str) -> str:
    """Service name in the heartbeat key of a process: replicas carry a number that it lacks."""
    return re.sub(r"-\d+$", "", name)


def base_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without any API key and without what the demo decides itself."""
    return {
        name: value
        for name, value in environ.items()
        if not _SECRET.fullmatch(name) and not _DECIDED_HERE.fullmatch(name)
    }
