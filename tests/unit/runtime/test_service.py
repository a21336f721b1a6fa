"""The shell, as a process: signals stop it with 0, a crash is logged once and ends with 1."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.runtime.scheduling import ask_for_real_time

ROOT = Path(__file__).parents[3]

SCRIPT = """
import sys, threading, time
from hedgegrid.runtime.config import ConfigError
from hedgegrid.runtime.service import ServiceContext, run_service

class Service:
    def __init__(self, context): self.context = context
    def run(self):
        {run}

def build(context):
    {build}
    return Service(context)

sys.exit(run_service("strategy", build, prompt=True))
"""
NO_REDIS = "redis://u:hunter2hunter2@127.0.0.1:1/0"  # nothing listens there
WAIT = "self.context.stopping.wait(30)"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(run: str = WAIT, build: str = "pass", **env: str) -> "subprocess.Popen[str]":
        environ = {k: v for k, v in os.environ.items() if not k.startswith("HEDGEGRID_")}
        paths = [str(ROOT / "shared"), *sys.path]
        environ |= {
            "PYTHONPATH": os.pathsep.join(p for p in paths if p),
            "HEDGEGRID_CONFIG": str(ROOT / "config/hedgegrid.toml"),
            "HEDGEGRID_REDIS_URL": NO_REDIS,
            **env,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT.format(run=run, build=build)],
            env=environ,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_until(process: "subprocess.Popen[str]", message: str) -> dict[str, Any]:
    assert process.stderr is not None
    for line in process.stderr:
        record: dict[str, Any] = json.loads(line)
        if record["msg"] == message:
            return record
    raise AssertionError(f"{message!r} was never logged")


@pytest.mark.skipif(sys.platform != "linux", reason="SCHED_RR is Linux's")
@pytest.mark.parametrize("wanted", ["0", "1"])
def test_real_time_is_for_who_asks_and_may(start: Start, wanted: str) -> None:
    tell = 'import logging, os; logging.getLogger("t").info("built", extra={"policy": os.sched_getscheduler(0)})'
    process = start(build=tell, HEDGEGRID_REALTIME=wanted)
    with ThreadPoolExecutor(1) as pool:  # a thread takes the right with it when it ends
        granted = pool.submit(ask_for_real_time).result()
    if wanted == "1" and not granted:
        read_until(process, "real-time scheduling is not granted; it takes root, CAP_SYS_NICE or ulimit -r 1")
    expected = os.SCHED_RR if wanted == "1" and granted else os.SCHED_OTHER
    assert read_until(process, "built")["policy"] == expected


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it(start: Start, number: signal.Signals) -> None:
    process = start()
    read_until(process, "started")
    process.send_signal(number)
    process.send_signal(number)  # a supervisor's second one does no harm
    _, err = process.communicate(timeout=20)
    (stopped,) = (r for r in map(json.loads, err.splitlines()) if r["msg"] == "stopped")
    assert process.returncode == 0
    assert stopped["signal"] == number.name


def test_it_serves_health_and_survives_without_redis(start: Start) -> None:
    process = start()
    port = read_until(process, "started")["port"]
    for path, part in (("readyz", '"started": {"ok": true'), ("metrics", "hedgegrid_build_info{")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=5) as answer:
            assert part in answer.read().decode()
    time.sleep(1.2)
    assert process.poll() is None
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert "hunter2" not in err


@pytest.mark.parametrize("where", ["run", "build"])
def test_a_crash_is_logged_once_and_exits_1(start: Start, where: str) -> None:
    process = start(**{where: 'raise RuntimeError("boom")'})
    _, err = process.communicate(timeout=20)
    crashes = [r for r in map(json.loads, err.splitlines()) if "boom" in json.dumps(r)]
    assert process.returncode == 1
    assert len(crashes) == 1
    assert crashes[0]["msg"] == "strategy crashed"
    assert "Traceback" in crashes[0]["exc"]


def test_a_crash_does_not_wait_for_threads(start: Start) -> None:
    process = start(run='threading.Thread(target=time.sleep, args=(60,)).start(); raise RuntimeError("boom")')
    process.communicate(timeout=20)
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("env", "build", "parts"),
    [
        ({"HEDGEGRID_HTTP_PORT": "x"}, "pass", ("HEDGEGRID_HTTP_PORT='x'",)),
        ({"HEDGEGRID_CONFIG": "/no/such.toml"}, "pass", ("/no/such.toml", "HEDGEGRID_CONFIG")),
        ({}, 'raise ConfigError("accounts[main]: wrong")', ("accounts[main]: wrong",)),
    ],
)
def test_a_wrong_configuration_is_one_line_and_exit_2(
    start: Start, env: dict[str, str], build: str, parts: tuple[str, ...]
) -> None:
    process = start(build=build, **env)
    _, err = process.communicate(timeout=20)
    plain = [line for line in err.splitlines() if not line.startswith("{")]
    assert process.returncode == 2
    assert len(plain) == 1
    assert plain[0].startswith("strategy: configuration error: ")
    for part in parts:
        assert part in plain[0]


def test_live_is_refused_without_permission(start: Start, tmp_path: Path) -> None:
    text = (ROOT / "config/hedgegrid.toml").read_text()
    (tmp_path / "live.toml").write_text(text.replace('mode = "paper"', 'mode = "live"'))
    process = start(HEDGEGRID_CONFIG=str(tmp_path / "live.toml"))
    _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "HEDGEGRID_ALLOW_LIVE=yes" in err
