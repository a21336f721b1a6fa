"""A program of a service, run alone in the place of this process: the operator imports no service."""

import os
import sys
from collections.abc import Mapping, Sequence

from hedgegrid.operator.redis_client import redis_urls
from hedgegrid.operator.redis_server import URL_VARIABLE
from hedgegrid.operator.services import base_environment

CONFIG_VARIABLE = "HEDGEGRID_CONFIG"


def become_exchange(arguments: Sequence[str]) -> None:
    """Replace this process by the simulated exchange: signals, output and exit code are its own.

    It is not told the API keys and addresses that the environment may hold for other services.
    """
    _become("hedgegrid.exchange_sim", arguments)


def become_strategy_tool(name: str, arguments: Sequence[str]) -> None:
    """The same with `python -m hedgegrid.strategy.NAME`: `check` or `backtest`."""
    _become(f"hedgegrid.strategy.{name}", arguments)


def become_transition(arguments: Sequence[str]) -> None:
    """The same with `python -m hedgegrid.strategy.transition`, which asks Redis what runs and which config is in place.

    The address goes by the environment, where a password in it is nobody else's to read.
    """
    told = {name: os.environ[name] for name in (CONFIG_VARIABLE,) if name in os.environ}
    environment = {**base_environment(os.environ), **told, URL_VARIABLE: redis_urls()[0]}
    _become("hedgegrid.strategy.transition", arguments, environment)


def become_deadman() -> None:
    """The same with the dead man's switch, which needs the keys."""
    _become("hedgegrid.deadman", (), os.environ)


def _become(module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    environment = base_environment(os.environ) if environment is None else environment
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)  # noqa: S606 no shell is wanted
