"""The service as a process of its own, against the exchange simulator and a real Redis."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.domain.order import Leg
from hedgegrid.messages.base import Message
from hedgegrid.messages.events import OrderAccepted, OrderCanceled, OrderFilled, PositionChanged, WalletChanged
from hedgegrid.messages.market import QuoteTick
from hedgegrid.operator.redis_server import RedisBinary, RedisServer, free_port
from tests.contract.exchange_sim.simulators import Simulator, launch
from tests.integration.ws_gateway.rig import eventually

CONFIG = """
mode = "paper"

[[accounts]]
id = "main"

[[accounts.bots]]
symbol = "BTCUSDT"
leverage = 10
"""
BTC: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT", "qty": "0.01"}


class Service:
    """A running gateway; `port` serves its health and metrics."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEGRID_")}
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hedgegrid.ws_gateway"], env=inherited | environment, stderr=output
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def port(self) -> int:
        lines = [json.loads(line) for line in self.log.splitlines()]
        return next((int(line["port"]) for line in lines if "port" in line), 0)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(15)


Start = Callable[..., Service]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    config = tmp_path / "hedgegrid.toml"
    config.write_text(CONFIG)
    services: list[Service] = []

    def run(**environment: str) -> Service:
        variables = {f"HEDGEGRID_{name.upper()}": value for name, value in environment.items()}
        log = tmp_path / f"gateway{len(services)}.log"
        services.append(Service({"HEDGEGRID_CONFIG": str(config)} | variables, log))
        return services[-1]

    yield run
    for service in services:
        service.stop()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = launch("--synthetic", "flat", "--symbols", "BTCUSDT")
    yield simulator
    simulator.close()


def venue(simulator: Simulator) -> dict[str, str]:
    return {
        "bybit_rest_url": simulator.info["rest"],
        "bybit_ws_public_url": simulator.info["ws_public"],
        "bybit_ws_private_url": simulator.info["ws_private"],
        "main_api_key": simulator.key,
        "main_api_secret": simulator.secret,
    }


def messages(redis_url: str, stream: str, decode: Callable[[Any], Message]) -> list[Message]:
    client = connect(redis_url, "test-look")
    try:
        rows: Any = client.xrange(stream)
        return [decode(fields) for _, fields in rows]
    finally:
        client.close()


def test_a_round_trip_of_both_legs_reaches_redis_with_the_venues_own_result(
    start: Start, simulator: Simulator, redis_url: str
) -> None:
    gateway = start(redis_url=redis_url, progress="1", **venue(simulator))
    eventually(lambda: gateway.port and gateway.get("/readyz")[0] == 200, "gateway ready")
    session = simulator.http()
    session.switch_position_mode(category="linear", coin="USDT", mode=3)
    session.place_order(**BTC, side="Buy", orderType="Limit", price="60000", positionIdx=1, orderLinkId="rest")
    session.cancel_order(category="linear", symbol="BTCUSDT", orderLinkId="rest")
    for side, idx, closes in (("Buy", 1, False), ("Sell", 2, False), ("Sell", 1, True), ("Buy", 2, True)):
        session.place_order(
            **BTC, side=side, orderType="Market", positionIdx=idx, reduceOnly=closes, orderLinkId=f"{side}{idx}"
        )

    def events() -> list[Message]:
        return messages(redis_url, keys.events("main"), codec.decode_event)

    def flat_legs() -> set[Leg]:
        newest = {event.leg: event for event in events() if isinstance(event, PositionChanged)}
        return {leg for leg, position in newest.items() if position.qty == 0}

    eventually(lambda: sum(isinstance(event, OrderFilled) for event in events()) >= 4, "four fills")
    eventually(lambda: flat_legs() == {Leg.LONG, Leg.SHORT}, "both legs flat")
    seen = events()
    assert type(seen[0]).__name__ == "FeedConnected"
    assert any(isinstance(event, OrderAccepted) and event.client_order_id == "rest" for event in seen)
    assert any(isinstance(event, OrderCanceled) and "CancelByUser" in event.reason for event in seen)
    assert any(isinstance(event, WalletChanged) for event in seen)
    for leg in Leg:
        fills = [event for event in seen if isinstance(event, OrderFilled) and event.leg is leg]
        realised = sum((fill.gross - fill.fee for fill in fills), Decimal(0))
        newest = [event for event in seen if isinstance(event, PositionChanged) and event.leg is leg][-1]
        assert realised == newest.cum_realised
    ticks = messages(redis_url, keys.market("BTCUSDT"), codec.decode_market)
    assert any(isinstance(tick, QuoteTick) and tick.bid_px < tick.ask_px for tick in ticks)
    exposition = gateway.get("/metrics")[1]
    assert 'hedgegrid_feed_up{account="main",feed="private"} 1.0' in exposition
    assert 'hedgegrid_feed_frames_total{account="main",feed="private",topic="order"}' in exposition
    assert gateway.stop() == 0
    assert [type(event).__name__ for event in events()][-1] == "FeedLost"
    assert type(messages(redis_url, keys.market("BTCUSDT"), codec.decode_market)[-1]).__name__ == "FeedLost"
    assert simulator.secret not in gateway.log
    assert simulator.key not in gateway.log


def test_a_gateway_that_is_there_before_redis_and_the_venue_begins_when_they_come(
    start: Start, tmp_path: Path, redis_binary: RedisBinary
) -> None:
    """As after a reboot of the machine: whoever comes first waits for the others."""
    port, server = free_port(), RedisServer(tmp_path / "redis", binary=redis_binary, port=free_port())
    base = f"127.0.0.1:{port}"
    secrets = {"api_key": "key-of-the-account", "api_secret": "secret-of-the-account"}
    gateway = start(
        redis_url=server.url,
        bybit_rest_url=f"http://{base}",
        bybit_ws_public_url=f"ws://{base}/v5/public/linear",
        bybit_ws_private_url=f"ws://{base}/v5/private",
        **{f"main_{name}": value for name, value in secrets.items()},
    )
    eventually(lambda: gateway.port and gateway.get("/readyz")[0] == 503, "it waits")
    with server:
        eventually(lambda: messages(server.url, keys.events("main"), codec.decode_event), "the missing venue is told")
        accounts = tmp_path / "accounts.json"
        accounts.write_text(json.dumps({"accounts": [{"id": "main", "balance": "1000", **secrets}]}))
        told = ("--port", str(port), "--accounts", str(accounts))
        simulator = launch(*told, "--synthetic", "flat", "--symbols", "BTCUSDT")
        try:
            eventually(lambda: gateway.get("/readyz")[0] == 200, "ready", 90)
        finally:
            simulator.close()


def test_wrong_key_is_not_ready_and_says_why(start: Start, simulator: Simulator, redis_url: str) -> None:
    gateway = start(redis_url=redis_url, **(venue(simulator) | {"main_api_secret": "a-wrong-secret-1234"}))

    def why() -> str:
        return gateway.get("/readyz")[1] if gateway.port else ""

    eventually(lambda: "auth: " in why(), "the refused log-in in the health report")
    status, body = gateway.get("/readyz")
    assert status == 503
    conditions = json.loads(body)["conditions"]
    assert not conditions["private:main"]["ok"]
    assert "a-wrong-secret-1234" not in gateway.log + body
    assert gateway.get("/healthz")[0] == 200


@pytest.mark.parametrize(
    ("missing", "named"),
    [("main_api_key", "HEDGEGRID_MAIN_API_KEY"), ("bybit_ws_private_url", "HEDGEGRID_BYBIT_WS_PRIVATE_URL")],
)
def test_incomplete_configuration_ends_with_one_line(start: Start, missing: str, named: str) -> None:
    given = {
        "bybit_rest_url": "http://127.0.0.1:1",
        "bybit_ws_public_url": "ws://127.0.0.1:1/v5/public/linear",
        "bybit_ws_private_url": "ws://127.0.0.1:1/v5/private",
        "main_api_key": "key-12345",
        "main_api_secret": "secret-12345",
    }
    del given[missing]
    gateway = start(redis_url="redis://127.0.0.1:1/0", **given)
    assert gateway.process.wait(20) == 2
    assert named in gateway.log
    assert "secret-12345" not in gateway.log
    assert len([line for line in gateway.log.splitlines() if "configuration error" in line]) == 1
