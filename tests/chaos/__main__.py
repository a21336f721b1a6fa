"""`make chaos`: break the running system in every way there is, and hold it against the exchange's own books."""

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from hedgegrid.operator.project_files import new_run_folder
from hedgegrid.operator.supervisor import GaveUp
from tests.chaos import kill_points
from tests.chaos.figures import FaultFigures, print_table
from tests.chaos.world import NeverHappened, Setting, World


def main(arguments: Sequence[str]) -> int:
    asked = _parser().parse_args(arguments)
    console = Console(width=160)
    folder = new_run_folder()
    console.print(f"run folder: {folder}")
    began_s = time.monotonic()
    rows = kill_points.rows(asked.only)
    for seed in range(asked.first_seed, asked.first_seed + asked.seeds):
        walk(folder, seed, rows, console)
    print_table(rows, console)
    troubles = [f"{row.name}: {trouble}" for row in rows for trouble in row.troubles]
    if asked.report is not None:
        report = {
            "commit": _commit(),
            "wall_s": round(time.monotonic() - began_s, 1),
            "faults": [row.as_json() for row in rows],
            "troubles": troubles,
        }
        asked.report.write_text(json.dumps(report, indent=2) + "\n")
    for trouble in troubles:
        console.print(f"NOT GOOD: {trouble}", highlight=False, soft_wrap=True)
    console.print(f"{sum(row.injected for row in rows)} faults in {time.monotonic() - began_s:.0f} s")
    return 1 if troubles else 0


def walk(folder: Path, seed: int, rows: list[FaultFigures], console: Console) -> None:
    """All kill points in one world; a new world goes on where one was spoilt."""
    dice = random.Random(seed)
    left = kill_points.in_order(rows, dice)
    number = 0
    while left:
        number += 1
        with World(folder / f"seed-{seed}-{number}", Setting(seed=seed)) as world:
            while left:
                row = left.pop(0)
                spoilt = len(row.failures)
                began_s = time.monotonic()
                try:
                    kill_points.inject(world, row, dice)
                except (NeverHappened, GaveUp) as error:
                    row.failures.append(f"seed {seed}: {error}; logs: {world.folder}")
                took_s = time.monotonic() - began_s
                last = row.recover_s[-1] if row.recover_s else None
                good = "ok" if len(row.failures) == spoilt else row.failures[-1]
                console.print(
                    f"seed {seed} {row.name}: recovered {last and round(last, 2)} s, took {took_s:.1f} s, "
                    f"fills {world.fills()}: {good}",
                    highlight=False,
                    soft_wrap=True,
                )
                if len(row.failures) > spoilt:
                    break


def _commit() -> str:
    git = ["git", "rev-parse", "HEAD"]
    said = subprocess.run(git, capture_output=True, text=True, check=False)
    return said.stdout.strip()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--report", type=Path, help="where to write the figures (JSON)")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--only", default="", help="faults whose name contains this")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
