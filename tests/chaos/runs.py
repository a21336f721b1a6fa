"""Worlds and what happens in them: the kill points, the fault table, the full disk."""

import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hedgegrid.operator.loopback_http import HttpFailed
from hedgegrid.operator.redis_server import RedisUnavailableError
from hedgegrid.operator.stack import NotReady
from hedgegrid.operator.supervisor import GaveUp
from tests.chaos import kill_points, kill_switch_faults, line_faults, process_faults, redis_faults
from tests.chaos.fault import Fault, until_normal
from tests.chaos.figures import FaultFigures
from tests.chaos.verdict import judge
from tests.chaos.world import NeverHappened, Setting, World

Say = Callable[[str], None]
Step = tuple[FaultFigures, Callable[[World], None]]

BAN_S = "5"
"""Real life waits ten minutes after HTTP 403."""
TRADE_ON_S = 1.5


def run_kill_points(folder: Path, seeds: range, only: str, say: Say) -> list[FaultFigures]:
    """Walk every seed's world through all points; return a row for each point."""
    rows = kill_points.rows(only)
    for seed in seeds:
        dice = random.Random(seed)
        steps: list[Step] = [
            (row, partial(kill_points.inject, row=row, dice=dice)) for row in kill_points.in_order(rows, dice)
        ]
        _walk(folder / f"points-{seed}", Setting(seed=seed), steps, say)
    return rows


def run_table(folder: Path, seeds: range, only: str, say: Say) -> list[FaultFigures]:
    """The process-level faults, in an order of each seed's."""
    faults = [*process_faults.table(), *redis_faults.table(), *line_faults.table(), *kill_switch_faults.table()]
    pairs = [(fault, fault.row()) for fault in faults if only in fault.name]
    for seed in seeds:
        dice = random.Random(seed)
        steps: list[Step] = [
            (row, partial(break_world, fault=fault, row=row, dice=dice))
            for fault, row in dice.sample(pairs, len(pairs))
        ]
        setting = Setting(seed=seed, proxied=True, environment={"HEDGEGRID_BAN_PAUSE_S": BAN_S})
        _walk(folder / f"table-{seed}", setting, steps, say)
    return [row for _, row in pairs]


def run_full_disk(folder: Path, seeds: range, only: str, say: Say) -> list[FaultFigures]:
    """The money server on a small file system that fills up."""
    if only not in redis_faults.DISK_FULL:
        return []
    fault = Fault(name=redis_faults.DISK_FULL, kind="redis", inject=redis_faults.fill_disk)
    row = fault.row()
    for seed in seeds:
        dice = random.Random(seed)
        steps: list[Step] = [(row, partial(break_world, fault=fault, row=row, dice=dice))]
        place = folder / f"disk-{seed}"
        try:
            with redis_faults.small_disk(place / "1"):
                _walk(place, Setting(seed=seed), steps, say)
        except redis_faults.NoMount as error:
            row.skipped = str(error)
    return [row]


def break_world(world: World, fault: Fault, row: FaultFigures, dice: random.Random) -> None:
    """Inject, trade on, and compare the books."""
    try:
        fault.inject(world, row, dice)
    finally:
        world.venue.clear()
    world.trade_on(TRADE_ON_S)
    row.judged(judge(world), world.setting.seed)


def _walk(folder: Path, setting: Setting, steps: list[Step], say: Say) -> None:
    """Take the steps one after another in one world; go on in a new one where a step has spoilt it."""
    number = 0
    while steps:
        number += 1
        try:
            with World(folder / str(number), setting) as world:
                until_normal(world)  # Redis put back to before a bot's birth bears it anew, without its first ledger
                while steps and take_step(world, *steps.pop(0), say):
                    pass
        except (GaveUp, NeverHappened, NotReady, HttpFailed) as error:
            say(f"{folder}/{number}: the world did not come up: {error}")
            if steps:
                steps.pop(0)[0].failures.append(f"seed {setting.seed}: no world to break: {error}")


def take_step(world: World, row: FaultFigures, inject: Callable[[World], None], say: Say) -> bool:
    """True if the world is as good as before."""
    before, began_s = len(row.failures), time.monotonic()
    try:
        inject(world)
    except (NeverHappened, GaveUp, HttpFailed, RedisUnavailableError, ValueError, OSError) as error:
        row.failures.append(f"seed {world.setting.seed}: {type(error).__name__}: {error}; logs: {world.folder}")
    good = len(row.failures) == before
    recovered = f"{row.recover_s[-1]:.1f} s" if row.recover_s else "-"
    noticed = f", noticed {row.noticed_s[-1]:.1f} s" if row.noticed_s else ""
    told = "ok" if good else "; ".join(row.failures[before:])
    took_s = time.monotonic() - began_s
    say(
        f"seed {world.setting.seed} {row.name}: recovered {recovered}{noticed}, took {took_s:.0f} s,"
        f" fills {world.fills()}: {told}"
    )
    return good
