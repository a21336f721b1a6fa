"""What needs a person is said, and nothing else is."""

import msgspec
import pytest

from hedgegrid.bus import keys
from hedgegrid.bus.struct_fields import to_fields
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import Leg
from hedgegrid.domain.risk import RiskStage
from hedgegrid.messages import events as ev
from hedgegrid.messages import ledger as lg
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.metrics.bot_books import decode
from tests.unit.metrics import sample
from tests.unit.metrics.page_world import ETH, Given
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS, d
from tests.unit.strategy.situations import settled


@pytest.fixture
def given() -> Given:
    given = Given()
    given.everything_runs()
    books = decode(to_fields(settled().state))
    given.bots.books = {(ACCOUNT, BTC): books, (ACCOUNT, ETH): books}
    return given


def test_when_everything_runs_nothing_needs_anyone(given: Given) -> None:
    assert given.shown()["attention"] == []


def test_services_that_are_not_there_or_not_ready(given: Given) -> None:
    del given.fleet.instances["executor"]
    given.fleet.instances["strategy"].ready = False
    assert given.texts() == ["no executor is running", "strategy (strategy-1) is not ready"]


def test_an_instance_that_was_replaced_is_no_news(given: Given) -> None:
    old = msgspec.structs.replace(given.fleet.instances["strategy"], instance="strategy-0", age_ms=30_000)
    given.fleet.instances["old"] = old
    assert given.texts() == []


def test_the_guards_stage_with_its_cause(given: Given) -> None:
    given.account.events.apply(
        "1-0", ev.RiskStageChanged(stage=RiskStage.REDUCE, cause="margin rate 61 %", ts_event=NOW_MS)
    )
    assert given.texts() == ["account guard at REDUCE: margin rate 61 %"]
    given.account.events.apply("2-0", ev.RiskStageChanged(stage=RiskStage.NORMAL, cause="", ts_event=NOW_MS))
    assert given.texts() == []


def test_a_thrown_kill_switch_until_it_is_cleared(given: Given) -> None:
    thrown = ev.KillSwitchChanged(level=KillLevel.CANCEL, source="file", reason="fire", ts_event=NOW_MS)
    given.account.events.apply("1-0", thrown)
    assert given.texts() == ["kill switch at CANCEL: fire; clear it by hedgegrid halt --clear"]
    given.account.events.apply("2-0", msgspec.structs.replace(thrown, level=None))
    assert given.texts() == []


def test_a_lost_private_feed_and_old_wallet_figures(given: Given) -> None:
    given.account.events.apply("1-0", FeedLost(feed="private", session=1, reason="no pong", ts_event=NOW_MS))
    assert given.texts() == ["the private feed is down: bots wait until it is back and reconciled"]
    given.account.events.apply("2-0", FeedConnected(feed="private", session=2, ts_event=NOW_MS + 1))
    given.account.events.apply("3-0", sample.wallet())
    given.clock.advance_ms(120_000)
    assert given.texts() == [], "no position is held: the venue has nothing to push"
    given.account.events.apply("4-0", sample.position())
    assert given.texts() == ["the wallet figures are old: nothing was heard of the account's margin"]


def test_a_halted_bot_says_why_and_a_waiting_one_for_what(given: Given) -> None:
    books = given.bots.books[ACCOUNT, BTC]
    change = msgspec.structs.replace
    given.bots.books[ACCOUNT, BTC] = change(books, trading_state=books.trading_state.HALTED, why="asked by ana")
    given.bots.books[ACCOUNT, ETH] = change(books, reconciled=False)
    assert given.texts() == [
        "HALTED: asked by ana",
        "not reconciled: it waits for the venue's snapshot and plans nothing",
    ]


def test_a_bot_nobody_took_and_one_nobody_can_read(given: Given) -> None:
    given.bots.books = {}
    given.bots.unreadable = {(ACCOUNT, ETH)}
    assert given.texts() == [
        "its stored state cannot be read by this version of metrics",
        "not started: no worker has taken it yet",
    ]


def test_old_prices_differences_denials_and_dead_letters(given: Given) -> None:
    given.market.apply(BTC, "1-0", sample.tick())
    given.clock.advance_ms(20_000)
    found = lg.DifferenceFound(symbol=BTC, ts_event=NOW_MS, leg=Leg.LONG, ours=d(0), venue=d("0.5"), amount=d("0.5"))
    given.account.ledger.apply("1-0", found)
    books = given.bots.books[ACCOUNT, ETH]
    denied = msgspec.structs.replace(books.short, denied="max_leg_notional_usdt", denied_ms=NOW_MS)
    given.bots.books[ACCOUNT, ETH] = msgspec.structs.replace(books, short=denied)
    given.streams.lengths[keys.dead(keys.events(ACCOUNT))] = 2
    assert given.texts() == [
        f"2 unreadable entries set aside in {{{ACCOUNT}}}:events:dead",
        "long: ledger and venue differ by -0.5 USDT",
        "its price is old: the bot decides nothing that needs one",
        "short: max_leg_notional_usdt",
    ]
    given.clock.advance_ms(3_600_000)
    assert "short: max_leg_notional_usdt" not in given.texts(), "long over"
