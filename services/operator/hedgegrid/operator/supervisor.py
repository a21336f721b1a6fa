"""Keeps the services running: starts them in order, restarts what dies, stops all in reverse order."""

import itertools
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from hedgegrid.operator.children import Child, ChildSpec

STOP_TIMEOUT_S = 5.0
DEATHS_MAX = 5
DEATHS_WINDOW_S = 60.0
BACKOFF_S = 0.2
BACKOFF_MAX_S = 5.0
SETTLED_S = 10.0
"""Whoever has run for so long is back at once when it dies, as with docker's restart policy: it does not keep dying."""
LAST_LINES = 8
EXIT_CONFIG = 2
"""What a service exits with when its configuration is wrong: starting it again would not help."""


class GaveUp(Exception):
    """A service is beyond help; holds its exit code and its last log lines."""

    def __init__(self, name: str, exit_code: int, why: str, last_lines: list[str]) -> None:
        super().__init__(f"{name} {why} ({ending(exit_code)})")
        self.name = name
        self.exit_code = exit_code
        self.last_lines = last_lines


class _Watched:
    def __init__(self, child: Child) -> None:
        self.child = child
        self.deaths: deque[float] = deque()
        self.restart_at: float | None = None


class Supervisor:
    """Owns every process it starts; `say` gets one line per event."""

    def __init__(
        self, folder: Path, say: Callable[[str], None], backoff_s: float = BACKOFF_S, settled_s: float = SETTLED_S
    ) -> None:
        self._folder = folder
        self._say = say
        self._backoff_s = backoff_s
        self._settled_s = settled_s
        self._watched: list[_Watched] = []
        self.restarts = 0

    @property
    def children(self) -> list[Child]:
        return [watched.child for watched in self._watched]

    def start(self, spec: ChildSpec) -> Child:
        """Start a process and watch it from now on."""
        watched = _Watched(Child(spec, self._folder))
        self._watched.append(watched)
        watched.child.start()
        return watched.child

    def end(self, child: Child) -> None:
        """End one process in order and watch it no more."""
        self._watched = [watched for watched in self._watched if watched.child is not child]
        self._stop_stage([child])

    def check(self) -> None:
        """Restart whatever has died, each after its back-off; to be called often.

        Raises:
            GaveUp: a service died more than `DEATHS_MAX` times within `DEATHS_WINDOW_S` and never ran for long, or a
                restart cannot help.
        """
        for watched in self._watched:
            now = time.monotonic()
            if watched.restart_at is not None:
                if now >= watched.restart_at:
                    watched.restart_at = None
                    watched.child.start()
                    self.restarts += 1
                continue
            exit_code = watched.child.exit_code()
            if exit_code is not None:
                self._bury(watched, exit_code, now)

    def _bury(self, watched: _Watched, exit_code: int, now: float) -> None:
        child, deaths = watched.child, watched.deaths
        if now - child.started_s >= self._settled_s:
            deaths.clear()
        while deaths and now - deaths[0] > DEATHS_WINDOW_S:
            deaths.popleft()
        deaths.append(now)
        if not child.spec.restart or exit_code == EXIT_CONFIG:
            raise GaveUp(child.spec.name, exit_code, "has ended", child.last_lines(LAST_LINES))
        if len(deaths) > DEATHS_MAX:
            why = f"died {len(deaths)} times within {DEATHS_WINDOW_S:.0f} s"
            raise GaveUp(child.spec.name, exit_code, why, child.last_lines(LAST_LINES))
        delay = min(self._backoff_s * 2 ** (len(deaths) - 1), BACKOFF_MAX_S)
        watched.restart_at = now + delay
        self._say(f"{child.spec.name} died ({ending(exit_code)}); restarting in {delay:.1f} s")

    def stop(self) -> None:
        """End every process, the last stage first: SIGTERM, and SIGKILL for whoever is still there after 5 s."""
        for watched in self._watched:
            watched.restart_at = None
        in_reverse = sorted(self.children, key=lambda child: child.spec.stage)
        in_reverse.reverse()
        for _, group in itertools.groupby(in_reverse, key=lambda child: child.spec.stage):
            self._stop_stage(list(group))

    def _stop_stage(self, children: list[Child]) -> None:
        for child in children:
            child.terminate()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in children:
            if not child.wait(max(0.0, deadline - time.monotonic())):
                self._say(f"{child.spec.name} did not stop within {STOP_TIMEOUT_S:.0f} s; killed")
                child.kill()
                child.wait(STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End every process at once; safe inside a signal handler."""
        for child in self.children:
            child.kill()


def ending(exit_code: int) -> str:
    """How a process ended, in words."""
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
