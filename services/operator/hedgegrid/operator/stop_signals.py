"""Ctrl-C, SIGTERM and a closed terminal: the first asks for a clean stop, a second one ends everything at once."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """While entered, `requested` tells whether somebody asked for the end.

    The second request calls `at_once` and raises KeyboardInterrupt in the main thread.
    """

    def __init__(self) -> None:
        self.requested = False
        self.at_once: Callable[[], None] = lambda: None
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup: it shall outlive its terminal
            self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            self.at_once()
            raise KeyboardInterrupt
        self.requested = True
