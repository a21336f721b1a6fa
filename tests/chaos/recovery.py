"""When a part of the system counts as recovered after a mark. Each function gives a condition to wait for."""

from collections.abc import Callable, Iterable

from hedgegrid.messages.events import SnapshotTaken
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.operator import heartbeats
from hedgegrid.operator.children import Child
from tests.chaos.sight import BotName, executor_commit, records_in_flight
from tests.chaos.world import Mark, World

Condition = Callable[[], bool]


def bots_reconciled(world: World, mark: Mark, bots: Iterable[BotName] | None = None) -> Condition:
    """Each of these bots (or all) has an owner and has compared its books with a snapshot asked for after the mark."""
    wanted = set(world.plan.bots if bots is None else bots)

    def held() -> bool:
        return all(
            sight.works and sight.state.request > mark.requests[sight.bot]
            for sight in world.sights()
            if sight.bot in wanted
        )

    return held


def executors_serve(world: World, mark: Mark) -> Condition:
    """Each account has an executor that has served its first command since the mark, a snapshot.

    Symbols with an order whose outcome is unknown must wait for it (`outcomes_known`); when all of an account have one,
    being active counts: its new holder has committed.
    """
    busy = {
        (account, symbol)
        for account, symbol in world.plan.bots
        for owner, name in mark.in_flight
        if owner == account and symbol in name
    } | mark.unread

    def held() -> bool:
        served = {(t.account, t.event.symbol) for t in mark.watch.look() if isinstance(t.event, SnapshotTaken)}
        return all(
            any(bot in served for bot in world.plan.bots if bot[0] == account)
            or (
                all(bot in busy for bot in world.plan.bots if bot[0] == account)
                and executor_commit(world.look, account) != mark.commits[account]
            )
            for account in world.accounts
        )

    return held


def outcomes_known(world: World, mark: Mark) -> Condition:
    """Nothing that was in flight at the mark is still without an outcome."""

    def held() -> bool:
        left = {(account, name) for account in world.accounts for name in records_in_flight(world.look, account)}
        return not left & mark.in_flight

    return held


def feeds_back(world: World, mark: Mark, accounts: Iterable[str] | None = None) -> Condition:
    """The private feed of each account was connected after the mark."""
    wanted = set(world.accounts if accounts is None else accounts)

    def held() -> bool:
        back = {
            t.account for t in mark.watch.look() if isinstance(t.event, FeedConnected) and t.event.feed == "private"
        }
        return wanted <= back

    return held


def feed_lost_after_s(mark: Mark, account: str) -> float | None:
    """Seconds from the mark until the gateway told that the private feed is lost; None if it has not."""
    for told in mark.watch.look():
        if told.account == account and isinstance(told.event, FeedLost) and told.event.feed == "private":
            return (told.at_ms - mark.at_ms) / 1000
    return None


def restarted(world: World, child: Child, dead: int | None) -> Condition:
    """A process has died, its next life is there and says of itself that it is ready."""
    return lambda: child.pid != dead and not heartbeats.not_ready(world.look, [child])


def all_ready(world: World) -> Condition:
    """Every process says of itself that it is ready."""
    return lambda: not heartbeats.not_ready(world.look, world.stack.services)


def trades(world: World, more: int = 1) -> Condition:
    """Fills are booked again."""
    before = world.fills()
    return lambda: world.fills() >= before + more


def every(*conditions: Condition) -> Condition:
    return lambda: all(condition() for condition in conditions)
