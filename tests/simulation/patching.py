"""Puts the loom's threads, times, sockets and servers where the product's modules look for the real ones.

No product code knows of it: a module's own name for `threading`, `time`, `connect` and so on means the simulated one
while a simulation runs.
"""

import importlib
import os
import queue
import random
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

from pydantic import SecretStr

from hedgegrid.bus import connection
from hedgegrid.bybit import rest_transport, ws
from hedgegrid.runtime import credentials, settings
from hedgegrid.ws_gateway import gateway_metrics, observer
from tests.simulation import threads

MODULES = (
    "hedgegrid.strategy.worker",
    "hedgegrid.executor.account",
    "hedgegrid.executor.service",
    "hedgegrid.ws_gateway.app",
)
PACKAGES = (
    "hedgegrid.bus.",
    "hedgegrid.bybit.",
    "hedgegrid.runtime.",
    "hedgegrid.strategy.",
    "hedgegrid.executor.",
    "hedgegrid.ws_gateway.",
)


LOOK_LESS_OFTEN = {
    ("hedgegrid.executor.guard_loop", "LOOK_EVERY_S"): 0.25,
    ("hedgegrid.executor.kill_guard", "LOOK_EVERY_S"): 1.0,
    ("hedgegrid.executor.kill_record", "BLOCK_MS"): 500,
    ("hedgegrid.executor.term", "BLOCK_MS"): 1000,
    ("hedgegrid.ws_gateway.app", "OBSERVE_EVERY_S"): 2.0,
    ("hedgegrid.ws_gateway.event_publisher", "POLL_S"): 1.0,
    ("hedgegrid.ws_gateway.market_publisher", "POLL_S"): 1.0,
}
"""Waits that end by themselves when something comes, and looks at what seldom changes: shorter ones cost time only."""


class Nothing:
    """Takes any call and any attribute: metrics that nobody reads."""

    def __getattr__(self, name: str) -> "Nothing":
        return self

    def __call__(self, *args: Any, **options: Any) -> "Nothing":
        return self


NOTHING = Nothing()


class Os:
    """The module `os`, whose disk is as fast as memory, and which closes the files of the killed."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, *args: Any, **options: Any) -> int:
        fd = os.open(*args, **options)
        self._open.add(fd)
        return fd

    def close(self, fd: int) -> None:
        self._open.discard(fd)
        os.close(fd)

    def close_all(self) -> None:
        while self._open:
            os.close(self._open.pop())

    @staticmethod
    def fsync(fd: int) -> None:
        """A file survives the death of a process without it."""

    fdatasync = fsync


@cache
def _settings(kind: type[settings.ServiceSettings] = settings.ServiceSettings) -> settings.ServiceSettings:
    return kind()


def _credentials(account: str) -> SimpleNamespace:
    return SimpleNamespace(api_key=SecretStr(account), api_secret=SecretStr("secret"))


@contextmanager
def simulated(connect: Callable[..., Any], select_: object, http: type, private: Any, public: Any) -> Iterator[None]:
    """While inside, the product runs on the loom."""
    for name in MODULES:
        importlib.import_module(name)
    files = Os()
    replacements: list[tuple[object, object]] = [
        (threading, threads.Threading),
        (time, threads.Time),
        (random, threads.Dice),
        (os, files),
        (queue.SimpleQueue, threads.SimpleQueue),
        (connection.connect, connect),
        (select, select_),
        (rest_transport._Http, http),
        (ws.PrivateSocket, private),
        (ws.PublicSocket, public),
        (credentials.credentials, _credentials),
        (settings.load_settings, _settings),
        (gateway_metrics.GatewayMetrics, NOTHING),
        (observer.FeedObserver, NOTHING),
    ]
    by_id = {id(real): fake for real, fake in replacements}
    undo: list[tuple[dict[str, Any], str, Any]] = []
    for name, module in sorted(sys.modules.items()):
        if not name.startswith(PACKAGES):
            continue
        names = vars(module)
        for attribute, value in list(names.items()):
            if id(value) in by_id and not attribute.startswith("__"):
                undo.append((names, attribute, value))
                names[attribute] = by_id[id(value)]
    for (name, attribute), interval in LOOK_LESS_OFTEN.items():
        names = vars(sys.modules[name])
        undo.append((names, attribute, names[attribute]))
        names[attribute] = interval
    try:
        yield
    finally:
        files.close_all()
        for names, attribute, value in undo:
            names[attribute] = value
