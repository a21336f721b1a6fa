"""The health check of the images: it says what the service says, and fails when that is no 200."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "deploy" / "container" / "healthy"


class Service(BaseHTTPRequestHandler):
    """Ready at /readyz, not at any other path."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()
        self.wfile.write(b"all well" if self.path == "/readyz" else b"redis: away")

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def healthy(url: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-IS", str(SCRIPT), url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_ready(port: int) -> None:
    done = healthy(f"http://127.0.0.1:{port}/readyz")
    assert (done.returncode, done.stdout) == (0, "all well\n")


def test_not_ready_says_why(port: int) -> None:
    done = healthy(f"http://127.0.0.1:{port}/other")
    assert (done.returncode, done.stderr) == (1, "redis: away\n")


def test_nobody_there(port: int) -> None:
    done = healthy("http://127.0.0.1:1/readyz")
    assert done.returncode == 1
    assert done.stderr.startswith("no answer")
