"""Which faults hit what: pure, and decided by seed and order of traffic alone."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeVar

from hedgegrid.exchange_sim.faults.kinds import Fault

Subject = Mapping[str, str | Sequence[str]]
"""What a fault is tried against; a list fits a pattern when one of its items does."""
F = TypeVar("F", bound=Fault)


def fits(match: Mapping[str, str], subject: Subject) -> bool:
    """Whether every pattern fits its field; a field the subject lacks is the empty text."""
    return all(_fits(pattern, subject.get(name, "")) for name, pattern in match.items())


def _fits(pattern: str, value: str | Sequence[str]) -> bool:
    if isinstance(value, str):
        return fnmatchcase(value, pattern)
    return any(fnmatchcase(item, pattern) for item in value)


@dataclass(slots=True)
class Armed:
    """A fault in force. `seen` counts what it matched, `hits` what it hit."""

    id: int
    fault: Fault
    rng: random.Random = field(repr=False)
    seen: int = 0
    hits: int = 0

    def strikes(self, subject: Subject, at_s: float) -> bool:
        """Decide about one subject; every decision uses up one draw, so that the next does not depend on it."""
        fault = self.fault
        if at_s < fault.from_s or (fault.until_s is not None and at_s >= fault.until_s):
            return False
        if (fault.count is not None and self.hits >= fault.count) or not fits(fault.match, subject):
            return False
        self.seen += 1
        if self.rng.random() >= fault.probability or self.seen <= fault.skip:
            return False
        self.hits += 1
        return True


class FaultPlan:
    """Each fault has its own generator, from the seed and its number: one more fault does not change the others.

    `is_empty` is looked at for every message that leaves.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._next = 1
        self._armed: dict[int, Armed] = {}
        self.is_empty = True
        self._of_kind: dict[type[Fault], tuple[Armed, ...]] = {}

    def add(self, fault: Fault) -> Armed:
        number = self._next
        self._next += 1
        rng = random.Random(f"{self._seed}:{number}")  # noqa: S311 a reproducible plan, no secret
        armed = self._armed[number] = Armed(number, fault, rng)
        self._changed()
        return armed

    def remove(self, number: int) -> bool:
        """Whether there was such a fault."""
        found = self._armed.pop(number, None) is not None
        self._changed()
        return found

    def clear(self) -> None:
        self._armed.clear()
        self._changed()

    def armed(self) -> list[Armed]:
        return list(self._armed.values())

    def has(self, kind: type[Fault]) -> bool:
        """Whether any fault of this kind, or of a kind below it, is in force."""
        return bool(self._all(kind))

    def drawn(self, kind: type[F], subject: Subject, at_s: float) -> list[F]:
        """The faults of a kind that hit this subject, in the order they were added."""
        return [
            armed.fault for armed in self._all(kind) if armed.strikes(subject, at_s) and isinstance(armed.fault, kind)
        ]

    def first(self, kind: type[F], subject: Subject, at_s: float) -> F | None:
        """The first fault of a kind that hits; those behind it are not drawn."""
        for armed in self._all(kind):
            if armed.strikes(subject, at_s) and isinstance(armed.fault, kind):
                return armed.fault
        return None

    def _changed(self) -> None:
        self.is_empty = not self._armed
        self._of_kind.clear()

    def _all(self, kind: type[Fault]) -> tuple[Armed, ...]:
        found = self._of_kind.get(kind)
        if found is None:
            found = tuple(armed for armed in self._armed.values() if isinstance(armed.fault, kind))
            self._of_kind[kind] = found
        return found
