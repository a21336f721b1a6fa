"""The whole system trades with one Redis user per service, and none of them is ever refused anything it needs."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hedgegrid.operator import stack
from hedgegrid.operator.children import ChildSpec
from hedgegrid.operator.demo import run_demo
from hedgegrid.operator.demo_options import DemoOptions
from hedgegrid.operator.redis_server import RedisBinary
from hedgegrid.operator.services import heartbeat_service, service_specs
from tests.integration.deploy.guarded import ADMIN, Guarded, guarded_server

pytestmark = pytest.mark.e2e
HARMLESS = {"client|setinfo"}
"""redis-py tells its name and goes on without; Redis 7.0 knows no such command and so no such permission."""


def as_its_own_user(spec: ChildSpec, guarded: Guarded) -> ChildSpec:
    url = guarded.url(heartbeat_service(spec.name))
    told = {**spec.environment, "HEDGEGRID_REDIS_URL": url, "HEDGEGRID_MARKET_REDIS_URL": url}
    return dataclasses.replace(spec, environment=told)


def test_the_demo_trades_and_nobody_is_refused(
    redis_binary: RedisBinary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded_server(tmp_path / "redis", redis_binary) as guarded:
        monkeypatch.setenv("HEDGEGRID_REDIS_URL", guarded.url(ADMIN))
        monkeypatch.setattr(
            stack, "service_specs", lambda *given: [as_its_own_user(spec, guarded) for spec in service_specs(*given)]
        )
        report = tmp_path / "report.json"
        code = run_demo(DemoOptions(for_s=12, workers=2, report=report), Console(no_color=True))
        with guarded.client(ADMIN) as admin:
            log: Any = admin.acl_log()
    refused = {
        (entry["username"], entry["reason"], entry["object"]) for entry in log if entry["object"] not in HARMLESS
    }
    assert refused == set()
    assert code == 0
    assert sum(bot["fills"] for bot in json.loads(report.read_text())["bots"]) > 0
