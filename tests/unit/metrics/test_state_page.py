"""/api/state: every configured bot is there from the start; figures as exact decimal strings, None = not known."""

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
from hedgegrid.metrics.fleet_gauges import FleetGauges
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.state_page import PATH, StatePage
from hedgegrid.metrics.stream_gauges import StreamGauges
from hedgegrid.metrics.streams import Account, open_account
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.health import Health, HttpServer, serve_http
from hedgegrid.runtime.metric_names import Metrics
from tests.unit.metrics import sample
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS, d


class Given:
    """A page over projections that a test fills."""

    def __init__(self) -> None:
        symbols: dict[str, tuple[str, ...]] = {ACCOUNT: (BTC, "ETHUSDT")}
        metrics = Metrics()
        self.account: Account = open_account(ACCOUNT)
        self.market = MarketProjection()
        self.page = StatePage(
            mode="paper",
            accounts=[(self.account, symbols[ACCOUNT])],
            market=self.market,
            streams=StreamGauges(metrics, symbols),
            fleet=FleetGauges(metrics, symbols),
            clock=ManualClock(NOW_MS + 1500),
        )

    def shown(self) -> dict[str, Any]:
        _, body = self.page.render()
        document: dict[str, Any] = json.loads(body)
        return document


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
    assert bot["legs"]["short"] == {
        "qty": "0.02", "entry_px": "50000.5", "unrealised": "20.01", "level": 2, "working_orders": 1, "cycles": 0,
        "fills": 2, "realised": {"gross": "100", "fees": "-0.2", "funding": "-0.5", "net": "99.3"}, "mismatch": None,
    }  # fmt: skip
    assert bot["state"] == "TP_ONLY"
    assert bot["orders"] == {"submitted": 1, "accepted": 1}
    assert bot["commands"] == {"submit": 1}
    assert shown["accounts"][0]["wallet"] == {
        "equity": "1000", "balance": "990", "available": "900", "im_rate": None, "mm_rate": "0.02", "age_ms": 1500,
    }  # fmt: skip
    assert shown["feeds"] == {"public": True}


@pytest.fixture
def server(given: Given) -> Iterator[HttpServer]:
    health = Health()
    health.pages[PATH] = given.page.render
    health.pages["/broken"] = lambda: 1 // 0  # type: ignore[assignment, return-value]
    server = serve_http(health, CollectorRegistry(), "127.0.0.1", 0)
    yield server
    server.close()


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
