"""The shortest way to the same failure: fewer kinds of faults, less time, a smaller system."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.faults import KINDS
from tests.simulation.history import Plan, Result, play, size_of

Tell = Callable[[str], None]


def kind_of(result: Result) -> str:
    """The promise that was broken."""
    return result.violation.partition(":")[0]


def shortest(failed: Result, tell: Tell = lambda text: None) -> Result:
    """A history that breaks the same promise and from which nothing more can be left out."""
    best = failed
    while True:
        before = best
        for plan in _smaller(best):
            result = play(plan)
            if result.violation and kind_of(result) == kind_of(failed):
                best = result
                tell(f"  still fails: {command(plan)}")
                break
        if best is before:
            return best


def _smaller(result: Result) -> Iterator[Plan]:
    """Plans with something left out, the largest cuts first."""
    plan = result.plan
    injected = {kind for kind in KINDS if result.injected[kind]}
    unused = frozenset(KINDS) - injected - plan.off
    if unused:
        yield replace(plan, off=plan.off | unused)
    for part in _parts(sorted(injected)):
        yield replace(plan, off=plan.off | part)
    for seconds in (plan.faults_s // 2, plan.faults_s - plan.faults_s // 4, plan.faults_s - 1):
        if 0 < seconds < plan.faults_s:
            yield replace(plan, faults_s=seconds)
    size = plan.size or size_of(plan.seed)
    for less in ({"bots": 1}, {"bots": 2}, {"workers": 1}, {"executors": 1}, {"hosts": 1}):
        if any(getattr(size, name) > value for name, value in less.items()):
            yield replace(plan, size=replace(size, **less))


def _parts(kinds: list[str]) -> Iterator[frozenset[str]]:
    """Halves, quarters, … and each kind alone."""
    length = (len(kinds) + 1) // 2
    while length >= 1 and kinds:
        for first in range(0, len(kinds), length):
            yield frozenset(kinds[first : first + length])
        if length == 1:
            return
        length = (length + 1) // 2


def command(plan: Plan) -> str:
    """What to type to see it again."""
    size = plan.size or size_of(plan.seed)
    words = [f"python -m tests.simulation --seed {plan.seed} --factor {plan.factor:g} --faults-s {plan.faults_s}"]
    words.append(f"--bots {size.bots} --workers {size.workers} --executors {size.executors} --hosts {size.hosts}")
    if plan.killpoint:
        words.append(f"--killpoint {plan.killpoint} --countdown {plan.countdown} --ttl-ms {size.lease_ttl_ms}")
    if plan.off:
        only = [kind for kind in KINDS if kind not in plan.off]
        words.append(f"--only {','.join(only) or 'none'}")
    return " ".join(words)
