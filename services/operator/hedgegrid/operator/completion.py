"""What the shell offers after a Tab. It never fails and never waits long: without Redis it offers nothing."""

from collections.abc import Callable

import redis

from hedgegrid.domain.trading_state import TradingState
from hedgegrid.operator.control import known_bots
from hedgegrid.operator.redis_client import with_redis
from hedgegrid.operator.tail import streams_of
from hedgegrid.runtime.errors import ConfigError


def states(incomplete: str) -> list[str]:
    """Trading states."""
    names = [state.value.lower().replace("_", "-") for state in TradingState]
    return [name for name in names if name.startswith(incomplete.lower())]


def bots(incomplete: str) -> list[str]:
    """Accounts and their bots."""

    def names(client: redis.Redis) -> list[str]:
        found = known_bots(client)
        return [*sorted({account for account, _ in found}), *(f"{account}:{symbol}" for account, symbol in found)]

    return _matching(names, incomplete)


def streams(incomplete: str) -> list[str]:
    """Streams, named without their hash tags."""

    def names(client: redis.Redis) -> list[str]:
        return [key.replace("{", "").replace("}", "") for key in streams_of(client, [])]

    return _matching(names, incomplete)


def _matching(names: Callable[[redis.Redis], list[str]], incomplete: str) -> list[str]:
    found: list[str] = []
    try:
        with_redis(lambda client: found.extend(names(client)))
    except ConfigError:
        return []
    return [name for name in found if name.startswith(incomplete)]
