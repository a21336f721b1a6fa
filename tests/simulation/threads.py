"""What the product imports as `threading`, `time`, `queue.SimpleQueue` and `random`, on the loom."""

import queue
import random
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.simulation.loom import NS_PER_MS, NS_PER_S, START_MS, Process, Task, active


def _ns(timeout_s: float | None) -> int | None:
    return None if timeout_s is None or timeout_s < 0 else int(timeout_s * NS_PER_S)


class RLock:
    """Serves as `Lock` too: the product never relies on a lock blocking its own holder."""

    def __init__(self) -> None:
        self.owner: Task | None = None
        self.depth = 0
        self._waiting: list[Task] = []

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        loom = active()
        task = loom.current
        while self.owner is not None and self.owner is not task:
            if not blocking or (not loom.block(self._waiting, _ns(timeout)) and timeout >= 0):
                return False
        self.owner = task
        self.depth += 1
        return True

    def release(self) -> None:
        loom = active()
        if self.owner is not loom.current:  # of a thread that was killed while it waited to get it back
            return
        self.depth -= 1
        if not self.depth:
            self.owner = None
            loom.notify(self._waiting, 1)

    def release_all(self) -> int:
        depth, self.depth, self.owner = self.depth, 0, None
        active().notify(self._waiting, 1)
        return depth

    def locked(self) -> bool:
        return self.owner is not None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Condition:
    def __init__(self, lock: RLock | None = None) -> None:
        self._lock = lock or RLock()
        self._waiting: list[Task] = []
        self.acquire = self._lock.acquire
        self.release = self._lock.release

    def wait(self, timeout: float | None = None) -> bool:
        depth = self._lock.release_all()
        notified = active().block(self._waiting, _ns(timeout))
        self._lock.acquire()
        self._lock.depth = depth
        return notified

    def notify(self, n: int = 1) -> None:
        active().notify(self._waiting, n)

    def notify_all(self) -> None:
        active().notify(self._waiting)

    def __enter__(self) -> bool:
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class Event:
    def __init__(self) -> None:
        self._set = False
        self._waiting: list[Task] = []

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        active().notify(self._waiting)

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        if not self._set:
            active().block(self._waiting, _ns(timeout))
        return self._set


class Thread:
    """Belongs to the process of the thread that starts it."""

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        self.name = name or "thread"
        self.daemon = bool(daemon)
        self._target, self._args, self._kwargs = target, tuple(args), dict(kwargs or {})
        self._task: Task | None = None

    def start(self) -> None:
        loom = active()
        self._task = loom.spawn(loom.current.process, self.name, self._run)

    def _run(self) -> None:
        if self._target is not None:
            self._target(*self._args, **self._kwargs)

    def join(self, timeout: float | None = None) -> None:
        if self._task is not None and not self._task.done:
            active().block(self._task.joining, _ns(timeout))

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done


class SimpleQueue:
    """Also `queue.Queue`, which nobody here bounds."""

    def __init__(self, maxsize: int = 0) -> None:
        self._items: deque[Any] = deque()
        self._waiting: list[Task] = []

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        self._items.append(item)
        active().notify(self._waiting, 1)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if not self._items and block:
            active().block(self._waiting, _ns(timeout))
        return self.get_nowait()

    def get_nowait(self) -> Any:
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def qsize(self) -> int:
        return len(self._items)

    def empty(self) -> bool:
        return not self._items

    @classmethod
    def __class_getitem__(cls, item: object) -> type["SimpleQueue"]:
        return cls


class Threading:
    """The module `threading`."""

    Lock = RLock
    RLock = RLock
    Condition = Condition
    Event = Event
    Thread = Thread
    local = threading.local


class Time:
    """The module `time`, as the process sees it that asks."""

    @staticmethod
    def monotonic_ns() -> int:
        return active().now_ns

    perf_counter_ns = monotonic_ns

    @staticmethod
    def monotonic() -> float:
        return active().now_ns / NS_PER_S

    perf_counter = monotonic

    @staticmethod
    def time_ns() -> int:
        loom = active()
        return wall_ns(loom.current.process)

    @staticmethod
    def time() -> float:
        return Time.time_ns() / NS_PER_S

    @staticmethod
    def sleep(seconds: float) -> None:
        active().sleep(int(seconds * NS_PER_S))


class Dice:
    """The module `random`: what would come from the machine comes from the seed."""

    Random = random.Random

    @staticmethod
    def SystemRandom() -> random.Random:
        return random.Random(active().random.random())


class ProcessClock:
    """`hedgegrid.runtime.clock.Clock` of one process."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def now_ms(self) -> int:
        return wall_ns(self._process) // NS_PER_MS

    def now_ns(self) -> int:
        return wall_ns(self._process)

    def monotonic_ns(self) -> int:
        return active().now_ns


def wall_ns(process: Process) -> int:
    return START_MS * NS_PER_MS + active().now_ns + process.skew_ms * NS_PER_MS
