"""Whether this process lives and is ready, as named conditions; served with its metrics."""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from hedgegrid.runtime.errors import ConfigError

Page = Callable[[], tuple[str, bytes]]
"""Renders a page: its content type and its body. Called in a server thread."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that must hold; without a `vital` one the process should be replaced."""

    ok: bool
    reason: str
    vital: bool


class Health:
    """Named conditions, set from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._conditions: dict[str, Condition] = {}
        self.pages: dict[str, Page] = {}
        """Further paths that the server answers, by path; set before or after it starts."""

    def set(self, name: str, ok: bool, reason: str = "", *, vital: bool = False) -> None:
        """State a condition; `reason` says why, in words for the operator, without secrets."""
        with self._lock:
            self._conditions[name] = Condition(ok, reason, vital)

    def remove(self, name: str) -> None:
        """Forget a condition that no longer applies (a lease given up); unknown names are fine."""
        with self._lock:
            self._conditions.pop(name, None)

    @property
    def conditions(self) -> dict[str, Condition]:
        """A copy of all conditions by name."""
        with self._lock:
            return dict(self._conditions)

    @property
    def live(self) -> bool:
        """True if every vital condition holds (/healthz)."""
        return all(c.ok for c in self.conditions.values() if c.vital)

    @property
    def ready(self) -> bool:
        """True if every condition holds (/readyz)."""
        return all(c.ok for c in self.conditions.values())

    def as_dict(self) -> dict[str, dict[str, object]]:
        """Every condition as {"ok": bool, "reason": str}, for JSON."""
        return {n: {"ok": c.ok, "reason": c.reason} for n, c in sorted(self.conditions.items())}


class HttpServer:
    """A running server of /metrics, /healthz and /readyz."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def serve_http(health: Health, registry: CollectorRegistry, host: str, port: int) -> HttpServer:
    """Serve in a daemon thread; port 0 picks a free one. Raises ConfigError if it cannot listen."""
    handler = type("Handler", (_Handler,), {"health": health, "registry": registry})
    try:
        return HttpServer(_QuietServer((host, port), handler))
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"HEDGEGRID_HTTP_HOST/HEDGEGRID_HTTP_PORT: cannot listen on {host}:{port} ({error}); "
            "choose another port, or 0 for any free one"
        ) from error


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no traceback on stderr."""
        _log.debug("http request failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    health: ClassVar[Health]
    registry: ClassVar[CollectorRegistry]
    timeout = 5  # seconds; a silent client must not keep its thread

    def do_GET(self) -> None:
        """Answer one of the three paths, or a page of the service."""
        path = self.path.split("?", 1)[0]
        match path:
            case "/metrics":
                self._metrics()
            case "/healthz":
                self._conditions(self.health.live)
            case "/readyz":
                self._conditions(self.health.ready)
            case _ if path in self.health.pages:
                self._page(self.health.pages[path])
            case _:
                known = ", ".join(["/metrics", "/healthz", "/readyz", *sorted(self.health.pages)])
                self._reply(404, "text/plain", f"try one of {known}\n".encode())

    def _metrics(self) -> None:
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        try:
            body = encode(self.registry)
        except Exception:  # a collector's callback failed; the scrape must show it as down
            _log.exception("metrics could not be collected")
            self._reply(500, "text/plain", b"metrics could not be collected, see the log\n")
            return
        self._reply(200, content_type, body)

    def _page(self, render: Page) -> None:
        try:
            content_type, body = render()
        except Exception:
            _log.exception("%s could not be rendered", self.path)
            self._reply(500, "text/plain", b"could not be rendered, see the log\n")
            return
        self._reply(200, content_type, body)

    def _conditions(self, ok: bool) -> None:
        body = json.dumps({"ok": ok, "conditions": self.health.as_dict()}).encode() + b"\n"
        self._reply(200 if ok else 503, "application/json", body)

    def _reply(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are no news."""
        _log.debug("http %s", format % args)
