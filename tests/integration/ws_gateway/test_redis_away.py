"""Redis goes away while account events arrive."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgegrid.bus import connection
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.operator.redis_server import RedisBinary, RedisServer
from hedgegrid.ws_gateway.held_events import HoldingBound
from hedgegrid.ws_gateway.session import LossKind, State
from tests.integration.ws_gateway.frames import order
from tests.integration.ws_gateway.rig import Rig, eventually
from tests.integration.ws_gateway.scripted_venue import ScriptedVenue
from tests.integration.ws_gateway.test_private_feed import accepted, kinds, live

PRIVATE = "/v5/private"


@pytest.fixture
def own_redis(tmp_path: Path, redis_binary: RedisBinary) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", binary=redis_binary) as server:
        yield server


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_restart_loses_no_event_and_keeps_the_order(
    venue: ScriptedVenue, own_redis: RedisServer, account: str, end: str
) -> None:
    rig = Rig(venue, own_redis.url)
    try:
        live(rig, venue, account)
        key = f"key-{account}"
        for number in range(50):
            venue.push_private(key, order(number))
        getattr(own_redis, end)()
        for number in range(50, 150):
            venue.push_private(key, order(number))
        eventually(lambda: not rig.events.redis_works, "outage noticed")
        own_redis.start()
        for number in range(150, 200):
            venue.push_private(key, order(number))
        eventually(lambda: rig.frames_reported(account) == 200, "all frames in")
        messages = rig.account_events(account)
        once = list(dict.fromkeys(accepted(messages)))
        assert once == [f"o{n}" for n in range(200)]
        assert venue.accepted[PRIVATE] == 1, "the socket had no reason to be replaced"
        assert "FeedLost" not in kinds(messages)
    finally:
        rig.close()


@pytest.mark.parametrize("trouble", ["frozen", "cut"])
def test_a_server_that_hangs_or_cuts_us_off_costs_no_event(
    venue: ScriptedVenue, own_redis: RedisServer, account: str, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen for longer than we wait for an answer: what it answers too late is in, and is sent again all the same."""
    monkeypatch.setattr(connection, "SOCKET_TIMEOUT_S", 0.3)
    rig = Rig(venue, own_redis.url)
    try:
        live(rig, venue, account)
        key = f"key-{account}"
        for number in range(50):
            venue.push_private(key, order(number))
        if trouble == "frozen":
            assert own_redis.pid is not None
            os.kill(own_redis.pid, signal.SIGSTOP)
            for number in range(50, 100):
                venue.push_private(key, order(number))
            eventually(lambda: not rig.events.redis_works, "trouble noticed")
            os.kill(own_redis.pid, signal.SIGCONT)
        else:
            for number in range(50, 100):
                venue.push_private(key, order(number))
                if number % 10 == 0:
                    rig.client.client_kill_filter(_type="normal", skipme=True)
        eventually(lambda: rig.frames_reported(account) == 100, "all frames in")
        messages = rig.account_events(account)
        assert list(dict.fromkeys(accepted(messages))) == [f"o{n}" for n in range(100)]
        assert "FeedLost" not in kinds(messages)
    finally:
        rig.close()


def test_too_much_held_is_declared_lost_and_the_socket_restarted(
    venue: ScriptedVenue, own_redis: RedisServer, account: str
) -> None:
    rig = Rig(venue, own_redis.url, HoldingBound(entries=20))
    try:
        live(rig, venue, account)
        key = f"key-{account}"
        venue.push_private(key, order(0))
        eventually(lambda: accepted(rig.account_events(account)) == ["o0"], "first event")
        own_redis.stop()
        for number in range(1, 100):
            venue.push_private(key, order(number))
        feed = rig.private[account]
        eventually(lambda: feed.losses[LossKind.REDIS] == 1, "feed declared lost")
        eventually(lambda: not venue.subscribed(PRIVATE), "socket closed")
        assert feed.state is State.WAITING
        assert venue.accepted[PRIVATE] == 1, "no new socket before Redis is back"
        own_redis.start()
        eventually(lambda: venue.accepted[PRIVATE] == 2 and feed.state is State.LIVE, "live again")
        venue.push_private(key, order(100))
        eventually(lambda: accepted(rig.account_events(account))[-1] == "o100", "events flow again")
        messages = rig.account_events(account)
        news = [m for m in kinds(messages) if m.startswith("Feed")]
        told = [m for m, before in zip(news, ["", *news], strict=False) if m != before]  # a lost answer: told twice
        assert told == ["FeedConnected", "FeedLost", "FeedConnected"]
        lost = next(m for m in messages if isinstance(m, FeedLost))
        assert lost.session == 1
        assert "more than 20 events held" in lost.reason
        again = messages[-2]
        assert isinstance(again, FeedConnected)
        assert again.session == 2
    finally:
        rig.close()


def test_market_news_survive_an_outage(venue: ScriptedVenue, own_redis: RedisServer) -> None:
    rig = Rig(venue, own_redis.url)
    try:
        feed = rig.add_public("BTCUSDT")
        eventually(lambda: kinds(rig.market_messages("BTCUSDT")) == ["FeedConnected"], "connected told")
        own_redis.stop()
        venue.close_all()
        eventually(lambda: not rig.market.redis_works, "outage noticed")
        eventually(lambda: venue.accepted["/v5/public/linear"] == 2 and feed.state is State.LIVE, "second connection")
        own_redis.start()
        eventually(lambda: kinds(rig.market_messages("BTCUSDT"))[-2:] == ["FeedLost", "FeedConnected"], "both told")
    finally:
        rig.close()
