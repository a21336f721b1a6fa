"""The Redis servers of a demo run: those the environment names, or two of its own in the run folder."""

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect
from hedgegrid.operator.redis_server import (
    MARKET_CONF,
    URL_VARIABLE,
    RedisServer,
    RedisUnavailableError,
    in_checkout,
)
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.operator.services import INSTANCE_PREFIX
from hedgegrid.runtime.errors import ConfigError

HEARTBEAT_LIFE_S = 6.0
RESTARTS_MAX = 5
RESTARTS_WINDOW_S = 60.0
_SERVICES = ("ws-gateway", "strategy", "executor", "metrics")


class RunRedis:
    """Servers that answer from `start` to `stop`; one of our own is started again when it dies."""

    def __init__(
        self, folder: Path, external: RedisUrls | None, say: Callable[[str], None], realtime: bool = False
    ) -> None:
        """`realtime` is for servers of our own."""
        self._folder = folder
        self._realtime = realtime
        self._own: list[RedisServer] = []
        self._external = external
        self._say = say
        self._restarts: deque[float] = deque()

    @property
    def urls(self) -> RedisUrls:
        return self._external or RedisUrls(*(server.url for server in self._own))

    @property
    def own(self) -> tuple[RedisServer, ...]:
        """Our own servers, money first; none if the environment names others."""
        return tuple(self._own)

    @property
    def is_own(self) -> bool:
        return self._external is None

    def start(self) -> tuple[redis.Redis, redis.Redis]:
        """Return clients of the running money and market servers; raise ConfigError when there are none to be had."""
        try:
            if self.is_own:
                market = in_checkout(MARKET_CONF)
                self._own = [
                    RedisServer(self._folder / "money", realtime=self._realtime),
                    RedisServer(self._folder / "market", conf=market, realtime=self._realtime),
                ]
            for server in self._own:
                server.start()
            clients = connect(self.urls.money, "hedgegrid-demo"), connect(self.urls.market, "hedgegrid-demo")
            for client in clients:
                client.ping()
        except RedisUnavailableError as error:
            raise ConfigError(str(error)) from error
        except (redis.RedisError, ValueError) as error:
            # The URL may hold a password: its value is shown nowhere.
            raise ConfigError(f"{URL_VARIABLE}: that server does not answer ({type(error).__name__})") from error
        return clients

    def check(self, *clients: redis.Redis) -> None:
        """Bring a server of our own back, with its data, if it is gone.

        Raises:
            RedisUnavailableError: it dies again and again.
        """
        for server, client in zip(self._own, clients, strict=False):
            try:
                client.ping()
            except redis.TimeoutError:
                continue
            except redis.ConnectionError:
                self._restart(server)

    def _restart(self, server: RedisServer) -> None:
        now = time.monotonic()
        while self._restarts and now - self._restarts[0] > RESTARTS_WINDOW_S:
            self._restarts.popleft()
        self._restarts.append(now)
        if len(self._restarts) > RESTARTS_MAX:
            raise RedisUnavailableError(f"redis died {len(self._restarts)} times within a minute") from None
        self._say("redis died; starting it again with its data")
        server.kill()
        server.start()

    def stop(self) -> None:
        for server in self._own:
            server.stop()

    def kill(self) -> None:
        """End our own servers at once; safe inside a signal handler."""
        # Not RedisServer.kill: it waits, and whoever was interrupted may hold the lock of that wait.
        for server in self._own:
            if server.pid is not None:
                os.kill(server.pid, signal.SIGKILL)


def clear_former_demo(
    client: redis.Redis, market: redis.Redis, accounts: Iterable[str], symbols: Iterable[str]
) -> None:
    """Remove what a former demo left of these accounts: its exchange is gone, so its books mean nothing.

    State that anybody else wrote is never touched.

    Raises:
        ConfigError: services run on this Redis, or it holds state of these accounts that is not a demo's.
    """
    accounts = tuple(accounts)
    found = [key for account in accounts for key in client.scan_iter(match=_all_keys(account), count=1000)]
    if not found and not _beats(client):
        return
    deadline = time.monotonic() + HEARTBEAT_LIFE_S
    while beats := _beats(client):
        if time.monotonic() > deadline:
            raise ConfigError(
                f"{URL_VARIABLE}: services run on that Redis ({', '.join(sorted(beats))}); stop them,"
                " use another database, or unset it to let the demo start its own"
            )
        time.sleep(0.2)
    for key in found:
        writer = _writer(client, key)
        if writer is not None and not writer.startswith(INSTANCE_PREFIX):
            raise ConfigError(
                f"{URL_VARIABLE}: that Redis holds {key.decode()}, written by {writer}, which was no demo;"
                " use another database, or unset it to let the demo start its own"
            )
    client.unlink(*found, keys.members("strategy"))
    market.unlink(*map(keys.market, symbols), *map(keys.progress, accounts))


def _all_keys(account: str) -> str:
    return keys.events(account).removesuffix("events") + "*"


def _beats(client: redis.Redis) -> list[str]:
    patterns = [keys.heartbeat(service, "*") for service in _SERVICES]
    return [key.decode() for pattern in patterns for key in client.scan_iter(match=pattern, count=1000)]


def _writer(client: redis.Redis, key: bytes) -> str | None:
    """Who made the last commit to a state; None for a key that holds no state."""
    if client.type(key) != b"hash":
        return None
    commit_id: Any = client.hget(key.decode(), "commit_id")
    return commit_id.decode() if commit_id else None
