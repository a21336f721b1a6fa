"""`python -m tests.simulation`: many histories, one history again, or the kill points."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from random import Random

from tests.simulation.campaign import kill_plan, kill_report, plan_of, play_all
from tests.simulation.faults import KINDS
from tests.simulation.history import Plan, Result, play, size_of
from tests.simulation.killpoints import POINTS
from tests.simulation.shrinking import command, shortest
from tests.simulation.world import Size

PROGRESS_EVERY_S = 10.0


def main() -> int:
    args = _arguments()
    if args.seed is not None:
        return _one(_plan(args), args)
    if args.killpoint:
        points = POINTS if args.killpoint == "all" else (args.killpoint,)
        return _kill_points(points, args)
    return _many(args)


def _many(args: argparse.Namespace) -> int:
    started_s = last_s = time.perf_counter()
    injected: Counter[str] = Counter()
    failed: list[Result] = []
    done = fills = halts = 0
    virtual_s = 0.0
    for result in play_all((plan_of(seed) for seed in range(args.first, args.first + args.seeds)), args.jobs):
        done += 1
        fills += result.fills
        halts += bool(result.halted)
        virtual_s += result.virtual_s
        injected += result.injected
        if result.violation:
            failed.append(result)
            _say(f"seed {result.plan.seed} FAILED: {result.violation}\n  {command(result.plan)}")
        if time.perf_counter() - last_s > PROGRESS_EVERY_S:
            last_s = time.perf_counter()
            _say(f"{done}/{args.seeds} histories, {len(failed)} failed, {last_s - started_s:.0f} s")
    _say("\nfaults injected:")
    for kind in KINDS:
        _say(f"  {kind:32}{injected[kind]:8}")
    _say(
        f"\n{done} histories, seeds {args.first}..{args.first + args.seeds - 1}: {len(failed)} failed; {fills} fills, "
        f"{sum(injected.values())} faults, {virtual_s / 3600:.1f} h of virtual time in "
        f"{time.perf_counter() - started_s:.0f} s; {halts} ended with a named halt"
    )
    for result in failed[: args.shrink]:
        _shrink(result)
    return 1 if failed else 0


def _one(plan: Plan, args: argparse.Namespace) -> int:
    result = play(plan)
    _say(f"{command(plan)}\ntrace {result.trace}, {result.steps} steps, {result.virtual_s:.1f} virtual s")
    _say(f"{result.fills} fills, {sum(result.injected.values())} faults, halted: {', '.join(result.halted) or 'none'}")
    _say(result.violation or "every promise was kept")
    if result.violation and args.shrink:
        _shrink(result)
    return 1 if result.violation else 0


def _shrink(result: Result) -> None:
    _say(f"\nshrinking seed {result.plan.seed}: {result.violation.splitlines()[0]}")
    small = shortest(result)
    _say(f"shortest: {small.violation}\n  {command(small.plan)}")


def _kill_points(points: Iterable[str], args: argparse.Namespace) -> int:
    reports = []
    for point in points:
        plans = [kill_plan(point, seed) for seed in range(args.first, args.first + args.seeds)]
        reports.append(kill_report(point, list(play_all(plans, args.jobs))))
        if not args.json:
            _say(json.dumps(reports[-1]))
    if args.json:
        _say(json.dumps(reports if len(reports) > 1 else reports[0], indent=1))
    return 1 if any(report["violations"] for report in reports) else 0


def _plan(args: argparse.Namespace) -> Plan:
    size = size_of(args.seed)
    only = frozenset(KINDS) if args.only is None else frozenset(args.only.split(",")) - {"none"}
    return Plan(
        seed=args.seed,
        factor=args.factor if args.factor is not None else plan_of(args.seed).factor,
        faults_s=args.faults_s,
        off=frozenset(KINDS) - only,
        size=Size(
            bots=args.bots or size.bots,
            workers=args.workers or size.workers,
            executors=args.executors or size.executors,
            lease_ttl_ms=args.ttl_ms or size.lease_ttl_ms,
            hosts=args.hosts or size.hosts,
        ),
        killpoint=args.killpoint or "",
        countdown=args.countdown,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many histories (default 200)")
    parser.add_argument("--first", type=int, default=0, help="the first seed; -1 draws one")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--shrink", type=int, default=1, help="how many failures to shorten (default 1)")
    parser.add_argument("--killpoint", help=f"a service dies there: {', '.join(POINTS)}, or all")
    parser.add_argument("--json", action="store_true", help="kill points: one JSON document")
    parser.add_argument("--seed", type=int, help="one history again; the options below belong to it")
    parser.add_argument("--factor", type=float, help="of the chances of faults")
    parser.add_argument("--faults-s", type=int, default=Plan(seed=0).faults_s)
    parser.add_argument("--only", help=f"kinds of faults, with commas between, or none: {', '.join(KINDS)}")
    for name in ("bots", "workers", "executors", "hosts", "ttl-ms"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--countdown", type=int, default=1)
    args = parser.parse_args()
    if args.killpoint not in (None, "all", *POINTS):
        parser.error(f"--killpoint {args.killpoint}: there are {', '.join(POINTS)}, or all")
    if args.first < 0:
        args.first = Random(time.time_ns()).randrange(1_000_000_000)
    return args


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
