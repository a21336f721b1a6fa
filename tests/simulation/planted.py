"""Mistakes of the kinds that have cost people money, put into the product one at a time: does the simulation notice?"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from unittest.mock import patch

import msgspec

from hedgegrid.bus import two_server_reader
from hedgegrid.bus.reader import Entry
from hedgegrid.bybit.errors import NotSent, VenueError
from hedgegrid.bybit.rest import RestClient, Row
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.executor import janitor, resolver, term
from hedgegrid.executor.evidence import Evidence, look
from hedgegrid.executor.in_flight import InFlight
from hedgegrid.executor.lanes import Lanes
from hedgegrid.executor.sent_mark import SentMark
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.strategy.core import booking
from hedgegrid.strategy.fleet import Fleet
from hedgegrid.strategy.worker import Worker
from tests.simulation.faults import KINDS
from tests.simulation.history import Plan, Result, play
from tests.simulation.store import Store
from tests.simulation.world import Size

Planted = Callable[[], Any]


def resend_with_a_new_id() -> Any:
    """No answer came in time, so the order is placed once more, under another id."""

    def unknown(self: Lanes, entry: InFlight, delay_ns: int) -> None:
        command = entry.command
        if isinstance(command, SubmitOrder):
            parts = parse_client_order_id(command.client_order_id)
            assert parts is not None
            entry.command = msgspec.structs.replace(
                command, client_order_id=str(parts._replace(sequence=parts.sequence + 1000))
            )
        self.again(entry, 0)

    return patch.object(Lanes, "unknown", unknown)


def no_fence_in_the_commit() -> Any:
    """The commit does not ask whose lease it is."""
    return patch.object(Store, "_holds", lambda self, lease, owner, epoch: True)


def apply_a_fill_twice() -> Any:
    """An execution that is told twice is booked twice."""
    return patch.object(booking, "_is_known", lambda *args: False)


def trust_a_failed_query() -> Any:
    """An order that could not be asked for does not exist."""

    def trusting(rest: RestClient, symbol: str, link_id: str) -> Evidence:
        try:
            return look(rest, symbol, link_id)
        except (VenueError, NotSent):
            return Evidence(order=None, executions=[])

    @contextmanager
    def planted() -> Iterator[None]:
        with patch.object(resolver, "look", trusting), patch.object(resolver.Resolver, "_may_still_arrive", _never):
            yield

    return planted()


@contextmanager
def trim_too_far() -> Iterator[None]:
    """The janitor keeps the newest entries, whoever has yet to read the others."""

    def trim(client: Any, stream: str, positions: Iterable[str], oldest_kept_ms: int) -> int:
        rows = client.xrevrange(stream, count=3)
        return int(client.xtrim(stream, minid=rows[-1][0].decode())) if rows else 0

    with patch.object(janitor, "trim", trim), patch.object(term, "CLEAN_EVERY_S", 2):
        yield


def send_before_it_is_durable() -> Any:
    """The mark of what may have been sent is not moved before the order goes."""
    return patch.object(SentMark, "move", lambda self, command_id: None)


def a_failed_page_is_a_shorter_list() -> Any:
    """What could be read of a list is taken for all of it."""
    pages = RestClient._pages

    def shorter(self: RestClient, *args: Any, **options: Any) -> Iterator[Row]:
        with suppress(VenueError):
            yield from pages(self, *args, **options)

    return patch.object(RestClient, "_pages", shorter)


@contextmanager
def lose_what_was_read() -> Iterator[None]:
    """Entries that were read when Redis went away, and not taken yet, do not come again (found here, repaired)."""
    read = two_server_reader.TwoServerReader.read

    def losing(self: two_server_reader.TwoServerReader, block_ms: int = 2000) -> list[Entry]:
        entries = read(self, block_ms)
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return entries

    with (
        patch.object(two_server_reader.TwoServerReader, "read", losing),
        patch.object(Worker, "_read_again", lambda self: None),
    ):
        yield


@contextmanager
def a_half_taken_bot_is_kept() -> Iterator[None]:
    """A bot whose take-over was cut short is held and never heard of again (found here, repaired)."""
    look_after, take_over = Fleet.look_after, Worker._take_over

    def forgetful(self: Fleet, now_ms: int) -> Any:
        self._taken.clear()
        return look_after(self, now_ms)

    def once(self: Worker, bot: Any) -> None:
        self._arriving.clear()
        self._arriving.append(bot)
        take_over(self, bot)

    with patch.object(Fleet, "look_after", forgetful), patch.object(Worker, "_take_over", once):
        yield


def _never(*args: Any) -> bool:
    return False


BUGS: dict[str, Planted] = {
    planted.__name__: planted
    for planted in (
        resend_with_a_new_id,
        no_fence_in_the_commit,
        apply_a_fill_twice,
        trust_a_failed_query,
        trim_too_far,
        send_before_it_is_durable,
        a_failed_page_is_a_shorter_list,
        lose_what_was_read,
        a_half_taken_bot_is_kept,
    )
}


NEEDED = {
    "lose_what_was_read": (
        "redis.reply_lost",
        "redis.request_lost",
        "worker.stop",
        "worker.kill",
        "private.disconnect",
    ),
    "trust_a_failed_query": ("rest.outage", "rest.reply_lost", "rest.reset_after_sent", "rest.slow"),
}
"""Bugs that need two rare things at once: these kinds alone, and often."""


def plan_for(name: str, seed: int) -> Plan:
    """Much goes wrong, or what the bug needs does."""
    if name not in NEEDED:
        return Plan(seed=seed, factor=2.0)
    off = frozenset(KINDS) - {*NEEDED[name], "venue.gap"}
    return Plan(seed=seed, factor=8.0, off=off, size=Size(bots=3, workers=1, executors=2, hosts=2))


def first_caught(name: str, seeds: Iterable[int]) -> Result | None:
    """The first history that breaks a promise while the bug is in; None when none does."""
    for seed in seeds:
        with BUGS[name]():
            result = play(plan_for(name, seed))
        if result.violation:
            return result
    return None
