"""Threads that run one at a time, in an order and at a time that a seed decides.

Every simulated thread is a real one that waits for its baton; exactly one has it. A thread gives it away only where it
would wait anyway (a lock, an event, a sleep, the network), and the loom then jumps to the next moment at which anything
happens. Nothing else of the machine decides: neither its speed nor its scheduler nor its clock.
"""

import hashlib
import heapq
import random
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

START_MS = 1_700_000_000_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
JITTER_NS = 60_000
"""A thread that was woken goes on within this time."""


class Killed(BaseException):
    """The process of this thread is dead: nothing it does from here on reaches anybody."""


class Stuck(AssertionError):
    """Nothing will ever happen again."""


@dataclass(eq=False)
class Process:
    """What is killed, paused and restarted as one; `skew_ms` is how far its wall clock is off."""

    name: str
    dead: bool = False
    skew_ms: int = 0
    paused_until_ns: int = 0
    tasks: list["Task"] = field(default_factory=list)
    crash: str = ""
    """How its program failed by itself; "" while it did not."""


@dataclass(eq=False)
class Task:
    process: Process
    name: str
    token: int = 0
    notified: bool = False
    done: bool = False
    baton: threading.Lock = field(default_factory=threading.Lock)
    waiting: list["Task"] | None = None
    until: Callable[[], bool] | None = None
    wake_at_ns: int = 0
    joining: list["Task"] = field(default_factory=list)


Callback = Callable[[], None]
_Entry = tuple[int, float, int, Task | None, int, Callback | None]


class Loom:
    """`driver` is the thread that made it; `trace` is fed with every step."""

    def __init__(self, seed: int) -> None:
        self.now_ns = 0
        self.steps = 0
        self.random = random.Random(f"loom {seed}")
        self.trace = hashlib.sha256()
        self.failure: BaseException | None = None
        self.driver = Task(Process("driver"), "driver")
        self.driver.baton.acquire()
        self.current = self.driver
        self.on_crash: Callable[[Process], None] = lambda process: None
        self._heap: list[_Entry] = []
        self._serial = 0
        self._closing = False
        self._tasks: list[Task] = []

    # ---- time

    @property
    def now_ms(self) -> int:
        """The world's true wall clock."""
        return START_MS + self.now_ns // NS_PER_MS

    def call_in(self, delay_ns: int, callback: Callback) -> None:
        """Run something that belongs to no process and never waits."""
        self._push(self.now_ns + max(0, delay_ns), None, 0, callback)

    def sleep(self, delay_ns: int) -> None:
        self.block(None, max(0, delay_ns))

    def run(self, for_ns: int) -> None:
        """Let the world run; called by the driver only.

        Raises:
            Stuck, or what a callback raised.
        """
        self.sleep(for_ns)
        if self.failure is not None:
            raise self.failure

    def fail(self, failure: BaseException) -> None:
        """End the history at once: nothing runs any more but the driver, which gets this raised."""
        self.failure = self.failure or failure

    def note(self, text: str) -> None:
        """Part of the trace."""
        self.trace.update(f"{self.now_ns} {text}\n".encode())

    # ---- threads

    def spawn(self, process: Process, name: str, body: Callback) -> Task:
        """A new thread, which begins soon."""
        task = Task(process, name)
        task.baton.acquire()
        process.tasks.append(task)
        self._tasks.append(task)
        threading.Thread(target=self._live, args=(task, body), name=name, daemon=True).start()
        self._push(self.now_ns + self.random.randrange(JITTER_NS), task, task.token, None)
        return task

    def block(
        self, waiting: list[Task] | None, timeout_ns: int | None, until: Callable[[], bool] | None = None
    ) -> bool:
        """Give the baton away until notified through `waiting` (True) or the time is over (False).

        With `until`, who is notified while it does not hold waits on without having had the baton: what its own loop
        would do, at a fraction of the cost. It only looks, and needs a timeout.

        Raises:
            Killed: the process died meanwhile.
        """
        task = self.current
        if task.process.dead:
            raise Killed
        task.waiting, task.until = waiting, until
        if timeout_ns is not None:
            task.wake_at_ns = self.now_ns + timeout_ns
        self._lie_down(task, timed=timeout_ns is not None)
        self._hand_over(task)
        if waiting is not None and task in waiting:
            waiting.remove(task)
        if task.process.dead:
            raise Killed
        return task.notified

    def notify(self, waiting: list[Task], count: int | None = None) -> None:
        """Wake some of those that wait, in an order nobody promised."""
        for _ in range(len(waiting) if count is None else min(count, len(waiting))):
            task = waiting.pop(self.random.randrange(len(waiting)))
            task.notified = True
            self._push(self.now_ns + self.random.randrange(JITTER_NS), task, task.token, None)

    def kill(self, process: Process) -> None:
        """SIGKILL. A thread of the process that calls this goes on until it waits for the first time."""
        if process.dead:
            return
        process.dead = True
        process.paused_until_ns = 0
        for task in process.tasks:
            if not task.done and task is not self.current:
                self._push(self.now_ns, task, task.token, None)

    def pause(self, process: Process, for_ns: int) -> None:
        """SIGSTOP, and SIGCONT after a while."""
        process.paused_until_ns = max(process.paused_until_ns, self.now_ns + for_ns)

    def close(self) -> None:
        """End every thread; called by the driver only."""
        self._closing = True
        for task in self._tasks:
            task.process.dead = True
        for task in self._tasks:
            if not task.done:
                self.current = task
                task.baton.release()
                self.driver.baton.acquire()
        self._heap.clear()

    # ---- inside

    def _live(self, task: Task, body: Callback) -> None:
        task.baton.acquire()
        try:
            if not task.process.dead:
                body()
        except Killed:
            pass
        except BaseException:
            if not task.process.dead:
                task.process.crash = f"{task.name}: {traceback.format_exc()}"
                self.on_crash(task.process)
        task.done = True
        if not self._closing:
            self.notify(task.joining)
        following = self.driver if self._closing else self._next()
        self.current = following
        following.baton.release()

    def _lie_down(self, task: Task, timed: bool) -> None:
        task.token += 1
        task.notified = False
        if task.waiting is not None:
            task.waiting.append(task)
        if timed:
            self._push(task.wake_at_ns, task, task.token, None)

    def _hand_over(self, task: Task) -> None:
        following = self._next()
        if following is task:
            return
        self.current = following
        following.baton.release()
        task.baton.acquire()

    def _next(self) -> Task:
        """Whose turn it is; runs the callbacks that come before."""
        heap = self._heap
        while heap and self.failure is None:
            at_ns, tie, _, task, token, callback = heapq.heappop(heap)
            if task is not None:
                if task.done or token != task.token:
                    continue
                until_ns = task.process.paused_until_ns
                if until_ns > at_ns:
                    self._push(until_ns, task, token, None)
                    continue
            self.now_ns = max(self.now_ns, at_ns)
            self.steps += 1
            if task is not None:
                self.trace.update(f"{self.now_ns} {task.process.name} {task.name} {tie}\n".encode())
                if task.until is None or not task.notified or task.process.dead or task.until():
                    return task
                self._lie_down(task, timed=True)
                continue
            if callback is not None and not self._ran(callback):
                return self.driver
        self.failure = self.failure or Stuck("nothing will ever happen again")
        return self.driver

    def _ran(self, callback: Callback) -> bool:
        try:
            callback()
        except BaseException as error:
            self.failure = self.failure or error
            return False
        return True

    def _push(self, at_ns: int, task: Task | None, token: int, callback: Callback | None) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (at_ns, self.random.random(), self._serial, task, token, callback))


_active: list[Loom] = []


def active() -> Loom:
    """The loom of the simulation that runs in this process."""
    return _active[-1]


def activate(loom: Loom) -> None:
    _active.append(loom)


def deactivate() -> None:
    _active.pop()
