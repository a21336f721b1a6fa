"""What came out, by fault: counts of everything that must be zero, and how long recovery took."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from hedgegrid.domain.money import ZERO, plain
from tests.chaos.verdict import Verdict

ZEROS = ("lost_fills", "duplicated_orders", "doubled_fills", "orphan_orders", "halted")


@dataclass(slots=True)
class FaultFigures:
    """One row. Times in seconds; `limit_s` bounds the 99th percentile of the recovery times."""

    name: str
    kind: str
    limit_s: float | None = None
    notice_limit_s: float | None = None
    injected: int = 0
    lost_fills: int = 0
    duplicated_orders: int = 0
    doubled_fills: int = 0
    orphan_orders: int = 0
    halted: int = 0
    pnl_difference: Decimal = ZERO
    recover_s: list[float] = field(default_factory=list)
    noticed_s: list[float] = field(default_factory=list)
    settled_s: list[float] = field(default_factory=list)
    """Until every order that was in flight at a kill had its outcome."""
    seeds: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    skipped: str = ""
    """Why it cannot be injected on this machine."""

    def judged(self, verdict: Verdict, seed: int) -> None:
        """Add what a quiet moment after the fault showed."""
        for name in ZEROS:
            setattr(self, name, getattr(self, name) + getattr(verdict, name))
        self.pnl_difference += verdict.pnl_difference
        self.failures += [f"seed {seed}: {line}" for line in verdict.said]

    @property
    def troubles(self) -> list[str]:
        """Whatever keeps this row from being good."""
        found = list(self.failures)
        found += [f"{name}: {count}" for name in ZEROS if (count := getattr(self, name)) and not self.failures]
        if self.pnl_difference and not self.failures:
            found.append(f"PnL differs by {plain(self.pnl_difference)}")
        if not self.injected and not self.skipped:
            found.append("was never injected")
        for word, times, limit in (
            ("recovery", self.recover_s, self.limit_s),
            ("notice", self.noticed_s, self.notice_limit_s),
        ):
            p99 = percentile(times, 0.99)
            if limit is not None and p99 is not None and p99 > limit:
                found.append(f"{word} p99 {p99} s, more than {limit} s")
        return found

    def as_json(self) -> dict[str, object]:
        counts = {name: getattr(self, name) for name in ("injected", *ZEROS)}
        return {
            "fault": self.name,
            "kind": self.kind,
            **counts,
            "pnl_difference": plain(self.pnl_difference),
            "recover_s": spread(self.recover_s),
            "recover_limit_s": self.limit_s,
            "noticed_s": spread(self.noticed_s),
            "settled_s": spread(self.settled_s),
            "seeds": sorted(set(self.seeds)),
            "skipped": self.skipped,
            "troubles": self.troubles,
        }


def percentile(values: Sequence[float], share: float) -> float | None:
    """Exact nearest rank; None of nothing."""
    ranked = sorted(values)
    return round(ranked[math.ceil(share * len(ranked)) - 1], 2) if ranked else None


def spread(values: Sequence[float]) -> Mapping[str, float | None]:
    return {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}


def print_table(rows: Iterable[FaultFigures], console: Console) -> None:
    """One line a fault."""
    table = Table(title="chaos", title_justify="left")
    for heading in ("fault", "n", "lost", "dupl.", "doubled", "orphans", "halted", "PnL diff", "p50 s", "p99 s", ""):
        table.add_column(heading, justify="left" if heading in ("fault", "") else "right", no_wrap=heading == "fault")
    for row in rows:
        counts = [str(getattr(row, name)) for name in ("injected", *ZEROS)]
        times = [str(percentile(row.recover_s, share) or "-") for share in (0.5, 0.99)]
        mark = row.troubles[0] if row.troubles else f"skipped: {row.skipped}" if row.skipped else "ok"
        table.add_row(row.name, *counts, plain(row.pnl_difference), *times, mark)
    console.print(table)
