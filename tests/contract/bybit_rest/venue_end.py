"""The other end of the wire: answers what it is told and keeps every request as it came."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Came:
    method: str
    target: str
    headers: dict[str, str]
    body: str

    @property
    def payload(self) -> str:
        """What the signature must cover."""
        return self.body if self.method == "POST" else self.target.partition("?")[2]


Reply = tuple[int, bytes, dict[str, str]] | None
"""Status, body, headers; None hangs up without a word."""


class VenueEnd:
    def __init__(self) -> None:
        self.came: list[Came] = []
        self.reply: Callable[[Came], Reply] = lambda came: ok({})
        self.server = _QuietServer(("127.0.0.1", 0), type("Bound", (_Handler,), {"end": self}))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


def ok(result: Any, **headers: str) -> Reply:
    return 200, json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "time": 1700000000123}).encode(), headers


def refusal(code: Any, text: str = "no", **headers: str) -> Reply:
    return 200, json.dumps({"retCode": code, "retMsg": text, "result": {}, "time": 1}).encode(), headers


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gave up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    end: VenueEnd
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve("")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())

    def _serve(self, body: str) -> None:
        came = Came(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        self.end.came.append(came)
        reply = self.end.reply(came)
        if reply is None:
            self.close_connection = True
            self.connection.shutdown(2)
            return
        status, content, headers = reply
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def venue_end() -> Iterator[VenueEnd]:
    end = VenueEnd()
    try:
        yield end
    finally:
        end.server.shutdown()
        end.server.server_close()
