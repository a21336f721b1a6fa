"""No real order without a word in the config and one in the environment."""

import pytest

from hedgegrid.runtime.config import (
    ConfigError,
    SystemConfig,
    parse_config,
    require_live_permission,
    require_venue_urls,
)
from hedgegrid.runtime.settings import ServiceSettings


def config(mode: str) -> SystemConfig:
    return parse_config(f'mode = "{mode}"\n[[accounts]]\nid = "m"\n[[accounts.bots]]\nsymbol = "BTCUSDT"\nleverage = 5')


def settings(**values: str) -> ServiceSettings:
    return ServiceSettings.model_validate(values)


@pytest.mark.parametrize("said", ["", "no", "true", "YES", "1"])
def test_live_needs_exactly_yes(said: str) -> None:
    with pytest.raises(ConfigError, match="HEDGEGRID_ALLOW_LIVE=yes"):
        require_live_permission(config("live"), settings(allow_live=said))


def test_live_with_permission_and_other_modes_pass() -> None:
    require_live_permission(config("live"), settings(allow_live="yes"))
    for mode in ("paper", "demo", "testnet"):
        require_live_permission(config(mode), settings())


@pytest.mark.parametrize(
    ("mode", "url"),
    [
        ("paper", "https://api.bybit.com"),
        ("paper", "https://API.BYTICK.COM/"),
        ("paper", "https://api.bybit-tr.com"),
        ("demo", "https://api.bybit.nl"),
        ("testnet", "https://api-demo.bybit.com"),
    ],
)
def test_a_mode_cannot_be_led_to_the_real_venue_by_url(mode: str, url: str) -> None:
    with pytest.raises(ConfigError, match="HEDGEGRID_BYBIT_REST_URL: api"):
        require_live_permission(config(mode), settings(bybit_rest_url=url, allow_live="yes"))


def test_a_private_socket_neither() -> None:
    with pytest.raises(ConfigError, match="HEDGEGRID_BYBIT_WS_PRIVATE_URL"):
        require_live_permission(config("paper"), settings(bybit_ws_private_url="wss://stream.bybit.com/v5/private"))


@pytest.mark.parametrize(
    ("mode", "url"),
    [
        ("paper", "http://127.0.0.1:8080"),
        ("paper", "http://bybit-sim:8080"),
        ("demo", "https://api-demo.bybit.com"),
        ("testnet", "https://api-testnet.bybit.com"),
    ],
)
def test_fitting_urls_pass(mode: str, url: str) -> None:
    require_live_permission(config(mode), settings(bybit_rest_url=url))


def test_paper_needs_the_simulators_urls() -> None:
    with pytest.raises(ConfigError, match=r"HEDGEGRID_BYBIT_REST_URL, HEDGEGRID_BYBIT_WS_PUBLIC"):
        require_venue_urls(config("paper"), settings())
    require_venue_urls(config("demo"), settings())
