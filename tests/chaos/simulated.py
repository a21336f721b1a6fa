"""The kill points of the seeded simulation (`tests/simulation`), as rows beside those of real processes."""

import json
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.chaos.figures import FaultFigures


def run_simulated(folder: Path, seeds: range, only: str, say: Callable[[str], None]) -> list[FaultFigures]:
    """Run every kill point of the simulation with these seeds; its times are virtual ones, and named so."""
    if only and "simulated" not in only:
        return []
    options = ["--killpoint", "all", "--seeds", str(len(seeds)), "--first", str(seeds.start), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *options], capture_output=True, text=True, check=False
    )
    if done.returncode not in (0, 1) or not done.stdout.startswith("["):
        row = FaultFigures("simulated kill points", "simulated kill point", failures=[done.stderr[-500:]])
        return [row]
    rows = [row_of(report, seeds) for report in json.loads(done.stdout)]
    for row in rows:
        say(f"{row.name}: {row.injected} of {len(seeds)} seeds, {'; '.join(row.troubles) or 'ok'}")
    return rows


def row_of(report: dict[str, Any], seeds: range) -> FaultFigures:
    """A row of one simulated kill point; of its recovery times only median and 99th percentile are told."""
    middle, late = report["recovery_ms_p50"], report["recovery_ms_p99"]
    return FaultFigures(
        f"simulated kill {report['point']}",
        "simulated kill point",
        injected=report["injected"],
        lost_fills=report["lost_fills"],
        duplicated_orders=report["duplicated_orders"],
        doubled_fills=report["doubled_fills"],
        orphan_orders=report["orphan_orders"],
        pnl_difference=Decimal(report["pnl_difference"]),
        recover_s=[ms / 1000 for ms in (middle, late) if ms is not None],
        seeds=list(seeds),
        failures=list(report["violations"]),
    )
