"""Where the two Redis roles are."""

from collections.abc import Mapping
from typing import NamedTuple

from hedgegrid.operator.redis_server import URL_VARIABLE

MARKET_URL_VARIABLE = "HEDGEGRID_MARKET_REDIS_URL"


class RedisUrls(NamedTuple):
    """The money server (streams of the accounts, every write on disk) and the market server (ticks, memory only)."""

    money: str
    market: str


def external_urls(environ: Mapping[str, str]) -> RedisUrls | None:
    """The servers the user names, None when the demo shall run its own."""
    money = environ.get(URL_VARIABLE)
    return RedisUrls(money, environ.get(MARKET_URL_VARIABLE) or money) if money else None
