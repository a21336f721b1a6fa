"""A way to break the running system, and the helpers that most of them share."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from hedgegrid.messages.feed import FeedConnected
from tests.chaos import recovery
from tests.chaos.figures import FaultFigures
from tests.chaos.world import Mark, World

NORMAL_TIMEOUT_S = 120.0
FILLS_TO_BE_NORMAL = 3

Inject = Callable[[World, FaultFigures, random.Random], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`inject` breaks, waits for recovery and notes its times. Limits bound 99th percentiles, in seconds."""

    name: str
    kind: str
    inject: Inject
    limit_s: float | None = None
    notice_limit_s: float | None = None

    def row(self) -> FaultFigures:
        return FaultFigures(self.name, self.kind, self.limit_s, self.notice_limit_s)


def injected(world: World, row: FaultFigures) -> Mark:
    """Count an injection and note how things stand."""
    row.injected += 1
    row.seeds.append(world.setting.seed)
    world.say(f"injecting {row.name}")
    return world.mark()


def normal(world: World) -> recovery.Condition:
    """Every process is ready, every bot is held and reconciled, and fills are booked again."""
    return recovery.every(
        recovery.all_ready(world),
        lambda: all(sight.works for sight in world.sights()),
        recovery.trades(world, FILLS_TO_BE_NORMAL),
    )


def until_normal(world: World) -> float:
    """Wait for normal life; return the seconds it took."""
    return world.until(normal(world), NORMAL_TIMEOUT_S, "normal life")


def until_recovered(world: World, row: FaultFigures) -> None:
    """Wait for normal life and note how long it took."""
    row.recover_s.append(until_normal(world))


def until_reconciled(world: World, row: FaultFigures, mark: Mark, account: str | None = None) -> None:
    """Wait until the private feeds (or one) were lost, connected again and their bots reconciled.

    Notes the time to notice, and the time from the connection to reconciled bots.
    """
    accounts = world.accounts if account is None else (account,)
    bots = [bot for bot in world.plan.bots if bot[0] in accounts]

    def lost() -> bool:
        return all(recovery.feed_lost_after_s(mark, one) is not None for one in accounts)

    world.until(lost, NORMAL_TIMEOUT_S, "news of the lost feed")
    row.noticed_s += [seconds for one in accounts if (seconds := recovery.feed_lost_after_s(mark, one)) is not None]
    world.until(recovery.feeds_back(world, mark, accounts), NORMAL_TIMEOUT_S, "connected feeds")
    connected_ms = max(
        told.at_ms
        for told in mark.watch.look()
        if told.account in accounts and isinstance(told.event, FeedConnected) and told.event.feed == "private"
    )
    world.until(recovery.bots_reconciled(world, mark, bots), NORMAL_TIMEOUT_S, "reconciled bots")
    row.recover_s.append(max(0.0, (world.now_ms() - connected_ms) / 1000))
