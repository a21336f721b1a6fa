"""Sockets of the exchange simulator that fall silent, hang, or stand still with their process."""

import os
import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from hedgegrid.bus import keys
from hedgegrid.bus.publisher import publish
from hedgegrid.bybit import ws_transport
from hedgegrid.messages.events import CommandKind, OrderAcked, OrderFilled
from hedgegrid.messages.feed import FeedLost
from hedgegrid.ws_gateway import watchdog
from hedgegrid.ws_gateway.ack_watch import CLOCKS_APART_MS
from hedgegrid.ws_gateway.feeds import PrivateFeed
from hedgegrid.ws_gateway.session import LossKind, State
from tests.contract.exchange_sim.simulators import Simulator, launch
from tests.integration.ws_gateway.rig import Rig, eventually

BTC: dict[str, Any] = {"category": "linear", "symbol": "BTCUSDT", "qty": "0.01"}
NOTICED_WITHIN_S = 15


@pytest.fixture
def simulator(account: str) -> Iterator[Simulator]:
    simulator = launch("--synthetic", "flat", "--symbols", "BTCUSDT", "--account", account)
    session = simulator.http()
    session.switch_position_mode(category="linear", coin="USDT", mode=3)
    yield simulator
    simulator.process.send_signal(signal.SIGCONT)
    simulator.close()


@pytest.fixture
def rig(simulator: Simulator, redis_url: str) -> Iterator[Rig]:
    rig = Rig(SimpleNamespace(url=simulator.info["ws_private"]), redis_url)  # type: ignore[arg-type]
    yield rig
    simulator.process.send_signal(signal.SIGCONT)
    rig.close()


@pytest.fixture
def feed(rig: Rig, simulator: Simulator, account: str) -> PrivateFeed:
    given = simulator.info["accounts"][0]
    feed = rig.add_account(account, key=given["api_key"], secret=given["api_secret"])
    eventually(lambda: feed.state is State.LIVE, "private feed live")
    rig.read_streams()
    eventually(lambda: rig.has_read(account), "streams are read")
    return feed


def losses(rig: Rig, account: str) -> list[str]:
    return [message.reason for message in rig.account_events(account) if isinstance(message, FeedLost)]


def order(rig: Rig, simulator: Simulator, account: str, link_id: str) -> None:
    """As the executor does: a POST, and the venue's answer into the stream."""
    session = simulator.http()
    sent_ns = time.time_ns()
    answer = session.place_order(
        **BTC, side="Buy", orderType="Limit", price="60000", positionIdx=1, orderLinkId=link_id
    )
    acked = OrderAcked(
        symbol="BTCUSDT",
        client_order_id=link_id,
        ts_event=sent_ns // 1_000_000,
        command=CommandKind.SUBMIT,
        venue_order_id=answer["result"]["orderId"],
        sent_ns=sent_ns,
    )
    publish(rig.client, [(keys.events(account), acked)])


def test_a_stall_with_pongs_is_noticed_by_the_first_order(
    rig: Rig, simulator: Simulator, feed: PrivateFeed, account: str
) -> None:
    live_ms = time.time_ns() // 1_000_000
    eventually(lambda: time.time_ns() // 1_000_000 > live_ms + CLOCKS_APART_MS, "the session has settled")
    order(rig, simulator, account, "told")
    eventually(lambda: rig.frames_reported(account) > 0, "pushes arrive")
    simulator.tell("events", kind="socket_stall", channel="private", account=account)
    order(rig, simulator, account, "not-told")
    eventually(lambda: feed.losses[LossKind.SILENT] == 1, "stall noticed", NOTICED_WITHIN_S)
    eventually(lambda: "not-told" in "".join(losses(rig, account)), "told")
    eventually(lambda: feed.state is State.LIVE and feed.session == 2, "another socket")
    assert len(losses(rig, account)) == 1


def test_a_half_open_socket_is_noticed_by_its_missing_pongs(
    rig: Rig, simulator: Simulator, feed: PrivateFeed, account: str
) -> None:
    simulator.tell("events", kind="socket_half_open", channel="private", account=account)
    eventually(lambda: losses(rig, account), "noticed", NOTICED_WITHIN_S)
    eventually(lambda: feed.state is State.LIVE and feed.session == 2, "another socket")


def test_a_venue_that_stands_still_is_noticed_on_both_feeds(
    rig: Rig, simulator: Simulator, feed: PrivateFeed, account: str
) -> None:
    rig.venue = SimpleNamespace(url=simulator.info["ws_public"])  # type: ignore[assignment]
    public = rig.add_public("BTCUSDT")
    eventually(lambda: rig.market_messages("BTCUSDT"), "ticks")
    eventually(lambda: public.state is State.LIVE, "public feed live")
    os.kill(simulator.process.pid, signal.SIGSTOP)
    eventually(lambda: sum(public.losses.values()) == 1, "the public feed notices", NOTICED_WITHIN_S)
    eventually(lambda: losses(rig, account), "the private feed notices", NOTICED_WITHIN_S)
    os.kill(simulator.process.pid, signal.SIGCONT)
    eventually(lambda: public.state is State.LIVE and feed.state is State.LIVE, "both back", 60)


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "socket_close", "channel": "private", "code": 1000},
        {"kind": "socket_close", "channel": "private", "code": 1001},
        {"kind": "socket_close", "channel": "private", "code": 1012},
        {"kind": "socket_close", "channel": "private"},
        {"kind": "maintenance", "for_s": 1},
    ],
    ids=lambda event: "-".join(str(value) for value in event.values()),
)
def test_a_fill_while_disconnected_is_left_to_the_reconciliation_that_the_return_asks_for(
    rig: Rig, simulator: Simulator, feed: PrivateFeed, account: str, event: dict[str, Any]
) -> None:
    session = simulator.http()
    simulator.tell("faults", kind="connect_refused", match={"channel": "private"}, count=2)
    simulator.tell("events", **event)
    eventually(lambda: losses(rig, account), "loss told")
    if event["kind"] != "maintenance":
        session.place_order(**BTC, side="Buy", orderType="Market", positionIdx=1, orderLinkId="during")
    eventually(lambda: feed.state is State.LIVE, "back", 30)
    assert feed.losses[LossKind.CONNECT] >= 2
    session.place_order(**BTC, side="Buy", orderType="Market", positionIdx=1, orderLinkId="after")
    eventually(lambda: _fills(rig, account), "fills are told again")
    assert _fills(rig, account) == ["after"], "the venue repeats nothing"
    kinds = [type(message).__name__ for message in rig.account_events(account)]
    assert kinds.index("FeedLost") < kinds.index("FeedConnected", 1) < kinds.index("OrderFilled")


def _fills(rig: Rig, account: str) -> list[str]:
    return [message.client_order_id for message in rig.account_events(account) if isinstance(message, OrderFilled)]


def test_the_watchdogs_add_up_to_less_than_the_promise() -> None:
    assert watchdog.STALE_MS < NOTICED_WITHIN_S * 1000
    assert watchdog.PONG_MS < NOTICED_WITHIN_S * 1000
    assert ws_transport.PING_INTERVAL_S * 1000 * 2 < watchdog.PONG_MS, "one answer may be lost"
