"""`make chaos`: break the running system in every way there is, and hold it against the exchange's own books."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hedgegrid.operator.project_files import new_run_folder
from tests.chaos.figures import FaultFigures, print_table
from tests.chaos.runs import run_full_disk, run_kill_points, run_table
from tests.chaos.simulated import run_simulated

PARTS = {
    "points": run_kill_points,
    "table": run_table,
    "disk": run_full_disk,
    "simulated": run_simulated,
}


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    console = Console(width=160)
    folder = new_run_folder()
    began_s = time.monotonic()

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True, markup=False)

    say(f"run folder: {folder}")
    rows: list[FaultFigures] = []
    for part in asked.parts.split(","):
        seeds = {"points": asked.seeds, "simulated": asked.simulated_seeds}.get(part, asked.table_seeds)
        rows += PARTS[part](folder, range(asked.first_seed, asked.first_seed + seeds), asked.only, say)
    print_table(rows, console)
    wall_s = time.monotonic() - began_s
    troubles = [f"{row.name}: {trouble}" for row in rows for trouble in row.troubles]
    if asked.report is not None:
        faults = [row.as_json() for row in rows]
        report = {
            "commit": _commit(),
            "wall_s": round(wall_s, 1),
            "load": os.getloadavg()[1],
            "cores": os.cpu_count(),
            "faults": faults,
            "troubles": troubles,
        }
        asked.report.write_text(json.dumps(report, indent=2) + "\n")
    for trouble in troubles:
        say(f"NOT GOOD: {trouble}")
    say(f"{sum(row.injected for row in rows)} faults in {wall_s:.0f} s, {len(troubles)} troubles")
    return 1 if troubles else 0


def _commit() -> str:
    git = ["git", "rev-parse", "HEAD"]
    said = subprocess.run(git, capture_output=True, text=True, check=False)
    return said.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--report", type=Path, help="where to write the figures (JSON)")
    parser.add_argument("--seeds", type=int, default=5, help="of the kill points")
    parser.add_argument("--table-seeds", type=int, default=1, help="of the process-level fault table")
    parser.add_argument("--simulated-seeds", type=int, default=100, help="of the simulation's kill points")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--only", default="", help="faults whose name contains this")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
