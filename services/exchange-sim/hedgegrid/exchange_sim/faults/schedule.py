"""When events are due: pure."""

import random
from dataclasses import dataclass, field

from hedgegrid.exchange_sim.faults.events import Event


@dataclass(slots=True)
class Planned:
    """`next_s` None: it has happened for the last time."""

    id: int
    event: Event
    next_s: float | None
    rng: random.Random = field(repr=False)
    done: int = 0

    def advance(self) -> None:
        event = self.event
        self.done += 1
        spent = event.every_s is None or (event.count is not None and self.done >= event.count)
        self.next_s = None if spent or event.every_s is None else (self.next_s or 0.0) + event.every_s


class Schedule:
    """`next_s` is the time of the nearest event, infinity without one; `is_over` when there is none left."""

    def __init__(self, seed: int = 0) -> None:
        self.next_s = float("inf")
        self.is_over = True
        self._seed = seed
        self._planned: list[Planned] = []

    def add(self, event: Event) -> Planned:
        number = len(self._planned) + 1
        rng = random.Random(f"{self._seed}:event:{number}")  # noqa: S311 a reproducible plan, no secret
        planned = Planned(number, event, event.at_s, rng)
        self._planned.append(planned)
        self._tell()
        return planned

    def due(self, at_s: float) -> list[Planned]:
        """What has become due, in order of time; a repeated event at most once a call."""
        if at_s < self.next_s:
            return []
        found = [planned for planned in self._planned if planned.next_s is not None and planned.next_s <= at_s]
        found.sort(key=lambda planned: (planned.next_s or 0.0, planned.id))
        for planned in found:
            planned.advance()
        self._tell()
        return found

    def planned(self) -> list[Planned]:
        return list(self._planned)

    def clear(self) -> None:
        self._planned.clear()
        self._tell()

    def _tell(self) -> None:
        times = (planned.next_s for planned in self._planned if planned.next_s is not None)
        self.next_s = min(times, default=float("inf"))
        self.is_over = self.next_s == float("inf")
