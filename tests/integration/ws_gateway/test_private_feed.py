"""The private feed against a venue that misbehaves, with a real Redis behind it."""

import json

import pytest

from hedgegrid.bus import keys
from hedgegrid.bybit import ws_transport
from hedgegrid.messages.base import Message
from hedgegrid.messages.events import OrderAccepted
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.ws_gateway import watchdog
from hedgegrid.ws_gateway.event_publisher import DOUBTS_EVERY_MS
from hedgegrid.ws_gateway.session import LossKind, State
from tests.integration.ws_gateway.frames import order, orders
from tests.integration.ws_gateway.rig import Rig, eventually
from tests.integration.ws_gateway.scripted_venue import ScriptedVenue

PRIVATE = "/v5/private"


def accepted(messages: list[Message]) -> list[str]:
    return [message.venue_order_id for message in messages if isinstance(message, OrderAccepted)]


def kinds(messages: list[Message]) -> list[str]:
    return [type(message).__name__ for message in messages]


def live(rig: Rig, venue: ScriptedVenue, account: str, step_timeout_s: float = 5.0) -> None:
    feed = rig.add_account(account, step_timeout_s)
    eventually(lambda: feed.state is State.LIVE and told_connected(rig, account) == 1, "private feed live")


def told_connected(rig: Rig, account: str) -> int:
    """How often: what is pushed behind a subscription may come into the stream in front of the word of it."""
    return kinds(rig.account_events(account)).count("FeedConnected")


def test_events_follow_feed_connected_in_order(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    live(rig, venue, account)
    for number in range(20):
        venue.push_private(f"key-{account}", order(number))
    eventually(lambda: rig.frames_reported(account) == 20, "20 frames reported")
    messages = rig.account_events(account)
    assert messages[0] == FeedConnected(feed="private", session=1, ts_event=messages[0].ts_event)  # type: ignore[attr-defined]
    assert accepted(messages) == [f"o{n}" for n in range(20)]
    assert len(messages) == 21


def test_rows_of_one_frame_all_arrive(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    live(rig, venue, account)
    venue.push_private(f"key-{account}", orders(range(50)))
    eventually(lambda: rig.frames_reported(account) == 1, "frame reported")
    assert accepted(rig.account_events(account)) == [f"o{n}" for n in range(50)]


def test_refused_login_is_never_announced_as_connected(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    venue.script.accept_auth = lambda key: False
    feed = rig.add_account(account)
    eventually(lambda: feed.losses[LossKind.AUTH] >= 2, "two refused log-ins")
    assert "Params Error" in feed.trouble
    assert "secret" not in feed.trouble
    assert "key-" not in feed.trouble
    assert kinds(rig.account_events(account)) == ["FeedLost"]
    venue.script.accept_auth = lambda key: True
    eventually(lambda: feed.state is State.LIVE, "live once the key is accepted")
    eventually(lambda: kinds(rig.account_events(account)) == ["FeedLost", "FeedConnected"], "connected told")


def test_refused_subscription_is_tried_again(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    venue.script.refuse_topics = frozenset({"execution"})
    feed = rig.add_account(account)
    eventually(lambda: feed.losses[LossKind.SUBSCRIBE] >= 1, "a refused subscription")
    assert "handler not found,topic:execution" in feed.trouble
    venue.script.refuse_topics = frozenset()
    eventually(lambda: feed.state is State.LIVE, "live after the venue changed its mind")


@pytest.mark.parametrize("step", [LossKind.AUTH, LossKind.SUBSCRIBE])
def test_a_refusal_on_reconnect_is_outlived(rig: Rig, venue: ScriptedVenue, account: str, step: LossKind) -> None:
    """Where pybit ends for good: its thread dies of the refused log-in or subscription."""
    live(rig, venue, account)
    feed = rig.private[account]
    venue.script.accept_auth = lambda key: step is not LossKind.AUTH
    venue.script.refuse_topics = frozenset({"order"} if step is LossKind.SUBSCRIBE else ())
    venue.close_all(1012)
    eventually(lambda: feed.losses[step] >= 2, "refused twice")
    assert kinds(rig.account_events(account)) == ["FeedConnected", "FeedLost"]
    venue.script.accept_auth = lambda key: True
    venue.script.refuse_topics = frozenset()
    eventually(lambda: feed.state is State.LIVE, "live again")
    eventually(lambda: kinds(rig.account_events(account))[-1] == "FeedConnected", "told")


def test_an_unknown_kind_of_execution_is_kept_and_the_bots_reconcile(
    rig: Rig, venue: ScriptedVenue, account: str
) -> None:
    live(rig, venue, account)
    row = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "execId": "e1", "execType": "CorporateAction"}
    venue.push_private(f"key-{account}", json.dumps({"topic": "execution", "data": [row]}), order(1))
    eventually(lambda: accepted(rig.account_events(account)) == ["o1"], "the next event")
    # Whether the bots are told before or after that event is a matter of which batch it came in.
    eventually(lambda: told_connected(rig, account) == 2, "bots are told to reconcile")
    (letter,) = rig.dead_letters(keys.events(account))
    assert b"execType='CorporateAction'" in letter[b"reason"]


def test_silent_venue_does_not_block_forever(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    venue.script.ignore_requests = True
    feed = rig.add_account(account, step_timeout_s=0.2)
    eventually(lambda: feed.losses[LossKind.AUTH] >= 1, "log-in timed out")
    assert "no answer to auth in time" in feed.trouble


def test_instant_answers_lose_nothing_in_100_sessions(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    """pybit registers a subscription after sending it and dies of an instant answer in 1 to 9 of 100 cases."""
    venue.script.before_ack = [order(1)]
    venue.script.after_ack = [order(2), order(3)]
    venue.script.close_after_ack = True
    feed = rig.add_account(account)
    for session in range(1, 101):
        eventually(lambda: feed.losses[LossKind.CLOSED] + feed.losses[LossKind.SUBSCRIBE] >= session, "session ended")  # noqa: B023
        rig.clock.skip_ms(300_000)
        feed.on_lost("look at the clock")
    feed.stop()
    feed.thread.join(10)
    eventually(lambda: rig.events.queue.empty() and len(accepted(rig.account_events(account))) >= 300, "all in")
    ids = accepted(rig.account_events(account))
    sessions = feed.session
    assert sessions >= 100
    assert ids[:300] == ["o1", "o2", "o3"] * 100
    assert feed.losses[LossKind.AUTH] == feed.losses[LossKind.CONNECT] == 0


def test_server_close_is_told_and_repaired(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    live(rig, venue, account)
    venue.push_private(f"key-{account}", order(1))
    venue.close_all(1012)
    eventually(lambda: told_connected(rig, account) == 2, "second connection")
    venue.push_private(f"key-{account}", order(2))
    eventually(lambda: len(rig.account_events(account)) == 5, "all events")
    messages = rig.account_events(account)
    assert kinds(messages) == ["FeedConnected", "OrderAccepted", "FeedLost", "FeedConnected", "OrderAccepted"]
    lost = messages[2]
    assert isinstance(lost, FeedLost)
    assert lost.session == 1
    assert "1012" in lost.reason


def test_progress_starts_from_zero_in_a_new_session(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    live(rig, venue, account)
    venue.push_private(f"key-{account}", order(1), order(2))
    eventually(lambda: rig.frames_reported(account) == 2, "two frames")
    venue.close_all()
    eventually(lambda: rig.frames_reported(account) == 0, "count back at zero")
    eventually(lambda: venue.subscribed(PRIVATE), "second connection")
    venue.push_private(f"key-{account}", order(3))
    eventually(lambda: rig.frames_reported(account) == 1, "one frame of the new session")


def test_no_storm_while_connections_are_refused(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    live(rig, venue, account)
    feed = rig.private[account]
    venue.stop()
    eventually(lambda: feed.losses[LossKind.CONNECT] >= 3, "three refused attempts")
    attempts = feed.attempts
    # 0.25 s + 0.5 s + 1 s at the least: a storm would have made hundreds by now.
    assert attempts <= 6
    venue.start()
    eventually(lambda: feed.state is State.LIVE, "live after the venue is back")
    assert feed.attempts <= attempts + 4
    eventually(lambda: kinds(rig.account_events(account))[-1] == "FeedConnected", "connected told")
    assert kinds(rig.account_events(account)) == ["FeedConnected", "FeedLost", "FeedConnected"]


def test_garbage_is_set_aside_and_costs_nothing_else(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    live(rig, venue, account)
    bad_row = order(3).replace('"positionIdx": 1', '"positionIdx": 7')
    venue.push_private(
        f"key-{account}",
        order(1),
        "not json at all",
        '{"topic":"order"',
        bad_row,
        '{"topic":"greeks","data":[]}',
        order(2),
    )
    eventually(lambda: rig.frames_reported(account) >= 6, "six frames reported")
    assert accepted(rig.account_events(account)) == ["o1", "o2"]
    letters = rig.dead_letters(keys.events(account))
    assert [letter[b"raw"] for letter in letters[:2]] == [b"not json at all", b'{"topic":"order"']
    reasons = b" | ".join(letter[b"reason"] for letter in letters)
    assert b"positionIdx=7" in reasons
    assert b"topic='greeks'" in reasons
    assert len(letters) == 4
    eventually(lambda: told_connected(rig, account) == 2, "bots are told to reconcile")
    venue.push_private(f"key-{account}", "garbage again", order(3))
    eventually(lambda: accepted(rig.account_events(account)) == ["o1", "o2", "o3"], "events flow")
    assert kinds(rig.account_events(account)).count("FeedConnected") == 2, "not so soon again"
    rig.clock.skip_ms(DOUBTS_EVERY_MS)
    eventually(lambda: kinds(rig.account_events(account)).count("FeedConnected") == 3, "told all the same, later")
    assert rig.private[account].state is State.LIVE
    assert venue.accepted[PRIVATE] == 1


def test_two_accounts_do_not_mix(rig: Rig, venue: ScriptedVenue, account: str) -> None:
    first, second = f"{account}a", f"{account}b"
    live(rig, venue, first)
    live(rig, venue, second)
    eventually(lambda: len(venue.subscribed(PRIVATE)) == 2, "two connections")
    for number in range(10):
        venue.push_private(f"key-{first if number % 2 else second}", order(number))
    eventually(lambda: rig.frames_reported(first) == 5 and rig.frames_reported(second) == 5, "all frames")
    assert accepted(rig.account_events(first)) == ["o1", "o3", "o5", "o7", "o9"]
    assert accepted(rig.account_events(second)) == ["o0", "o2", "o4", "o6", "o8"]


def test_socket_that_answers_no_text_ping_is_replaced(
    rig: Rig, venue: ScriptedVenue, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ws_transport, "PING_INTERVAL_S", 0.2)
    monkeypatch.setattr(ws_transport, "PING_TIMEOUT_S", 0.1)
    monkeypatch.setattr(watchdog, "PONG_MS", 1000)
    live(rig, venue, account)
    feed = rig.private[account]
    eventually(lambda: feed.ping_round_trip_s is not None, "round trip measured")
    assert venue.accepted[PRIVATE] == 1
    venue.script.answer_text_pings = False
    eventually(lambda: feed.losses[LossKind.SILENT] == 1, "socket without pongs given up")
    venue.script.answer_text_pings = True
    eventually(lambda: venue.accepted[PRIVATE] == 2 and feed.state is State.LIVE, "replaced")
