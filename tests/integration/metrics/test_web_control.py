"""The live page may stop bots only with the token, and what it asks is signed."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.reader import CheckpointReader
from hedgegrid.bus.signed_control import ControlReader
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.control import ControlMessage, SetTradingState, ThrowKillSwitch
from hedgegrid.metrics import web_control
from hedgegrid.metrics.web_control import WebControl, _read_token
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.http_routes import Request
from tests.control_key import KEY

TOKEN = "t" * 40
HEADERS = {"host": "127.0.0.1:9100", "content-type": "application/json", "authorization": f"Bearer {TOKEN}"}
HALT = {"account": "main", "symbol": "BTCUSDT", "state": "HALTED"}


@pytest.fixture
def client(redis_url: str) -> redis.Redis:
    return connect(redis_url, "test")


@pytest.fixture
def control(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> WebControl:
    monkeypatch.setattr(web_control, "REFUSAL_S", 0.0)
    return WebControl(client, TOKEN, KEY, {"main": ("BTCUSDT",)})


def status(control: WebControl, body: Any, **headers: str) -> int:
    given = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return control.answer(Request(headers=given, body=json.dumps(body).encode())).status


def asked(client: redis.Redis) -> list[ControlMessage]:
    """What a service that verifies would obey."""
    reader, verifier = CheckpointReader(client), ControlReader(KEY)
    reader.follow(keys.control("main"))
    return [verifier.open(entry) for entry in reader.read(block_ms=1)]


def test_what_is_asked_with_the_token_is_signed_and_obeyed(control: WebControl, client: redis.Redis) -> None:
    assert status(control, HALT, origin="http://127.0.0.1:9100", sec_fetch_site="same-origin") == 202
    assert status(control, {"account": "main", "halt": True}) == 202
    state, halt = asked(client)
    assert isinstance(state, SetTradingState)
    assert (state.symbol, state.state, state.actor) == ("BTCUSDT", TradingState.HALTED, "live page")
    assert isinstance(halt, ThrowKillSwitch)
    assert halt.level is KillLevel.CANCEL


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": ""}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
    ],
)
def test_nothing_is_asked_without_the_token_or_from_another_site(
    control: WebControl, client: redis.Redis, headers: dict[str, str], refused: int
) -> None:
    assert status(control, HALT, **headers) == refused
    assert asked(client) == []


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({**HALT, "account": "other"}, 404),
        ({**HALT, "symbol": "ETHUSDT"}, 404),
        ({**HALT, "state": "GONE"}, 400),
        ({"account": "main"}, 400),
        ({**HALT, "surplus": 1}, 400),
        ([], 400),
    ],
)
def test_an_odd_wish_is_refused(control: WebControl, client: redis.Redis, body: Any, refused: int) -> None:
    assert status(control, body) == refused
    assert asked(client) == []


def test_the_token_alone_can_be_tried(control: WebControl, client: redis.Redis) -> None:
    assert status(control, {"check": True}) == 200
    assert status(control, {"check": True}, authorization="Bearer no") == 401
    assert asked(client) == []


def test_without_redis_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = WebControl(connect("redis://127.0.0.1:1/0", "test"), TOKEN, KEY, {"main": ("BTCUSDT",)})
    assert status(gone, HALT) == 503


def test_a_token_must_be_long_and_readable(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with pytest.raises(ConfigError, match="cannot be read"):
        _read_token(file)
    file.write_text("short\n")
    with pytest.raises(ConfigError, match="less than 24"):
        _read_token(file)
    file.write_text(f"{TOKEN}\n")
    assert _read_token(file) == TOKEN
