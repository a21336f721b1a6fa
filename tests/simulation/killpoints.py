"""Moments at which a process can die, named; each is passed by the product's own code on its way through the fakes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.loom import Killed, Loom, Process

POINTS = (
    "strategy.after_read",
    "strategy.after_snapshot_read",
    "strategy.before_commit",
    "strategy.commit_in_flight",
    "strategy.after_commit",
    "strategy.after_lease",
    "executor.after_read",
    "executor.before_sent",
    "executor.sent_on_its_way",
    "executor.sent_in_flight",
    "executor.after_sent",
    "executor.before_post",
    "executor.post_in_flight",
    "executor.after_reply",
    "executor.before_ack",
    "executor.ack_in_flight",
    "executor.after_ack",
    "executor.during_query",
    "executor.after_lease",
    "gateway.after_frame",
    "gateway.before_publish",
    "gateway.publish_in_flight",
    "gateway.after_publish",
)


@dataclass
class KillPoints:
    """`armed` names the point at which the process dies, on its `countdown`-th passing from when faults began."""

    loom: Loom
    killed: Callable[[Process, str], None]
    armed: str = ""
    countdown: int = 1
    active: bool = False
    passed: Counter[str] = field(default_factory=Counter)
    struck: bool = False

    def reach(self, point: str, process: Process | None = None) -> None:
        """Pass a point, or die there; `process` when its own thread is not the one that runs.

        Raises:
            Killed: this process is dead from here on.
        """
        self.passed[point] += 1
        if not self.active or self.struck or point != self.armed:
            return
        self.countdown -= 1
        if self.countdown > 0:
            return
        self.struck = True
        self.killed(process or self.loom.current.process, point)
        if process is None:
            raise Killed
