"""Signals to processes, a second executor, more and fewer workers."""

import os
import random
import signal
from functools import partial

from hedgegrid.bus import keys
from hedgegrid.operator.children import Child
from hedgegrid.operator.services import SIM, instance_of
from tests.chaos import recovery
from tests.chaos.fault import Fault, Inject, injected, until_normal, until_recovered
from tests.chaos.figures import FaultFigures
from tests.chaos.world import Mark, World

TIMEOUT_S = 90.0
PAUSE_S = 8.0
"""Longer than a lease lives, with room for others to take over."""
SIM_PAUSE_S = 15.0
LIMITS_S = {"strategy": 6.0, "executor": 6.0, "ws-gateway": 10.0, "metrics": None}


def table() -> list[Fault]:
    """Every fault of this file."""
    rows: list[Fault] = []
    for service, limit_s in LIMITS_S.items():
        for word, number in (("SIGKILL", signal.SIGKILL), ("SIGTERM", signal.SIGTERM)):
            rows.append(_fault(f"{word} {service}", partial(_end, service, number), limit_s))
        rows.append(_fault(f"SIGSTOP {PAUSE_S:.0f} s {service}", partial(_pause, service)))
    rows.append(_fault("SIGKILL executor with a standby", partial(_standby, signal.SIGKILL), 6.0))
    rows.append(_fault("SIGSTOP executor with a standby", partial(_standby, signal.SIGSTOP)))
    rows.append(_fault("a third worker comes and goes", _scale))
    rows.append(_fault(f"SIGSTOP {SIM_PAUSE_S:.0f} s exchange-sim", _freeze_venue))
    return rows


def _fault(name: str, inject: Inject, limit_s: float | None = None) -> Fault:
    return Fault(name=name, kind="process", inject=inject, limit_s=limit_s)


def _victim(world: World, service: str, dice: random.Random) -> Child:
    workers = world.setting.workers
    return world.child(f"strategy-{dice.randint(1, workers)}" if service == "strategy" else service)


def _recovered(world: World, mark: Mark, child: Child, dead: int | None) -> recovery.Condition:
    """When a process that died at the mark counts as replaced."""
    name = child.spec.name
    if name.startswith("executor"):
        return recovery.executors_serve(world, mark)
    if name == "ws-gateway":
        return recovery.every(recovery.feeds_back(world, mark), recovery.bots_reconciled(world, mark))
    return recovery.restarted(world, child, dead)


def _end(service: str, number: signal.Signals, world: World, row: FaultFigures, dice: random.Random) -> None:
    child = _victim(world, service, dice)
    name, dead = child.spec.name, child.pid
    owned = [sight.bot for sight in world.sights() if sight.owner == instance_of(name)]
    mark = world.mark()
    _signal(child, number)
    world.until(lambda: child.exit_code() is not None or child.pid != dead, TIMEOUT_S, f"end of {name}")
    ended = injected(world, row)
    if service == "strategy":  # it may have handed its bots over by now
        world.until(recovery.bots_reconciled(world, mark, owned), TIMEOUT_S, f"others for the bots of {name}")
        row.recover_s.append((world.now_ms() - mark.at_ms) / 1000)
    else:
        row.recover_s.append(world.until(_recovered(world, ended, child, dead), TIMEOUT_S, f"recovery of {name}"))


def _pause(service: str, world: World, row: FaultFigures, dice: random.Random) -> None:
    child = _victim(world, service, dice)
    injected(world, row)
    _signal(child, signal.SIGSTOP)
    world.trade_on(PAUSE_S)
    _signal(child, signal.SIGCONT)
    until_recovered(world, row)


def _standby(number: signal.Signals, world: World, row: FaultFigures, dice: random.Random) -> None:
    standby = world.add_service("executor", "executor-2")
    active = world.child("executor")
    try:
        world.until(recovery.all_ready(world), TIMEOUT_S, "a standby that is ready")
        dead = active.pid
        _signal(active, number)
        mark = injected(world, row)
        world.until(lambda: _owners(world) == {instance_of("executor-2")}, TIMEOUT_S, "take-over by the standby")
        world.until(recovery.executors_serve(world, mark), TIMEOUT_S, "the standby to serve")
        row.recover_s.append((world.now_ms() - mark.at_ms) / 1000)
        if number is signal.SIGSTOP:
            _signal(active, signal.SIGCONT)
        else:
            world.until(lambda: active.pid != dead, TIMEOUT_S, "the killed one as standby")
        world.trade_on(2)
    finally:
        if active.pid is not None and number is signal.SIGSTOP:
            _signal(active, signal.SIGCONT)
        world.end_service(standby)
    until_normal(world)


def _scale(world: World, row: FaultFigures, dice: random.Random) -> None:
    injected(world, row)
    third = world.add_service("strategy-1", "strategy-3")
    try:
        name = instance_of("strategy-3")
        world.until(lambda: any(s.owner == name for s in world.sights()), TIMEOUT_S, "a share for the third worker")
        world.trade_on(2)
    finally:
        world.end_service(third)
    until_recovered(world, row)


def _freeze_venue(world: World, row: FaultFigures, dice: random.Random) -> None:
    sim = next(child for child in world.stack.supervisor.children if child.spec.name == SIM)
    injected(world, row)
    _signal(sim, signal.SIGSTOP)
    world.trade_on(SIM_PAUSE_S)
    _signal(sim, signal.SIGCONT)
    until_recovered(world, row)


def _owners(world: World) -> set[str]:
    owners = [world.look.hget(keys.lease(account, "executor"), "owner") for account in world.accounts]
    return {owner.decode().rpartition(":")[0] for owner in owners if isinstance(owner, bytes)}


def _signal(child: Child, number: signal.Signals) -> None:
    if child.pid is not None:
        os.kill(child.pid, number)
