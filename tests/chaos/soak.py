"""`make soak MINUTES=30`: eight bots, three workers, two accounts, a random fault every 20 s.

In the last 24 minutes come only faults that end no service: how memory grows can be seen only in a process that lives.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from hedgegrid.operator.project_files import new_run_folder
from tests.chaos import kill_points, line_faults, process_faults, redis_faults
from tests.chaos.fault import until_normal
from tests.chaos.figures import print_table
from tests.chaos.grid import EIGHT_BOTS
from tests.chaos.memory import MemoryWatch
from tests.chaos.runs import BAN_S, Step, break_world, take_step
from tests.chaos.world import Setting, World

EVERY_S = 20.0
SPARED_MIN = 24
"""Those `memory` lets pass, and eight to see a slope in."""
ENDS_SERVICES = ("process", "kill point", "redis")
"""Kinds of faults. With a Redis that went back in time, metrics ends and begins as a new process."""
WORKERS = 3
TOO_LONG = ("copy of a minute ago", "pongs go on", "half-open", "standby")
"""Faults that alone take longer than the time between two."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, help="where to write the figures (JSON)")
    asked = parser.parse_args(arguments)
    console = Console(width=160)
    folder = new_run_folder()

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True, markup=False)

    say(f"run folder: {folder}, seed {asked.seed}")
    dice = random.Random(asked.seed)
    steps = _steps(dice)
    harmless = [step for step in steps if step[0].kind not in ENDS_SERVICES]
    memory = MemoryWatch()
    setting = Setting(
        seed=asked.seed,
        workers=WORKERS,
        accounts=EIGHT_BOTS,
        proxied=True,
        environment={"HEDGEGRID_BAN_PAUSE_S": BAN_S},
    )
    with World(folder / "soak", setting) as world:
        world.on_poll = lambda: memory.look(_processes(world))
        until_normal(world)
        end_s = time.monotonic() + asked.minutes * 60
        good = True
        while good and time.monotonic() < end_s:
            next_s = time.monotonic() + EVERY_S
            row, inject = dice.choice(steps if time.monotonic() < end_s - SPARED_MIN * 60 else harmless)
            good = take_step(world, row, inject, say)
            world.trade_on(next_s - time.monotonic())
        fills = world.fills()
    rows = [row for row, _ in steps if row.injected or row.failures]
    print_table(rows, console)
    for name, figures in memory.slopes().items():
        say(f"{name}: {figures['kib_per_min']} KiB/min over {figures['minutes']} min, {figures['kib'] / 1024:.0f} MiB")
    failures = [f"{row.name}: {failure}" for row in rows for failure in row.failures]
    if asked.report is not None:
        faults = [row.as_json() for row in rows]
        report = {"seed": asked.seed, "fills": fills, "memory": memory.slopes(), "faults": faults, "failures": failures}
        asked.report.write_text(json.dumps(report, indent=2) + "\n")
    for failure in failures:
        say(f"NOT GOOD: {failure}")
    say(f"{sum(row.injected for row in rows)} faults, {fills} fills, {len(failures)} failures")
    return 1 if failures else 0


def _steps(dice: random.Random) -> list[Step]:
    faults = [*process_faults.table(), *redis_faults.table(), *line_faults.table()]
    short = [fault for fault in faults if not any(words in fault.name for words in TOO_LONG)]
    steps: list[Step] = [(row := fault.row(), partial(break_world, fault=fault, row=row, dice=dice)) for fault in short]
    points = kill_points.rows()
    return steps + [
        (row, partial(kill_points.inject, row=row, dice=dice)) for row in dice.sample(points, len(points) // 2)
    ]


def _processes(world: World) -> list[tuple[str, int | None]]:
    children = [(child.spec.name, child.pid) for child in world.stack.supervisor.children]
    return [*children, ("redis money", world.money.pid), ("redis market", world.market.pid)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
