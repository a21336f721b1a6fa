"""One history: a seed and a plan lead to the same events, the same trace, the same verdict, every time."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from tests.simulation.chaos import Chaos
from tests.simulation.faults import Faults
from tests.simulation.loom import NS_PER_S, Loom, Stuck
from tests.simulation.recovery import Recovery
from tests.simulation.rest_checks import AtRest, Tally
from tests.simulation.steps import StepChecks, Violation
from tests.simulation.world import Size, World

WARM_UP_S = 6
REST_WITHIN_S = 120
"""Of virtual time after the last fault: the longest known waits are a stalled socket (20 s), a lease and a fence."""
STILL_FOR_S = 3
STRONGER = (
    "single writer",
    "no double",
    "no duplicate",
    "unknown",
    "write-ahead",
    "exposure",
    "terminal",
    "checkpoint",
)
EXITS = ("redis.exceptions.ConnectionError", "redis.exceptions.TimeoutError")
"""A process that cannot reach Redis when it starts or stops ends, and is started anew."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is played; `None` sizes are drawn from the seed."""

    seed: int
    faults_s: int = 25
    factor: float = 1.0
    off: frozenset[str] = frozenset()
    size: Size | None = None
    killpoint: str = ""
    countdown: int = 1


@dataclass
class Result:
    """`violation` is "" when every promise was kept."""

    plan: Plan
    violation: str = ""
    trace: str = ""
    steps: int = 0
    virtual_s: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    fills: int = 0
    kills: int = 0
    halted: tuple[str, ...] = ()
    recovery_s: float | None = None
    rest_after_s: float = 0.0
    tally: Tally = field(default_factory=Tally)


def size_of(seed: int) -> Size:
    dice = Random(f"size {seed}")
    return Size(
        bots=dice.choice((1, 1, 2, 2, 3, 4)),
        workers=dice.choice((1, 2, 2)),
        executors=dice.choice((1, 2)),
        hosts=dice.choice((1, 1, 2)),
    )


def play(plan: Plan) -> Result:
    """Live through it."""
    faults = Faults(plan.seed, plan.off, plan.factor)
    world = World(plan.seed, plan.size or size_of(plan.seed), faults, plan.killpoint, plan.countdown)
    result = Result(plan)
    checks = StepChecks(world)
    chaos = Chaos(world, checks)
    at_rest = AtRest(world)
    recovery = Recovery(world, at_rest) if plan.killpoint else None
    try:
        with world.running():
            _live(world, plan, chaos, checks, at_rest, result)
            result.tally = at_rest.tally()
    except (Violation, Stuck) as error:
        result.violation = str(error)
    result.trace = world.loom.trace.hexdigest()
    result.steps = world.loom.steps
    result.virtual_s = world.loom.now_ns / NS_PER_S
    result.injected, result.passed = faults.injected, world.points.passed
    result.kills = len(world.kills)
    result.recovery_s = recovery.took_s if recovery is not None else None
    result.fills = sum(len(world.exchange.venue.executions(account)) for account in world.accounts)
    faults_of_ours = [crash for crash in world.crashes if not crash.splitlines()[-1].startswith(EXITS)]
    if faults_of_ours and not result.violation.startswith(STRONGER):
        result.violation = f"a program failed: {faults_of_ours[0]}"
    return result


def _live(world: World, plan: Plan, chaos: Chaos, checks: StepChecks, at_rest: AtRest, result: Result) -> None:
    loom = world.loom
    world.points.active = "lease" in plan.killpoint  # leases are taken when a service starts
    loom.run(WARM_UP_S * NS_PER_S)
    chaos.begin()
    loom.run(plan.faults_s * NS_PER_S)
    chaos.heal()
    ended_ns = loom.now_ns
    _come_to_rest(world.loom, at_rest)
    result.rest_after_s = (loom.now_ns - ended_ns) / NS_PER_S
    result.halted = tuple(at_rest.halted())
    for_no_reason = [text for text in result.halted if "HALTED" in text]
    if for_no_reason and not checks.went_back:
        raise Violation(f"liveness: halted without a reason to: {'; '.join(for_no_reason)}")
    at_rest.check(checks.went_back)


def _come_to_rest(loom: Loom, at_rest: AtRest) -> None:
    still = 0
    for _ in range(REST_WITHIN_S):
        loom.run(NS_PER_S)
        problem = at_rest.unrest()
        still = 0 if problem else still + 1
        if still >= STILL_FOR_S:
            return
    raise Violation(f"liveness: no rest {REST_WITHIN_S} s after the last fault: {problem}")
