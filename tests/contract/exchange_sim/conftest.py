"""Fixtures: simulators that are stopped and pybit sockets that are left after each test."""

from collections.abc import Callable, Iterator
from typing import Any

import pybit._websocket_trading as pybit_trading
import pybit.unified_trading as pybit_sockets
import pytest
from pybit.unified_trading import WebSocket, WebSocketTrading

from tests.contract.exchange_sim.simulators import Inbox, Simulator, launch


@pytest.fixture
def simulator() -> Iterator[Callable[..., Simulator]]:
    """Starts simulators; each is stopped after the test."""
    started: list[Simulator] = []

    def start(*arguments: str) -> Simulator:
        started.append(launch(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Simulator, str], WebSocket]]:
    """Makes pybit sockets to a simulator (URL templates patched as in bybit-v5.md 4.1); each is left after the test."""
    opened: list[WebSocket] = []

    def connect(simulator: Simulator, channel: str) -> WebSocket:
        public = simulator.info["ws_public"].replace("/linear", "/{CHANNEL_TYPE}")
        monkeypatch.setattr(pybit_sockets, "PUBLIC_WSS", public)
        monkeypatch.setattr(pybit_sockets, "PRIVATE_WSS", simulator.info["ws_private"])
        options: dict[str, Any] = {"testnet": False}
        if channel == "private":
            options |= {"api_key": simulator.key, "api_secret": simulator.secret, "private_auth_expire": 10}
        opened.append(WebSocket(channel, **options))
        return opened[-1]

    yield connect
    for one in opened:
        one.exit()


@pytest.fixture
def trading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Simulator], WebSocketTrading]]:
    """Makes pybit trade sockets; each is left after the test."""
    opened: list[WebSocketTrading] = []

    def connect(simulator: Simulator) -> WebSocketTrading:
        monkeypatch.setattr(pybit_trading, "TRADE_WSS", simulator.info["ws_trade"])
        opened.append(WebSocketTrading(testnet=False, api_key=simulator.key, api_secret=simulator.secret))
        return opened[-1]

    yield connect
    for one in opened:
        one.exit()


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()
