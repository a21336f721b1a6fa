"""The boards against a real Prometheus that watches the demo: every panel has data, and every board can be drawn."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import yaml

from hedgegrid.operator.redis_server import RedisBinary, RedisServer, free_port
from tests.real_components import missing

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[3]
SERVICES = {"ws-gateway", "strategy", "executor", "metrics"}
READY_S, DATA_S = 60, 90


def wait(condition: Callable[[], object], what: str, deadline_s: float) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.5)


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is ended in good order, with what it says in a file."""
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def told_ports(client: redis.Redis) -> dict[str, list[int]]:
    """HTTP ports of the demo's processes by service, as their heartbeats tell."""
    found: dict[str, list[int]] = {}
    for key in client.scan_iter("heartbeat:*"):
        raw = client.get(key)
        if raw:
            found.setdefault(key.decode().split(":")[1], []).append(int(json.loads(raw)["http_port"]))
    return found


def prometheus_config(ports: dict[str, list[int]], own_port: int) -> str:
    """The deployed one, with addresses of this machine in place of Docker's names."""
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    config["rule_files"] = [str(ROOT / "deploy/prometheus/rules/*.yml")]
    del config["alerting"]
    kept = []
    for job in config["scrape_configs"]:
        name = job["job_name"]
        targets = [own_port] if name == "prometheus" else ports.get(name, [])
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in targets]}]
        if targets:
            kept.append(job)
    return yaml.safe_dump({**config, "scrape_configs": kept})


def test_every_panel_has_data_and_every_board_is_drawn(redis_binary: RedisBinary, tmp_path: Path) -> None:
    binary = shutil.which("prometheus")
    if binary is None:
        missing("prometheus: apt-get install prometheus")
    limited = RedisServer(tmp_path / "redis", binary=redis_binary, settings={"maxmemory": "512mb"})
    with limited as server, redis.Redis.from_url(server.url) as client:
        environment = {**os.environ, "HEDGEGRID_REDIS_URL": server.url}
        demo = [sys.executable, "-m", "hedgegrid.operator", "demo", "--port", "0", "--for", "200"]
        with running(demo, tmp_path / "demo.log", environment) as process:

            def is_up() -> bool:
                assert process.poll() is None, (tmp_path / "demo.log").read_text()[-2000:]
                return set(told_ports(client)) >= SERVICES

            wait(is_up, "every service tells its port", READY_S)
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            (tmp_path / "prometheus.yml").write_text(prometheus_config(told_ports(client), port))
            prometheus = [
                binary,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ]
            with running(prometheus, tmp_path / "prometheus.log", environment):
                ask = [sys.executable, str(ROOT / "deploy/grafana/ask.py"), url]
                said = ""

                def has_data() -> bool:
                    nonlocal said
                    asked = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=60)
                    said = asked.stdout + asked.stderr[-500:]
                    return asked.returncode == 0

                end = time.monotonic() + DATA_S
                while not has_data():
                    assert time.monotonic() < end, said
                    time.sleep(2)
                draw = [sys.executable, str(ROOT / "deploy/grafana/draw.py"), url, str(tmp_path / "boards"), "3"]
                subprocess.run(draw, check=True, timeout=90, capture_output=True)
    drawn = sorted((tmp_path / "boards").glob("*.png"))
    assert [file.stem for file in drawn] == ["bot", "latency", "overview", "reliability"]
    assert all(file.stat().st_size > 20_000 for file in drawn)
