"""How the memory of each process grows over a long run, restarts left out of account."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

SAMPLE_EVERY_S = 2.0
WARM_UP_S = 960.0
"""A process grows into its working set first. The largest answers are those of the audit, which looks back over fifteen
minutes: measured, every service grows by a step at each of the first three audits and not after that."""

Sample = tuple[float, float]
"""Minutes since the process began, KiB."""


class MemoryWatch:
    """Samples resident memory by name; every process number is a life of its own."""

    def __init__(self) -> None:
        self._lives: dict[str, dict[int, list[Sample]]] = {}
        self._began_s: dict[int, float] = {}
        self._next_s = 0.0

    def look(self, processes: Iterable[tuple[str, int | None]]) -> None:
        """Take a sample of each, now and then."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + SAMPLE_EVERY_S
        for name, pid in processes:
            kib = resident_kib(pid) if pid is not None else None
            if pid is None or kib is None:
                continue
            age_s = now_s - self._began_s.setdefault(pid, now_s)
            if age_s >= WARM_UP_S:
                self._lives.setdefault(name, {}).setdefault(pid, []).append((age_s / 60, kib))

    def slopes(self) -> Mapping[str, dict[str, float]]:
        """By name: growth in KiB a minute, the newest size in KiB, and minutes watched."""
        return {
            name: {
                "kib_per_min": round(slope(list(lives.values())), 1),
                "kib": list(lives.values())[-1][-1][1],
                "minutes": round(sum(life[-1][0] - life[0][0] for life in lives.values()), 1),
            }
            for name, lives in sorted(self._lives.items())
        }


def resident_kib(pid: int) -> float | None:
    """Resident memory of a process; None when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("VmRSS:")), None)


def slope(lives: Sequence[Sequence[Sample]]) -> float:
    """Least squares over several lives, each with a level of its own; 0 where nothing can be said."""
    above = below = 0.0
    for life in lives:
        middle_x = sum(x for x, _ in life) / len(life)
        middle_y = sum(y for _, y in life) / len(life)
        above += sum((x - middle_x) * (y - middle_y) for x, y in life)
        below += sum((x - middle_x) ** 2 for x, _ in life)
    return above / below if below else 0.0
