"""The matrix of kill points: one living world per seed, walked through all of them in an order of the seed's."""

import random
import time
from collections.abc import Sequence

from hedgegrid.operator.services import instance_of
from hedgegrid.operator.supervisor import SETTLED_S
from hedgegrid.runtime.failpoints import POINTS
from tests.chaos import recovery
from tests.chaos.figures import FaultFigures
from tests.chaos.verdict import judge
from tests.chaos.world import Mark, World

LIMITS_S = {"strategy": 6.0, "executor": 6.0, "gateway": 10.0, "metrics": None}
HIT_TIMEOUT_S = 30.0
RECOVERY_TIMEOUT_S = 90.0
TRADE_ON_S = 1.5
NTH_MAX = 4


def rows(only: str = "") -> list[FaultFigures]:
    """An empty row for each point whose name contains `only`."""
    return [
        FaultFigures(f"kill {point}", "kill point", LIMITS_S[point.partition(".")[0]])
        for point in POINTS
        if only in point
    ]


def in_order(points: Sequence[FaultFigures], dice: random.Random) -> list[FaultFigures]:
    """Shuffled, and services apart: whoever dies soon after its start is started again more slowly."""
    left: dict[str, list[FaultFigures]] = {}
    for row in dice.sample(points, len(points)):
        left.setdefault(_service(row), []).append(row)
    total = {service: len(of) for service, of in left.items()}
    spread = [
        ((place + dice.random()) / total[service], row) for service, of in left.items() for place, row in enumerate(of)
    ]
    return [row for _, row in sorted(spread, key=lambda pair: pair[0])]


def inject(world: World, row: FaultFigures, dice: random.Random) -> None:
    """Kill at the point, wait for recovery, trade on, and compare the books.

    Raises:
        NeverHappened: the point was not passed, or there was no recovery.
    """
    point = row.name.removeprefix("kill ")
    service = _service(row)
    name = _victim(world, service, dice)
    child = world.child(name)
    world.trade_on(child.started_s + SETTLED_S - time.monotonic())  # who dies sooner is restarted later
    before = child.pid
    world.say(f"arming {point} of {name}")
    rare = point in ("strategy.at_takeover", "strategy.in_snapshot")
    world.arm(name, point if rare else f"{point}:{dice.randint(1, NTH_MAX)}")
    if point == "strategy.at_takeover":
        child.kill()  # its next life takes the bots over, and dies of that
        world.until(lambda: child.pid != before, HIT_TIMEOUT_S, f"restart of {name}")
        before = child.pid
    elif point == "strategy.in_snapshot":
        world.venue.event("socket_close", channel="private")  # every bot wants a snapshot after that
    world.until(lambda: child.exit_code() is not None or child.pid != before, HIT_TIMEOUT_S, f"pass of {point}")
    row.injected += 1
    row.seeds.append(world.setting.seed)
    mark = world.mark()
    world.say(f"{name} died at {point}")
    recovered = _recovered(world, service, name, mark, before)
    row.recover_s.append(world.until(recovered, RECOVERY_TIMEOUT_S, f"recovery of {name}"))
    if service == "executor":
        world.until(recovery.outcomes_known(world, mark), RECOVERY_TIMEOUT_S, "outcome of every order in flight")
        row.settled_s.append(time.monotonic() - mark.at_s)
    world.trade_on(TRADE_ON_S)
    row.judged(judge(world), world.setting.seed)


def _service(row: FaultFigures) -> str:
    return row.name.removeprefix("kill ").partition(".")[0]


def _victim(world: World, service: str, dice: random.Random) -> str:
    if service == "strategy":
        return f"strategy-{dice.randint(1, world.setting.workers)}"
    return {"gateway": "ws-gateway"}.get(service, service)


def _recovered(world: World, service: str, name: str, mark: Mark, dead: int | None) -> recovery.Condition:
    match service:
        case "strategy":
            owned = [s.bot for s in world.sights() if s.owner in ("", instance_of(name))]
            return recovery.bots_reconciled(world, mark, owned)
        case "executor":
            return recovery.executors_serve(world, mark)
        case "gateway":
            return recovery.every(recovery.feeds_back(world, mark), recovery.bots_reconciled(world, mark))
        case _:
            return recovery.restarted(world, world.child(name), dead)
