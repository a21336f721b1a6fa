"""The compose file as a user brings it up, under a project name and on ports of its own."""

import json
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.compose.engine import ROOT

PROJECT = "hedgegrid-test"
PORTS = ("PAGE_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT", "GRAFANA_PORT")


class Stack:
    """Every command is one that the README tells, with `-p` and `--env-file` before it."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment = environment
        self._env_file = folder / "env"
        self.ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        text = (ROOT / ".env.example").read_text()
        for name, port in self.ports.items():
            text = re.sub(rf"^{name}=.*$", f"{name}={port}", text, flags=re.MULTILINE)
        self._env_file.write_text(text)

    def compose(self, *arguments: str, timeout_s: float = 120, stdin: str = "", errors: str = "strict") -> str:
        """Run `docker compose …`; its output. Fails with all it said."""
        command = ["docker", "compose", "-p", PROJECT, "--env-file", str(self._env_file), *arguments]
        return self._run(command, timeout_s, stdin, errors)

    def docker(self, *arguments: str) -> str:
        return self._run(["docker", *arguments], 60, "")

    def _run(self, command: list[str], timeout_s: float, stdin: str, errors: str = "strict") -> str:
        done = subprocess.run(
            command,
            env=self._environment,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            errors=errors,
            check=False,
            timeout=timeout_s,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def up(self, *options: str) -> None:
        """Return once every service is healthy."""
        self.compose("up", "-d", "--wait", "--wait-timeout", "240", *options, timeout_s=420)

    def down(self) -> None:
        """Remove containers, networks and volumes of this project, whatever profile they belong to."""
        self.compose("--profile", "paper", "--profile", "tools", "down", "-v", "--remove-orphans", "-t", "5")

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "-q", service).split()

    def replicas(self, service: str) -> int:
        return len(self.containers(service))

    def inspect(self, container: str) -> dict[str, Any]:
        [row] = json.loads(self.docker("inspect", container))
        return dict(row)

    def is_healthy(self, service: str) -> bool:
        states = [self.inspect(container)["State"] for container in self.containers(service)]
        return bool(states) and all(state.get("Health", {}).get("Status") == "healthy" for state in states)

    def crash(self, service: str) -> None:
        """Kill -9 everything in a service's first container, and see Docker start it again.

        Not by `docker kill`, which counts as a stop by hand: nothing would come back.
        """
        container = self.containers(service)[0]
        before = self.inspect(container)
        self.docker("exec", "-d", container, "sh", "-c", "kill -9 -1")  # waited for, it may be killed with the rest
        wait(
            lambda: self.inspect(container)["RestartCount"] > before["RestartCount"],
            f"{service} was not started again",
            30,
        )

    def python(self, service: str, program: str) -> str:
        """What a program prints inside a container of a service."""
        return self.compose("exec", "-T", service, "python", "-", stdin=program, timeout_s=60)

    def get(self, port: str, path: str) -> Any:
        """JSON from a published port."""
        return json.loads(self.read(port, path))

    def read(self, port: str, path: str) -> str:
        """Text from a published port."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=10) as answer:
            return str(answer.read(), "utf-8")


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait(condition: Callable[[], object], what: str, timeout_s: float, every_s: float = 0.5) -> None:
    """Poll until it holds; a condition that raises OSError or AssertionError does not hold yet."""
    deadline = time.monotonic() + timeout_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = condition()
            if last:
                return
        except (OSError, AssertionError) as error:
            last = error
        time.sleep(every_s)
    raise AssertionError(f"{what} within {timeout_s} s: {last}")
