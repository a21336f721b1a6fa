"""Many histories on all cores: random ones, and those in which a service dies at a named moment."""

import multiprocessing
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from random import Random
from typing import Any

from tests.simulation.faults import KINDS
from tests.simulation.history import Plan, Result, play
from tests.simulation.world import Size

FACTORS = (0.25, 1.0, 1.0, 2.0, 4.0)
"""Of the chances in `faults.CHANCES`: some histories are calm, some are not."""
BESIDE_A_KILL = tuple(kind for kind in KINDS if kind.startswith(("rest.", "private.d", "private.late", "venue.")))
KILL_SECONDS = 20
KILL_TTL_MS = 5_000
"""The product's default: recovery is measured with it."""


def plan_of(seed: int) -> Plan:
    return Plan(seed=seed, factor=Random(f"factor {seed}").choice(FACTORS))


def kill_plan(point: str, seed: int) -> Plan:
    """One kill at a random passing of the point, with requests and pushes failing now and then around it."""
    dice = Random(f"{point} {seed}")
    return Plan(
        seed=seed,
        factor=dice.choice((0.0, 0.5, 1.0)),
        faults_s=KILL_SECONDS,
        off=frozenset(KINDS) - frozenset(BESIDE_A_KILL) | {"venue.down", "rest.outage"},
        size=Size(
            bots=dice.choice((1, 2)),
            workers=2,
            executors=dice.choice((1, 2)),
            lease_ttl_ms=KILL_TTL_MS,
            hosts=dice.choice((1, 2)),
        ),
        killpoint=point,
        countdown=1 if "lease" in point or "snapshot" in point else dice.randrange(1, 6),
    )


def play_all(plans: Iterable[Plan], jobs: int) -> Iterator[Result]:
    """Results in the order of the plans."""
    if jobs == 1:
        yield from map(play, plans)
        return
    context = multiprocessing.get_context("spawn")
    turns = context.Queue()
    for number in range(jobs):
        turns.put(number)
    with ProcessPoolExecutor(jobs, context, initializer=_pin, initargs=(turns,)) as pool:
        yield from pool.map(play, plans, chunksize=4)


def _pin(turns: Any) -> None:
    """Threads that hand a baton on do it three times as fast on one core as across two."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[turns.get() % len(cores)]})


def kill_report(point: str, results: list[Result]) -> dict[str, Any]:
    """Figures of one kill point; times in virtual ms, once over all and once where nothing else went wrong."""
    struck = [result for result in results if result.kills]
    return {
        "point": point,
        "seeds": len(results),
        "injected": len(struck),
        "lost_fills": sum(r.tally.lost_fills for r in results),
        "duplicated_orders": sum(r.tally.duplicated_orders for r in results),
        "doubled_fills": sum(r.tally.doubled_fills for r in results),
        "orphan_orders": sum(r.tally.orphan_orders for r in results),
        "pnl_difference": str(sum((r.tally.pnl_difference for r in results), Decimal(0))),
        "violations": [f"seed {r.plan.seed}: {r.violation}" for r in results if r.violation],
        **_recovery("recovery_ms", struck),
        **_recovery("recovery_alone_ms", [result for result in struck if not result.injected]),
    }


def _recovery(name: str, results: list[Result]) -> dict[str, int | None]:
    took_ms = sorted(round(1000 * r.recovery_s) for r in results if r.recovery_s is not None)
    last = len(took_ms) - 1
    return {
        f"{name}_count": len(took_ms),
        f"{name}_p50": took_ms[len(took_ms) // 2] if took_ms else None,
        f"{name}_p99": took_ms[min(last, len(took_ms) * 99 // 100)] if took_ms else None,
        f"{name}_max": took_ms[-1] if took_ms else None,
    }
