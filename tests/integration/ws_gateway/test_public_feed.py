"""The public feed against a venue that misbehaves, with a real Redis behind it."""

from decimal import Decimal

from hedgegrid.bus import keys
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedStale
from hedgegrid.messages.market import QuoteTick
from hedgegrid.ws_gateway.session import LossKind, State
from tests.integration.ws_gateway.frames import ticker, ticker_snapshot
from tests.integration.ws_gateway.rig import Rig, eventually
from tests.integration.ws_gateway.scripted_venue import ScriptedVenue

PUBLIC = "/v5/public/linear"


def prices(messages: list[Message]) -> list[Decimal]:
    return [message.last_px for message in messages if isinstance(message, QuoteTick)]


def kinds(messages: list[Message]) -> list[str]:
    return [type(message).__name__ for message in messages]


def test_ticks_and_deltas_reach_their_symbol(rig: Rig, venue: ScriptedVenue) -> None:
    feed = rig.add_public("BTCUSDT", "ETHUSDT")
    eventually(lambda: feed.state is State.LIVE and venue.subscribed(PUBLIC), "public feed live")
    assert venue.subscribed(PUBLIC)[0].topics == [
        "tickers.BTCUSDT", "orderbook.1.BTCUSDT", "tickers.ETHUSDT", "orderbook.1.ETHUSDT",
    ]  # fmt: skip
    venue.push_public(ticker_snapshot("BTCUSDT", "100"), ticker_snapshot("ETHUSDT", "10"))
    eventually(lambda: prices(rig.market_messages("ETHUSDT")) == [Decimal(10)], "first tick")
    venue.push_public(ticker("delta", "BTCUSDT", 2, lastPrice="101"))
    eventually(lambda: prices(rig.market_messages("BTCUSDT"))[-1:] == [Decimal(101)], "delta merged")
    assert prices(rig.market_messages("ETHUSDT")) == [Decimal(10)]
    assert kinds(rig.market_messages("BTCUSDT"))[0] == "FeedConnected"


def test_deltas_before_the_snapshot_of_a_new_session_do_not_count(rig: Rig, venue: ScriptedVenue) -> None:
    feed = rig.add_public("BTCUSDT")
    eventually(lambda: venue.subscribed(PUBLIC), "subscribed")
    venue.push_public(ticker_snapshot("BTCUSDT", "100"))
    eventually(lambda: prices(rig.market_messages("BTCUSDT")), "first tick")
    venue.close_all()
    eventually(lambda: venue.accepted[PUBLIC] == 2 and feed.state is State.LIVE, "second connection")
    venue.push_public(ticker("delta", "BTCUSDT", 2, lastPrice="666"), ticker_snapshot("BTCUSDT", "102"))
    eventually(lambda: prices(rig.market_messages("BTCUSDT"))[-1] == Decimal(102), "snapshot of the second session")
    assert Decimal(666) not in prices(rig.market_messages("BTCUSDT"))
    assert kinds(rig.market_messages("BTCUSDT")) == [
        "FeedConnected",
        "QuoteTick",
        "FeedLost",
        "FeedConnected",
        "QuoteTick",
    ]


def test_silence_of_one_symbol_is_told_then_the_socket_replaced(rig: Rig, venue: ScriptedVenue) -> None:
    feed = rig.add_public("BTCUSDT", "ETHUSDT")
    eventually(lambda: feed.state is State.LIVE and venue.subscribed(PUBLIC), "public feed live")
    venue.push_public(ticker_snapshot("BTCUSDT", "100"), ticker_snapshot("ETHUSDT", "10"))
    eventually(lambda: prices(rig.market_messages("ETHUSDT")), "first ticks")
    rig.clock.skip_ms(11_000)
    venue.push_public(ticker_snapshot("BTCUSDT", "101"))
    eventually(lambda: kinds(rig.market_messages("ETHUSDT"))[-1] == "FeedStale", "silence told")
    stale = rig.market_messages("ETHUSDT")[-1]
    assert isinstance(stale, FeedStale)
    assert stale.age_ms >= 10_000
    assert "silent" in feed.trouble
    assert "FeedStale" not in kinds(rig.market_messages("BTCUSDT"))
    assert venue.accepted[PUBLIC] == 1
    rig.clock.skip_ms(9_500)
    venue.push_public(ticker_snapshot("BTCUSDT", "102"))
    eventually(lambda: feed.losses[LossKind.SILENT] == 1, "socket given up")
    eventually(lambda: venue.accepted[PUBLIC] == 2 and feed.state is State.LIVE, "replaced")


def test_silent_venue_with_pongs_is_replaced(rig: Rig, venue: ScriptedVenue) -> None:
    feed = rig.add_public("BTCUSDT")
    eventually(lambda: feed.state is State.LIVE, "public feed live")
    rig.clock.skip_ms(10_500)
    eventually(lambda: feed.losses[LossKind.SILENT] == 1, "silent socket given up")
    eventually(lambda: venue.accepted[PUBLIC] == 2 and feed.state is State.LIVE, "replaced")


def test_garbage_is_set_aside_and_the_next_tick_comes(rig: Rig, venue: ScriptedVenue) -> None:
    feed = rig.add_public("BTCUSDT")
    eventually(lambda: feed.state is State.LIVE and venue.subscribed(PUBLIC), "public feed live")
    bad = ticker("snapshot", "BTCUSDT", 1, lastPrice="1e", markPrice="1", bid1Price="1", ask1Price="1")
    venue.push_public(
        ticker_snapshot("BTCUSDT", "100"), "\x00\x01 garbage", bad, ticker("delta", "BTCUSDT", 3, lastPrice="101")
    )
    eventually(lambda: prices(rig.market_messages("BTCUSDT"))[-1:] == [Decimal(101)], "tick behind the garbage")
    for stream in ("PUBLIC", "BTCUSDT"):
        eventually(lambda: len(rig.dead_letters(keys.market(stream))) == 1, "garbage set aside")  # noqa: B023
    (letter,) = rig.dead_letters(keys.market("BTCUSDT"))
    assert b"lastPrice='1e'" in letter[b"reason"]
    assert venue.accepted[PUBLIC] == 1


def test_burst_is_conflated_to_the_newest(rig: Rig, venue: ScriptedVenue) -> None:
    feed = rig.add_public("BTCUSDT")
    eventually(lambda: feed.state is State.LIVE and venue.subscribed(PUBLIC), "public feed live")
    venue.push_public(
        ticker_snapshot("BTCUSDT", "10000"),
        *(ticker("delta", "BTCUSDT", n, lastPrice=str(10_000 + n)) for n in range(1, 3001)),
    )
    eventually(lambda: prices(rig.market_messages("BTCUSDT"))[-1:] == [Decimal(13_000)], "newest tick", 30)
    seen = prices(rig.market_messages("BTCUSDT"))
    assert seen == sorted(seen)
    labels = {"service": "ws-gateway", "symbol": "BTCUSDT"}
    conflated = rig.metrics.registry.get_sample_value("hedgegrid_ticks_conflated_total", labels) or 0
    assert len(seen) + conflated == 3001
