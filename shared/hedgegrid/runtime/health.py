"""Whether this process lives and is ready, as named conditions; served with its metrics."""

import json
import logging
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import ClassVar

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.http_hosts import may_ask
from hedgegrid.runtime.http_routes import MOST_BODY_BYTES, Request, Response, Route, Stream

_OF_NO_VALUE = frozenset({"/healthz", "/readyz", "/heartbeat"})
"""They say nothing about money, and machines ask for them by whatever name."""

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
        self.notes: dict[str, object] = {}
        """Facts for `hedgegrid doctor`, told with every heartbeat: plain data by subject, never a secret."""
        self.routes: dict[tuple[str, str], Route] = {}
        """What the server answers beside the three, by method and path; set before or after it starts."""

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


def serve_http(
    health: Health, registry: CollectorRegistry, host: str, port: int, names: Collection[str] = ()
) -> HttpServer:
    """Serve in a daemon thread; port 0 picks a free one; `names` are host names with a dot that lead here.

    Raises:
        ConfigError: it cannot listen.
    """
    handler = type("Handler", (_Handler,), {"health": health, "registry": registry, "names": frozenset(names)})
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
    names: ClassVar[frozenset[str]]
    timeout = 5  # seconds; a silent client must not keep its thread

    def do_GET(self) -> None:
        """Answer one of the three paths, or one of the service."""
        if self._is_rebound():
            return
        match self._path:
            case "/metrics":
                self._metrics()
            case "/healthz":
                self._conditions(self.health.live)
            case "/readyz":
                self._conditions(self.health.ready)
            case _:
                self._route("GET", b"")

    def do_POST(self) -> None:
        """Answer a path of the service that takes something."""
        if self._is_rebound():
            return
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit():
            self._reply(411, "text/plain", b"say Content-Length\n")
        elif int(length) > MOST_BODY_BYTES:
            self._reply(413, "text/plain", b"too long\n")
        else:
            self._route("POST", self.rfile.read(int(length)))

    @property
    def _path(self) -> str:
        return self.path.split("?", 1)[0]

    def _is_rebound(self) -> bool:
        """True for a request, answered here, that a page elsewhere may have made."""
        if self._path in _OF_NO_VALUE or may_ask(self.headers.get("Host"), self.names):
            return False
        self._reply(403, "text/plain", b"refused: add the name you ask for to HEDGEGRID_HTTP_NAMES\n")
        return True

    def _metrics(self) -> None:
        encode, content_type = choose_encoder(self.headers.get("Accept", ""))
        try:
            body = encode(self.registry)
        except Exception:  # a collector's callback failed; the scrape must show it as down
            _log.exception("metrics could not be collected")
            self._reply(500, "text/plain", b"metrics could not be collected, see the log\n")
            return
        self._reply(200, content_type, body)

    def _route(self, method: str, body: bytes) -> None:
        route = self.health.routes.get((method, self._path))
        if route is None:
            known = sorted(path for known, path in self.health.routes if known == method)
            paths = ["/metrics", "/healthz", "/readyz", *known] if method == "GET" else known
            self._reply(404, "text/plain", f"try one of {', '.join(paths)}\n".encode())
            return
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            response = route(Request(headers=headers, query=self.path.partition("?")[2], body=body))
        except Exception:
            _log.exception("%s could not be answered", self.path)
            self._reply(500, "text/plain", b"could not be answered, see the log\n")
            return
        if response.stream is None:
            self._reply(response.status, response.content_type, response.body, response.headers)
        else:
            self._send_stream(response, response.stream)

    def _send_stream(self, response: Response, stream: Stream) -> None:
        try:
            self._head(response.status, response.content_type, response.headers)
            for piece in stream:
                self.wfile.write(piece)
        finally:
            stream.close()

    def _conditions(self, ok: bool) -> None:
        body = json.dumps({"ok": ok, "conditions": self.health.as_dict()}).encode() + b"\n"
        self._reply(200 if ok else 503, "application/json", body)

    def _reply(
        self, status: int, content_type: str, body: bytes, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._head(status, content_type, {"Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def _head(self, status: int, content_type: str, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        for name, value in {"X-Content-Type-Options": "nosniff", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are no news."""
        _log.debug("http %s", format % args)
