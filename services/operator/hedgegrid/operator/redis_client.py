"""The Redis that a command talks to: of the environment, else of the running demo, else the default one."""

from collections.abc import Callable

import redis

from hedgegrid.bus.connection import connect
from hedgegrid.operator.project_files import running_demo_urls
from hedgegrid.operator.redis_server import URL_VARIABLE
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import load_settings

NAME = "hedgegrid-cli"


def redis_urls() -> tuple[str, str]:
    """Addresses of the money and the market server."""
    settings = load_settings()
    if "redis_url" not in settings.model_fields_set:
        demo = running_demo_urls()
        if demo:
            return demo[0], demo[-1]
    return settings.redis_url, settings.market_url


def with_redis(act: Callable[[redis.Redis], None], market: bool = False) -> None:
    """Run `act` on the money server, or the market one.

    Raises:
        ConfigError: it does not answer.
    """
    money_url, market_url = redis_urls()
    client = connect(market_url if market else money_url, NAME)
    try:
        act(client)
    except redis.RedisError as error:
        raise ConfigError(f"{URL_VARIABLE}: that Redis does not answer ({type(error).__name__})") from error
    finally:
        client.close()
