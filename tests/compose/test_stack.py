"""The unmodified compose file with a real engine: it trades, scales, survives and is upgraded without losing a thing.

One stack for all tests of this file, in their order.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.compose import books
from tests.compose.engine import ROOT, engine, one_at_a_time
from tests.compose.stack import PROJECT, Stack, wait

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
TRADING = ["redis", "redis-market", "ws-gateway", "strategy", "executor", "metrics", "exchange-sim"]
WATCHING = ["prometheus", "alertmanager", "grafana"]
TRADERS = ["ws-gateway", "executor"]
OURS = ["ws-gateway", "strategy", "executor", "metrics"]
SERVERS = ["redis", "redis-market", *WATCHING]
OUR_IMAGES = [*OURS, "exchange-sim", "operator"]
OFFICIAL_BASE_BYTES = 135_000_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Up and healthy; nothing of it is left afterwards."""
    with one_at_a_time(), engine() as environment:
        stack = Stack(environment, tmp_path_factory.mktemp("compose"))
        stack.down()
        try:
            stack.compose("build", "--quiet", timeout_s=400)
            stack.up()
            yield stack
        finally:
            stack.down()
            left = [
                *stack.docker("ps", "-aq", "--filter", f"label=com.docker.compose.project={PROJECT}").split(),
                *stack.docker("volume", "ls", "-q", "--filter", f"label=com.docker.compose.project={PROJECT}").split(),
            ]
            assert not left


def size(stack: Stack, image: str) -> int:
    return int(stack.docker("image", "inspect", "-f", "{{.Size}}", image))


def cycles(stack: Stack) -> int:
    state = stack.get("PAGE_PORT", "/api/state")
    return sum(leg["cycles"] for bot in state["bots"] for leg in bot["legs"].values())


def series(stack: Stack, query: str) -> list[dict[str, str]]:
    answer = stack.get("PROMETHEUS_PORT", f"/api/v1/query?query={query}")
    return [row["metric"] | {"value": row["value"][1]} for row in answer["data"]["result"]]


def prometheus_sees(stack: Stack, job: str, replicas: int) -> None:
    query = f'up{{job="{job}"}}'
    expected = ["1"] * replicas
    wait(lambda: [row["value"] for row in series(stack, query)] == expected, f"{replicas} {job} answer Prometheus", 60)


def becomes_healthy(stack: Stack, service: str) -> None:
    wait(lambda: stack.is_healthy(service), f"{service} is healthy again", 120)


def closes_more_cycles(stack: Stack) -> None:
    before = cycles(stack)
    wait(lambda: cycles(stack) > before, "another cycle closes", 90)


def test_paper_cycles_close(stack: Stack) -> None:
    wait(lambda: cycles(stack) >= 2, "two cycles close", 120)
    assert books.agreed(stack).cycles >= 2
    assert "<!doctype html>" in stack.read("PAGE_PORT", "/").lower()


def test_compose_reads_its_file_without_a_word(stack: Stack) -> None:
    assert stack.compose("config", "--quiet") == ""


def test_images_are_small(stack: Stack) -> None:
    """Each is at most 250 MB; a base image that is larger than the official one (130 MB) is not counted."""
    base = size(stack, "python:3.11-slim-bookworm")
    for name in OUR_IMAGES:
        assert size(stack, f"hedgegrid-{name}") - base <= 250_000_000 - OFFICIAL_BASE_BYTES, name


def test_each_service_is_lean(stack: Stack) -> None:
    """Resident memory of its one process; a health check beside it comes and goes."""
    for service in (*OURS, "exchange-sim"):
        for container in stack.containers(service):
            text = stack.docker("exec", container, "sh", "-c", "cat /proc/[0-9]*/status")
            resident_kb = max(int(number) for number in re.findall(r"VmRSS:\s+(\d+) kB", text))
            assert resident_kb <= 80_000, service


def test_the_strategys_tools_are_in_the_operators_image(stack: Stack) -> None:
    run = ("run", "--rm", "--no-deps", "operator")
    assert "BTCUSDT" in stack.compose(*run, "check", "--config", "/config/hedgegrid.toml")
    assert "--tape" in stack.compose(*run, "backtest", "--help")


def test_no_secret_is_seen_where_it_does_not_belong(stack: Stack) -> None:
    where = [(service, "/run/redis/password") for service in OURS]
    where += [(service, f"/run/venue-keys/*_{kind}") for service in TRADERS for kind in ("key", "secret")]
    where += [(service, "/run/control/key") for service in ("strategy", "executor", "metrics")]
    secrets = {stack.compose("exec", "-T", service, "sh", "-c", f"cat {path}").strip() for service, path in where}
    assert len(secrets) == len(OURS) + 3
    assert all(len(secret) > 30 for secret in secrets)
    told = {"logs": stack.compose("logs", "--no-color")}
    told["dump"] = stack.compose("exec", "-T", "redis", "sh", "-c", "cat /data/appendonlydir/*", errors="replace")
    told["page"] = stack.read("PAGE_PORT", "/") + stack.read("PAGE_PORT", "/api/state")
    for service in (*OURS, "exchange-sim", *SERVERS):
        [container, *_] = stack.containers(service)
        told[f"{service} settings"] = json.dumps(stack.inspect(container))
        told[f"{service} processes"] = stack.docker(
            "exec", container, "sh", "-c", "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true"
        )
        limits = stack.docker("exec", container, "sh", "-c", "cat /proc/self/limits")
        assert re.search(r"Max core file size +0 +0 ", limits), service
    for service in OURS:
        ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
        told[f"{service} metrics"] = stack.python(service, ask)
    seen = [where for where, text in told.items() for secret in secrets if secret in text]
    assert all(told.values())
    assert seen == []


def test_prometheus_sees_every_replica_and_answers_every_panel(stack: Stack) -> None:
    for job in ("strategy", "ws-gateway", "executor", "metrics", "prometheus", "alertmanager"):
        prometheus_sees(stack, job, stack.replicas(job))
    ask = [sys.executable, str(ROOT / "deploy/grafana/ask.py"), f"http://127.0.0.1:{stack.ports['PROMETHEUS_PORT']}"]

    def every_panel_has_data() -> bool:
        asked = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=60)
        assert asked.returncode == 0, asked.stdout
        return True

    wait(every_panel_has_data, "every panel has data", 60, every_s=3)
    told = stack.get("PROMETHEUS_PORT", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [one["url"] for one in told] == ["http://alertmanager:9093/api/v2/alerts"]
    assert stack.get("GRAFANA_PORT", "/api/health")


def test_scaling_under_trade_doubles_and_loses_nothing(stack: Stack) -> None:
    for workers in (1, 4, 2):
        stack.compose("up", "-d", "--no-recreate", "--scale", f"strategy={workers}")
        assert stack.replicas("strategy") == workers
        wait(lambda: bots_have_workers(stack), "every bot has a worker", 30)
        prometheus_sees(stack, "strategy", workers)
        closes_more_cycles(stack)
    books.agreed(stack)


def bots_have_workers(stack: Stack) -> bool:
    state = stack.get("PAGE_PORT", "/api/state")
    held = {
        (account["account"], name)
        for account in state["accounts"]
        for name, lease in account["leases"].items()
        if lease["owner"] and lease["expires_in_ms"] > 0
    }
    return all((bot["account"], bot["symbol"]) in held for bot in state["bots"])


@pytest.mark.parametrize("service", TRADING)
def test_a_killed_service_comes_back_with_equal_books(stack: Stack, service: str) -> None:
    stack.crash(service)
    becomes_healthy(stack, service)
    if service == "redis":
        assert "AOF-loading-client" not in stack.compose("logs", "redis"), "commits were lost at the restart"
    books.agreed(stack)
    closes_more_cycles(stack)


def test_those_who_watch_come_back_as_well(stack: Stack) -> None:
    for service in WATCHING:
        stack.crash(service)
    for service in WATCHING:
        becomes_healthy(stack, service)


def test_services_are_replaced_one_by_one_without_losing_a_thing(stack: Stack) -> None:
    """In the order of docs/upgrading.md."""
    told = (ROOT / "docs" / "upgrading.md").read_text()
    for service in ("metrics", "executor", "strategy", "ws-gateway"):
        assert f"`docker compose up -d --wait --no-deps {service}`" in told
        stack.up("--no-deps", "--force-recreate", service)
    books.agreed(stack)


def test_an_upgrade_replaces_every_container_and_loses_nothing(stack: Stack) -> None:
    """The whole at once."""
    before = books.agreed(stack)
    stack.up("--build", "--force-recreate")
    after = books.agreed(stack)
    assert before.executions <= after.executions
    closes_more_cycles(stack)
    books.agreed(stack)
