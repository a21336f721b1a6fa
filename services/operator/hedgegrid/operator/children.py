"""One child process: how it is started, watched and ended. Signals go only to processes started here."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_TAIL_BYTES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to run. `stage`: higher stages start later and stop earlier."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    stage: int = 0
    restart: bool = True
    """False: its death ends the run, since what it knew is gone with it."""
    captures_stdout: bool = False
    """True: stdout is kept in memory for the supervisor and never reaches the log (it holds keys)."""


class Child:
    """A process with its log `<folder>/<name>.log`, over any number of restarts."""

    def __init__(self, spec: ChildSpec, folder: Path) -> None:
        self.spec = spec
        self.log_path = folder / f"{spec.name}.log"
        self.started_s = 0.0
        """Monotonic time of its last start."""
        self._process: subprocess.Popen[bytes] | None = None
        self._stdout: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, or start it again.

        Raises:
            OSError: the program cannot be run.
        """
        self.started_s = time.monotonic()
        self._close_stdout()
        if self.spec.captures_stdout:
            self._stdout = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.spec.command,
                stdin=subprocess.DEVNULL,
                stdout=self._stdout or log,
                stderr=log,
                env=dict(self.spec.environment),
                # Its own session: a terminal's Ctrl-C reaches the supervisor alone, which ends all in good order.
                start_new_session=True,
                preexec_fn=_die_with_parent(),  # safe: the supervisor has one thread
            )

    def exit_code(self) -> int | None:
        """None while it runs or was never started; negative: the signal that ended it."""
        return self._process.poll() if self._process else None

    def stdout(self) -> str:
        """What it has printed so far, if it `captures_stdout`."""
        if self._stdout is None:
            return ""
        return os.pread(self._stdout.fileno(), 1 << 20, 0).decode(errors="replace")

    def last_lines(self, count: int) -> list[str]:
        """The end of its log, without blank lines."""
        with contextlib.suppress(OSError), self.log_path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
            return [line for line in lines if line.strip()][-count:]
        return []

    def terminate(self) -> None:
        if self.running and self._process:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self._process:
            self._process.kill()

    def wait(self, timeout_s: float) -> bool:
        """Tell whether it has ended within `timeout_s`."""
        if self._process is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        ended = self._process.poll() is not None
        if ended:
            self._close_stdout()
        return ended

    def _close_stdout(self) -> None:
        if self._stdout is not None:
            self._stdout.close()
            self._stdout = None


def _die_with_parent() -> Callable[[], object] | None:
    """On Linux a child gets SIGTERM when the supervisor itself is killed, so that nothing is left behind."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
