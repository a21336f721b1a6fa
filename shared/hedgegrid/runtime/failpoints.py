"""Named points in the code where a test of failures ends, freezes or delays the process. Nothing in normal runs.

Without HEDGEGRID_FAILPOINTS `failpoint` is an empty function. With it, `failpoint(name)` acts as the variable says:

    name[:n][=action]     action: kill (default) | stop | sleep:MS; n: the n-th pass, 1 by default
    @FILE                 such a line is read from FILE whenever that exists, and FILE is removed as it acts

so that a process can be hit more than once, and its next life is not hit again. A wish acts once in a life.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from hedgegrid.runtime.errors import ConfigError

VARIABLE = "HEDGEGRID_FAILPOINTS"
POINTS = (
    "gateway.after_receive",
    "gateway.after_queue",
    "gateway.after_publish",
    "strategy.after_read",
    "strategy.after_decide",
    "strategy.before_commit",
    "strategy.after_commit",
    "strategy.in_snapshot",
    "strategy.at_takeover",
    "executor.after_read",
    "executor.before_sent",
    "executor.after_sent",
    "executor.after_record",
    "executor.after_write",
    "executor.after_reply",
    "executor.before_outcome",
    "executor.after_outcome",
    "metrics.before_save",
    "metrics.after_save",
)
"""Every point there is, `<service>.<where>`."""

Failpoint = Callable[[str], None]


class Plan(NamedTuple):
    """One wish: at the `nth` pass of `point` do `action`; `pause_ms` belongs to `sleep`."""

    point: str
    nth: int = 1
    action: str = "kill"
    pause_ms: int = 0


def parse_plan(text: str) -> Plan:
    """Read `name[:n][=action]`.

    Raises:
        ConfigError: no such point, number or action.
    """
    where, _, deed = text.strip().partition("=")
    point, _, nth = where.partition(":")
    action, _, pause_ms = (deed or "kill").partition(":")
    if point not in POINTS:
        raise ConfigError(f"{VARIABLE}: no point {point!r}; there are: {', '.join(POINTS)}")
    if action not in ("kill", "stop", "sleep") or (action == "sleep") != bool(pause_ms):
        raise ConfigError(f"{VARIABLE}: no action {deed!r}; write kill, stop or sleep:MS")
    numbers = (nth or "1", pause_ms or "0")
    if not all(number.isdecimal() for number in numbers) or int(numbers[0]) < 1:
        raise ConfigError(f"{VARIABLE}: {text!r}: the pass and the pause are whole numbers, such as {point}:2=sleep:50")
    return Plan(point, int(numbers[0]), action, int(numbers[1]))


def check(environ: Mapping[str, str], mode: str) -> None:
    """Refuse what would never act, and any of it where orders are real.

    Raises:
        ConfigError: see there.
    """
    wish = environ.get(VARIABLE, "")
    if wish and mode != "paper":
        raise ConfigError(f'{VARIABLE}: is set, which is for tests with mode = "paper" only; unset it')
    if wish and not wish.startswith("@"):
        parse_plan(wish)


def from_environment(environ: Mapping[str, str]) -> Failpoint:
    """What `failpoint` is under this environment."""
    wish = environ.get(VARIABLE, "")
    return _Armed(wish).passed if wish else _absent


def _absent(name: str) -> None:
    """Nothing: this is a normal run."""


class _Armed:
    """Carries out a wish, whichever thread passes the point."""

    def __init__(self, wish: str) -> None:
        self._file = Path(wish[1:]) if wish.startswith("@") else None
        self._wish = wish
        self._plan: Plan | None = None
        self._passes = 0
        self._done = False
        self._lock = threading.Lock()

    def passed(self, name: str) -> None:
        with self._lock:
            plan = self._plan = self._plan or self._next_plan()
            if plan is None or plan.point != name:
                return
            self._passes += 1
            if self._passes < plan.nth:
                return
            self._plan, self._passes, self._done = None, 0, True
            if self._file is not None:
                self._file.unlink(missing_ok=True)
        _act(plan)

    def _next_plan(self) -> Plan | None:
        if self._file is None:
            return None if self._done else parse_plan(self._wish)
        try:
            text = self._file.read_text(encoding="utf-8")
        except OSError:
            return None
        return parse_plan(text) if text else None


def _act(plan: Plan) -> None:
    if plan.action == "sleep":
        time.sleep(plan.pause_ms / 1000)
    else:
        os.kill(os.getpid(), signal.SIGKILL if plan.action == "kill" else signal.SIGSTOP)


failpoint: Failpoint = from_environment(os.environ)
"""Call it with the name of a point where the process may end."""

ARMED = failpoint is not _absent
