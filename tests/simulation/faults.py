"""What can go wrong, by name, each with its chance; counted, and switched off one by one to find what is needed."""

from collections import Counter
from collections.abc import Collection
from random import Random

CHANCES: dict[str, float] = {
    # an order request or a query, each time one is made
    "rest.refused": 0.006,
    "rest.request_lost": 0.01,
    "rest.reply_lost": 0.02,
    "rest.reset_after_sent": 0.01,
    "rest.slow": 0.02,
    "rest.late_in_window": 0.01,
    "rest.late_beyond_window": 0.006,
    "rest.http_502_executed": 0.006,
    "rest.http_502_not_executed": 0.006,
    "rest.10006": 0.006,
    "rest.10016_executed": 0.005,
    "rest.10016_not_executed": 0.005,
    "rest.garbage": 0.005,
    "rest.stale_query": 0.03,
    # a private frame
    "private.dropped": 0.006,
    "private.doubled": 0.03,
    "private.late": 0.03,
    # a command to Redis
    "redis.request_lost": 0.0015,
    "redis.reply_lost": 0.002,
    "redis.slow": 0.002,
    # a second of the world
    "rest.outage": 0.015,
    "private.disconnect": 0.02,
    "private.stall": 0.006,
    "public.disconnect": 0.01,
    "public.silent_symbol": 0.008,
    "redis.restart": 0.008,
    "redis.time_travel": 0.003,
    "worker.kill": 0.015,
    "worker.stop": 0.008,
    "worker.pause": 0.012,
    "executor.kill": 0.012,
    "executor.stop": 0.006,
    "executor.pause": 0.008,
    "gateway.kill": 0.01,
    "gateway.stop": 0.005,
    "venue.foreign_cancel": 0.03,
    "venue.lost_cancel_race": 0.03,
    "venue.lost_amend_race": 0.03,
    "venue.gap": 0.03,
    "venue.parts": 0.05,
    "venue.funding": 0.02,
    "venue.down": 0.005,
    "clock.skew": 0.01,
}
KINDS = tuple(CHANCES)


class Faults:
    """Nothing goes wrong before `begin` and after `end`. A kind that is off is still thrown for, so that the others
    stay where they were."""

    def __init__(self, seed: int, off: Collection[str] = (), factor: float = 1.0) -> None:
        unknown = set(off) - set(KINDS)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        self.random = Random(f"faults {seed}")
        self.off = frozenset(off)
        self.active = False
        self.injected: Counter[str] = Counter()
        # A history in which everything fails at once proves less than one in which some things fail often.
        self._chances = {
            kind: chance * factor * self.random.choice((0.0, 0.5, 1.0, 2.0)) for kind, chance in CHANCES.items()
        }

    def strikes(self, kind: str) -> bool:
        if not self.active or self.random.random() >= self._chances[kind] or kind in self.off:
            return False
        self.injected[kind] += 1
        return True

    def first(self, *kinds: str) -> str:
        """One of several that exclude one another, or ""."""
        return next((kind for kind in kinds if self.strikes(kind)), "")
