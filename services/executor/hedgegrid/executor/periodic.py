"""Something that is looked at every so often, in a thread of its own beside the account's main loop."""

import threading
from abc import ABC, abstractmethod


class Periodic(ABC):
    """`start` once, then `close`; what `look` raises ends the thread."""

    def __init__(self, name: str, every_s: float) -> None:
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def look(self) -> None:
        """What is to be done each time."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Look no more; a look under way is not waited for."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            self.look()
