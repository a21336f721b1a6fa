"""When to pull the trigger. Pure: told of every question whether it was answered.

Silence is counted in questions, not in time: a switch that was itself asleep for an hour has missed one answer.
"""

from enum import Enum


class State(Enum):
    WAITING = "waiting"
    """Not armed: no executor has been heard yet, so none can have fallen silent."""
    ARMED = "armed"
    FIRED = "fired"
    """Latched: only a restart or a command arms it again."""


class Watch:
    def __init__(self, arm_after: int, misses_allowed: int) -> None:
        self._arm_after = arm_after
        self._misses_allowed = misses_allowed
        self.state = State.WAITING
        self.answers = 0
        """In a row."""
        self.misses = 0
        """In a row."""

    @property
    def hears(self) -> bool:
        """Answers have come steadily."""
        return self.answers >= self._arm_after

    def answered(self) -> None:
        self.answers += 1
        self.misses = 0
        if self.state is State.WAITING and self.hears:
            self.state = State.ARMED

    def missed(self) -> None:
        self.misses += 1
        self.answers = 0
        if self.state is State.ARMED and self.misses >= self._misses_allowed:
            self.state = State.FIRED

    def rearm(self) -> None:
        """Begin anew: it is armed by the next signs of life."""
        self.state = State.WAITING
        self.answers = self.misses = 0
