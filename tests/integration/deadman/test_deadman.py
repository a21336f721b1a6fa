"""The dead man's switch as a process: an executor falls silent, and the simulated exchange's book is emptied."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.operator.redis_server import RedisBinary
from tests.control_key import OTHER_KEY, key_file
from tests.integration.executor.floor import eventually
from tests.integration.executor.kill_rig import Rig, rig

ORDERS = 30


class Guarded:
    """An executor, and the switch that listens to it."""

    def __init__(self, bench: Rig, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        self.key_file = key_file(folder)
        self.alarms: list[str] = []
        self._hook = _hook(self.alarms)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.port = 0

    def executor(self) -> subprocess.Popen[bytes]:
        process = self.bench.start(heartbeat_key_file=self.key_file, http_port=self.port or _free_port())
        log = self.folder / f"executor-{len(self.bench.processes.running) - 1}.log"
        self.port = next(json.loads(line)["port"] for line in log.read_text().splitlines() if '"port"' in line)
        return process

    def deadman(self, **settings: object) -> Path:
        account = self.bench.floor.account
        values = {
            "deadman_urls": f"http://127.0.0.1:{self.port}",
            "deadman_account": account,
            "deadman_mode": "paper",
            "deadman_silence_s": 3,
            "deadman_ask_every_ms": 200,
            "deadman_webhook_url": f"http://127.0.0.1:{self._hook.server_address[1]}/",
            "heartbeat_key_file": self.key_file,
            "bybit_rest_url": self.bench.simulator.addresses["rest"],
            f"{account}_api_key": self.bench.keys["api_key"],
            f"{account}_api_secret": self.bench.keys["api_secret"],
        } | settings  # fmt: skip
        environment = os.environ | {f"HEDGEGRID_{name.upper()}": str(value) for name, value in values.items()}
        path = self.folder / f"deadman-{len(self.processes)}.log"
        with path.open("wb") as log:
            command = [sys.executable, "-m", "hedgegrid.deadman"]
            self.processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return path

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self._hook.shutdown()
        self._hook.server_close()


@pytest.fixture
def guarded(tmp_path: Path, redis_binary: RedisBinary) -> Iterator[Guarded]:
    with rig(tmp_path, redis_binary) as bench:
        guarded = Guarded(bench, tmp_path)
        yield guarded
        guarded.close()


def said(log: Path, words: str) -> None:
    eventually(lambda: words in log.read_text(), words)


@pytest.mark.parametrize(
    "death", ["killed", pytest.param("frozen", marks=pytest.mark.slow), pytest.param("redis", marks=pytest.mark.slow)]
)
def test_a_silent_executor_leaves_nothing_resting(guarded: Guarded, death: str) -> None:
    """G10: the host is gone, or the executor can do nothing any more."""
    bench = guarded.bench
    executor = guarded.executor()
    log = guarded.deadman()
    said(log, "armed")
    bench.place(ORDERS)
    if death == "redis":
        bench.server.kill()
    else:
        executor.send_signal(signal.SIGKILL if death == "killed" else signal.SIGSTOP)
    said(log, "FIRED, cancelling all orders: no sign of life for 3 s")
    bench.until_empty()
    said(log, "every order is cancelled")
    eventually(lambda: any("FIRED" in alarm for alarm in guarded.alarms), "somebody was called")
    bench.place(1)  # whatever appears during the silence goes too
    bench.until_empty()


@pytest.mark.slow
def test_it_stays_fired_until_it_is_armed_again(guarded: Guarded) -> None:
    bench = guarded.bench
    executor = guarded.executor()
    log = guarded.deadman()
    said(log, "armed")
    executor.kill()
    executor.wait()
    said(log, "every order is cancelled")
    guarded.executor()
    said(log, "signs of life are back; it stays fired")
    bench.place(5)
    guarded.processes[0].send_signal(signal.SIGHUP)
    eventually(lambda: log.read_text().count("armed") >= 3, "armed again")
    assert len(bench.orders()) == 5, "the living trade on"


def test_it_never_fires_before_it_has_heard_anybody(guarded: Guarded) -> None:
    """Wrong address, wrong key: it waits and says that it is not armed."""
    bench = guarded.bench
    bench.place(5)
    guarded.executor()
    wrong = guarded.folder / "wrong"
    wrong.mkdir()
    other = wrong / "key"
    other.write_bytes(OTHER_KEY)
    port = _free_port()
    guarded.deadman(heartbeat_key_file=other, http_port=port, deadman_ask_every_ms=50)
    eventually(lambda: b"it is waiting" in _get(port, "/readyz"), "it says so")
    log = guarded.deadman(deadman_silence_s=3)
    said(log, "armed")  # by now the other one has asked as long
    assert len(bench.orders()) == 5
    assert b'state="waiting"} 1.0' in _get(port, "/metrics")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"heartbeat_key_file": ""}, "HEDGEGRID_HEARTBEAT_KEY_FILE is not set"),
        ({"bybit_rest_url": ""}, "HEDGEGRID_DEADMAN_MODE=paper needs HEDGEGRID_BYBIT_REST_URL"),
        ({"deadman_mode": "real"}, "HEDGEGRID_DEADMAN_MODE"),
        ({"secret": "not-the-secret-at-all"}, "the venue does not take the key"),
    ],
)
def test_it_refuses_to_start_when_it_could_not_act(guarded: Guarded, settings: dict[str, Any], words: str) -> None:
    guarded.port = 1
    if "secret" in settings:
        settings = {f"{guarded.bench.floor.account}_api_secret": settings["secret"]}
    log = guarded.deadman(**settings)
    assert guarded.processes[0].wait(60) == 2
    assert words in log.read_text()


def _free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_address[1])


def _get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().read()
    except OSError:
        return b""
    finally:
        connection.close()


def _hook(alarms: list[str]) -> ThreadingHTTPServer:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            alarms.append(json.loads(body)["text"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server
