"""Health over real HTTP."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge

from hedgegrid.runtime.health import Health, HttpServer, serve_http
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.runtime.settings import ConfigError


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def server(health: Health, registry: CollectorRegistry) -> Iterator[HttpServer]:
    server = serve_http(health, registry, "127.0.0.1", 0)
    yield server
    server.close()


def get(server: HttpServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def get_json(server: HttpServer, path: str) -> tuple[int, Any]:
    status, body = get(server, path)
    return status, json.loads(body)


def test_ready_needs_every_condition_and_tells_reasons(server: HttpServer, health: Health) -> None:
    health.set("redis", True)
    health.set("private main", False, "no auth ack for 12 s")
    status, body = get_json(server, "/readyz")
    assert status == 503
    assert body == {
        "ok": False,
        "conditions": {
            "private main": {"ok": False, "reason": "no auth ack for 12 s"},
            "redis": {"ok": True, "reason": ""},
        },
    }
    health.set("private main", True)
    assert get_json(server, "/readyz")[0] == 200
    health.remove("redis")
    assert list(get_json(server, "/readyz")[1]["conditions"]) == ["private main"]


def test_live_needs_only_the_vital_ones(server: HttpServer, health: Health) -> None:
    health.set("lease", False, "another holds it")
    health.set("loop", True, vital=True)
    assert get_json(server, "/healthz")[0] == 200
    health.set("loop", False, "no step for 30 s", vital=True)
    assert get_json(server, "/healthz")[0] == 503
    assert not health.live


def test_metrics_are_served(server: HttpServer, registry: CollectorRegistry) -> None:
    metrics = Metrics(registry)
    metrics.orders.labels("main", "BTCUSDT", "long", "accepted").inc()
    status, body = get(server, "/metrics")
    assert status == 200
    line = 'hedgegrid_orders_total{account="main",leg="long",outcome="accepted",symbol="BTCUSDT"} 1.0'
    assert line in body
    assert "_created" not in body


def test_a_failing_collector_is_a_500(server: HttpServer, registry: CollectorRegistry) -> None:
    def broken() -> float:
        raise RuntimeError("SENSITIVE")

    Gauge("broken", "x", registry=registry).set_function(broken)
    status, body = get(server, "/metrics")
    assert status == 500
    assert "SENSITIVE" not in body


def test_other_paths_are_404(server: HttpServer) -> None:
    assert get(server, "/")[0] == 404


def test_a_taken_port_is_a_config_error(server: HttpServer, health: Health) -> None:
    with pytest.raises(ConfigError, match=rf"HEDGEGRID_HTTP_PORT.*{server.port}.*0 for any free"):
        serve_http(health, CollectorRegistry(), "127.0.0.1", server.port)


def asked_as(server: HttpServer, path: str, host: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", path, headers={"Host": host})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "[::1]:8080", "localhost", "LOCALHOST:9100", "metrics:9100", "10.0.0.7"]
)
def test_addresses_and_names_without_a_dot_are_answered(server: HttpServer, host: str) -> None:
    assert asked_as(server, "/metrics", host) == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[evil", "1.2.3"])
def test_a_name_that_a_foreign_page_may_have_is_refused(server: HttpServer, host: str) -> None:
    assert asked_as(server, "/metrics", host) == 403
    assert asked_as(server, "/healthz", host) == 200


def test_a_name_of_the_operator_is_answered(health: Health, registry: CollectorRegistry) -> None:
    server = serve_http(health, registry, "127.0.0.1", 0, frozenset({"grid.example.org"}))
    assert asked_as(server, "/metrics", "Grid.example.org:443") == 200
    assert asked_as(server, "/metrics", "example.org") == 403
    server.close()
