"""Settings come from HEDGEGRID_* and a wrong one gives one line with variable, value and fix."""

from pathlib import Path

import pytest

from hedgegrid.runtime.settings import (
    ConfigError,
    ServiceSettings,
    load_settings,
    misspelt_variables,
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(f"HEDGEGRID_{name.upper()}", raising=False)


def test_defaults() -> None:
    settings = load_settings()
    assert settings.redis_url == settings.market_url == "redis://127.0.0.1:6379/0"
    assert settings.config == Path("config/hedgegrid.toml")
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 0)
    assert settings.allow_live == "no"
    assert settings.bybit_rest_url is None


def test_environment_wins_and_empty_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEGRID_MARKET_REDIS_URL", "redis://market:6379/1")
    monkeypatch.setenv("HEDGEGRID_HTTP_PORT", "")
    settings = load_settings()
    assert settings.market_url == "redis://market:6379/1"
    assert settings.http_port == 0


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("HEDGEGRID_HTTP_PORT", "http", ("HEDGEGRID_HTTP_PORT='http'", "integer", "0..65535")),
        ("HEDGEGRID_HTTP_PORT", "70000", ("65535", "'70000'")),
        ("HEDGEGRID_LOG_LEVEL", "LOUD", ("HEDGEGRID_LOG_LEVEL", "DEBUG, INFO")),
        ("HEDGEGRID_RECV_WINDOW_MS", "1", ("HEDGEGRID_RECV_WINDOW_MS", "100..60000 ms")),
        ("HEDGEGRID_BYBIT_REST_URL", "localhost", ("HEDGEGRID_BYBIT_REST_URL", "http://")),
        ("HEDGEGRID_INSTANCE_ID", "a b", ("HEDGEGRID_INSTANCE_ID", "unique per process")),
    ],
)
def test_a_wrong_value_names_variable_value_and_fix(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, parts: tuple[str, ...]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert part in text


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEGRID_HTTP_PORT", "x")
    monkeypatch.setenv("HEDGEGRID_LEASE_TTL_MS", "y")
    with pytest.raises(ConfigError, match=r"HTTP_PORT.*; HEDGEGRID_LEASE_TTL_MS"):
        load_settings()


def test_a_redis_password_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEGRID_REDIS_URL", "redis://user:hunter2hunter2@host:6379/0")
    assert "hunter2" not in repr(load_settings()) + str(load_settings())
    monkeypatch.setenv("HEDGEGRID_REDIS_URL", "htp://user:hunter2hunter2@host")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "HEDGEGRID_REDIS_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("HEDGEGRID_REDIS_URL", "redis://user:hunter2hunter2@host:port/0")
    with pytest.raises(ConfigError, match=r"HEDGEGRID_REDIS_URL: .*port is no number") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_a_service_may_add_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    class TapeSettings(ServiceSettings):
        tape_speed: float = 1.0

    monkeypatch.setenv("HEDGEGRID_TAPE_SPEED", "20")
    assert load_settings(TapeSettings).tape_speed == 20.0


def test_a_near_miss_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEDGEGRID_ORDER_RATE_PER_SEC", "5")
    monkeypatch.setenv("HEDGEGRID_MAIN_API_KEY", "k")
    warnings = misspelt_variables()
    assert [w for w in warnings if "ORDER_RATE_PER_SEC " in w and "ORDER_RATE_PER_S?" in w]
    assert not [w for w in warnings if "API_KEY" in w]
