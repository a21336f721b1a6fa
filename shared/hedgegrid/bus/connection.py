"""Connections to Redis, set up so that no command is ever repeated behind our back."""

import logging
import threading
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

BLOCK_MS = 2000
"""Longest blocking read; the socket timeout must lie above it or redis-py restarts the read silently."""
SOCKET_TIMEOUT_S = 5.0
TRY_AGAIN_S = 0.2
OUTAGE = (redis.ConnectionError, redis.TimeoutError)
"""What passes by itself. Any other answer of Redis, such as a key of the wrong type, does not."""

_log = logging.getLogger(__name__)


def connect(
    url: str,
    client_name: str,
    connection_class: type[redis.Connection] | None = None,
    on_connect: Callable[[Any], None] | None = None,
) -> redis.Redis:
    """Client without hidden retries: redis-py's default re-sends after a lost reply and so doubles entries.

    One client per thread that blocks; RESP2 and bytes, as both our readers and FastStream expect. `on_connect` is given
    each new connection before anything else goes over it; it has to greet the server itself.
    """
    kind: dict[str, Any] = {} if connection_class is None else {"connection_class": connection_class}
    if on_connect is not None:
        kind["redis_connect_func"] = on_connect
    return redis.Redis.from_url(
        url,
        **kind,
        client_name=client_name,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=2.0,
        socket_keepalive=True,
        health_check_interval=0,
        protocol=2,
        decode_responses=False,
    )


def wait_for_server(client: redis.Redis, stopping: threading.Event) -> bool:
    """Wait until the server answers; False when told to stop before. Who starts in an outage must not die of it.

    Raises:
        redis.AuthenticationError: it answers, and does not let us in.
    """
    told = False
    while not stopping.is_set():
        try:
            client.ping()
        except redis.AuthenticationError:
            raise
        except OUTAGE as error:
            if not told:
                _log.warning("waiting for redis: %s", error)
            told = True
            stopping.wait(TRY_AGAIN_S)
        else:
            return True
    return False


def load_functions(client: redis.Redis) -> None:
    """Make the library of `functions.lua` present on the server; a no-op when the same text is there."""
    if not functions_are_ours(client):
        client.function_load(_library(), replace=True)


def functions_are_ours(client: redis.Redis) -> bool:
    """False when the library is not there, or is the one of another version of this program."""
    source = _library().encode()
    return any(source in _flatten(library) for library in client.function_list("hedgegrid1", withcode=True))


@cache
def _library() -> str:
    return files(__package__).joinpath("functions.lua").read_text()


def _flatten(library: object) -> list[object]:
    """Values of a library row, which RESP2 gives as a flat list and RESP3 as a dict."""
    if isinstance(library, dict):
        return list(library.values())
    return list(library) if isinstance(library, list) else []
