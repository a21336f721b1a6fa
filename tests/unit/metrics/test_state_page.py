"""/api/state: every configured bot is there from the start; figures as exact decimal strings, None = not known."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import ledger as lg
from hedgegrid.metrics.state_page import PATH
from hedgegrid.runtime.health import Health, HttpServer, serve_http
from hedgegrid.runtime.http_routes import MOST_BODY_BYTES, Request, Response
from tests.unit.metrics import sample
from tests.unit.metrics.page_world import Given
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS, d

PLANS = {"break_even_px", "opened_ms", "levels", "lines", "exits", "denied"}
"""What comes from the bot's own state."""


@pytest.fixture
def given() -> Given:
    return Given()


def test_before_the_first_message_nothing_is_claimed(given: Given) -> None:
    shown = given.shown()
    assert [(bot["account"], bot["symbol"]) for bot in shown["bots"]] == [(ACCOUNT, BTC), (ACCOUNT, "ETHUSDT")]
    bot = shown["bots"][0]
    assert (bot["last_px"], bot["state"], bot["legs"]["long"]["qty"]) == (None, None, None)
    assert bot["legs"]["short"]["realised"] == {"gross": "0", "fees": "0", "funding": "0", "net": "0"}
    assert shown["accounts"][0]["wallet"]["age_ms"] is None
    assert shown["feeds"] == {"public": None}


def test_a_bot_in_the_middle_of_a_cycle(given: Given) -> None:
    given.market.apply(BTC, "1-0", sample.tick(mark_px=d(49000)))
    short: dict[str, Any] = {"leg": Leg.SHORT}
    given.account.events.apply("1-0", sample.position(**short, qty=d("0.02"), entry_px=d("50000.5")))
    given.account.events.apply("2-0", sample.wallet(im_rate=None))
    given.account.events.apply("3-0", sample.accepted(**short))
    rows: list[lg.LedgerMessage] = [
        sample.fill(**short),
        sample.fill(**short, level=1, purpose=Purpose.AVERAGING, gross=d("1E+2")),
        sample.funding(**short, amount=d("0.5")),
        lg.StateChanged(symbol=BTC, ts_event=NOW_MS, state=TradingState.TP_ONLY, reason="r", actor="a"),
    ]
    for number, row in enumerate(rows, start=1):
        given.account.ledger.apply(f"{number}-0", row)
    given.account.commands.apply("1-0", sample.submit(**short))
    shown = given.shown()
    bot = shown["bots"][0]
    leg = bot["legs"]["short"]
    assert {name: leg[name] for name in leg if name not in PLANS} == {
        "qty": "0.02", "entry_px": "50000.5", "unrealised": "20.01", "level": 2, "working_orders": 1, "cycles": 0,
        "liq_px": None, "fills": 2, "realised": {"gross": "100", "fees": "-0.2", "funding": "-0.5", "net": "99.3"},
        "mismatch": None,
    }  # fmt: skip
    assert bot["state"] == "TP_ONLY"
    assert bot["orders"] == {"submitted": 1, "accepted": 1}
    assert bot["commands"] == {"submit": 1}
    assert shown["accounts"][0]["wallet"] == {
        "equity": "1000", "balance": "990", "available": "900", "im_rate": None, "mm_rate": "0.02", "age_ms": 1500,
        "received_ms": NOW_MS,
    }  # fmt: skip
    assert shown["feeds"] == {"public": True}


@pytest.fixture
def server(given: Given) -> Iterator[HttpServer]:
    health = Health()
    health.routes["GET", PATH] = given.page.answer
    health.routes["GET", "/broken"] = lambda request: 1 // 0  # type: ignore[assignment, return-value]
    health.routes["POST", "/echo"] = echo
    server = serve_http(health, CollectorRegistry(), "127.0.0.1", 0)
    yield server
    server.close()


def echo(request: Request) -> Response:
    return Response(content_type="text/plain", body=request.body + request.headers["x-word"].encode())


def get(server: HttpServer, path: str) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def test_the_page_is_served_beside_metrics_and_health(server: HttpServer) -> None:
    status, kind, body = get(server, f"{PATH}?pretty")
    assert (status, kind) == (200, "application/json")
    assert json.loads(body)["mode"] == "paper"
    assert get(server, "/healthz")[0] == 200
    assert get(server, "/broken")[0] == 500
    status, _, body = get(server, "/other")
    assert status == 404
    assert PATH.encode() in body


def post(server: HttpServer, body: bytes, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.putrequest("POST", "/echo")
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        connection.send(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_route_takes_a_short_body_and_its_headers(server: HttpServer) -> None:
    assert post(server, b"say ", Content_Length="4", X_Word="it") == (200, b"say it")
    assert post(server, b"", X_Word="it")[0] == 411
    assert post(server, b"", Content_Length="-1", X_Word="it")[0] == 411
    assert post(server, b"", Content_Length=str(MOST_BODY_BYTES + 1), X_Word="it")[0] == 413
