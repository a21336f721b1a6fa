"""A private socket that only looks alive, and two of them for one account."""

from collections.abc import Iterator

import pytest

from hedgegrid.bus import keys
from hedgegrid.bus.publisher import publish
from hedgegrid.messages.base import Message
from hedgegrid.messages.events import CommandKind, OrderAcked
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.ws_gateway.ack_watch import CLOCKS_APART_MS
from hedgegrid.ws_gateway.session import LossKind
from tests.integration.ws_gateway.frames import order
from tests.integration.ws_gateway.rig import Rig, eventually
from tests.integration.ws_gateway.scripted_venue import ScriptedVenue
from tests.integration.ws_gateway.test_private_feed import PRIVATE, accepted, kinds, live


@pytest.fixture
def second(venue: ScriptedVenue, redis_url: str) -> Iterator[Rig]:
    """Another gateway beside the first."""
    rig = Rig(venue, redis_url)
    yield rig
    rig.close()


def ack(rig: Rig, account: str, number: int, venue_order_id: str = "v") -> None:
    """The executor's word that the venue took an order, sent just now."""
    sent_ms = rig.clock.now_ms() + CLOCKS_APART_MS
    acked = OrderAcked(
        symbol="BTCUSDT",
        client_order_id=f"link-{number}",
        ts_event=sent_ms,
        command=CommandKind.SUBMIT,
        venue_order_id=venue_order_id,
        sent_ns=sent_ms * 1_000_000,
    )
    publish(rig.client, [(keys.events(account), acked)])


def test_a_socket_that_answers_pings_and_delivers_nothing_is_replaced(
    rig: Rig, venue: ScriptedVenue, account: str
) -> None:
    live(rig, venue, account)
    rig.read_streams()
    feed = rig.private[account]
    eventually(lambda: rig.has_read(account), "stream reader at the end of the stream")
    ack(rig, account, 1)
    venue.push_private(f"key-{account}", order(1))
    ack(rig, account, 2, venue_order_id="")  # "already cancelled": nothing follows
    rig.until_read(account)
    rig.clock.skip_ms(2_900)
    feed.on_lost("look at the clock")
    rig.clock.skip_ms(5_000)
    eventually(lambda: accepted(rig.account_events(account)) == ["o1"], "the first order told")
    assert feed.losses[LossKind.SILENT] == 0
    ack(rig, account, 3)
    rig.until_read(account)
    assert feed.losses[LossKind.SILENT] == 0
    rig.clock.skip_ms(3_000)
    eventually(lambda: feed.losses[LossKind.SILENT] == 1, "the deaf socket given up")
    eventually(lambda: kinds(rig.account_events(account))[-2:] == ["FeedLost", "FeedConnected"], "loss and return told")
    lost = rig.account_events(account)[-2]
    assert isinstance(lost, FeedLost)
    assert "no order event for" in lost.reason
    assert "link-3" in lost.reason
    assert venue.accepted[PRIVATE] == 2


def test_the_loss_of_another_gateway_stops_nobody_whom_this_one_serves(
    rig: Rig, second: Rig, venue: ScriptedVenue, account: str
) -> None:
    live(rig, venue, account)
    rig.read_streams()
    eventually(lambda: rig.has_read(account), "first reads")
    second.add_account(account)
    eventually(lambda: len(venue.subscribed(PRIVATE)) == 2, "both connected")
    eventually(lambda: len(news(rig, account)) == 2, "both told")
    venue.push_private(f"key-{account}", order(1))
    eventually(lambda: accepted(rig.account_events(account)) == ["o1", "o1"], "each tells the order")
    second.private[account].stop()
    eventually(lambda: len(news(rig, account)) == 4, "the loss, and the word of the one that stays")
    told = news(rig, account)
    assert kinds(told[2:]) == ["FeedLost", "FeedConnected"]
    assert isinstance(told[3], FeedConnected)
    assert told[3].session == 1
    assert venue.accepted[PRIVATE] == 2, "nobody reconnected"
    rig.until_read(account)
    assert len(news(rig, account)) == 4, "said once"


def test_its_own_loss_is_not_answered(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    live(rig, venue, account)
    rig.read_streams()
    eventually(lambda: rig.has_read(account), "reads")
    for session in (2, 3):
        venue.close_all(1012)
        eventually(lambda: rig.private[account].session == session and venue.subscribed(PRIVATE), "again")  # noqa: B023
        eventually(lambda: len(news(rig, account)) == 2 * session - 1, "told")  # noqa: B023
        rig.until_read(account)
    assert kinds(news(rig, account)) == ["FeedConnected", *["FeedLost", "FeedConnected"] * 2]


def news(rig: Rig, account: str) -> list[Message]:
    return [message for message in rig.account_events(account) if isinstance(message, FeedConnected | FeedLost)]
