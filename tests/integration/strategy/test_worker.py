"""Strategy workers as real processes over a real Redis: they trade, share, die and hand over without losing count."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.bus import keys
from hedgegrid.bus.progress import bot_progress
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.ledger import StateChanged
from hedgegrid.operator.redis_server import RedisBinary, RedisServer
from tests.integration.strategy.floor import Floor, eventually

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def floor(redis_url: str, tmp_path: Path) -> Iterator[Floor]:
    floor = Floor(redis_url, tmp_path, SYMBOLS)
    yield floor
    floor.stop_all()


def all_held_by(floor: Floor, names: set[str]) -> bool:
    return set(floor.holders().values()) == names


def test_one_worker_trades_all_bots_to_the_last_digit(floor: Floor) -> None:
    floor.start_worker("a")
    eventually(lambda: all_held_by(floor, {"a"}), 15, "all bots leased")
    floor.trade(20, until=lambda: floor.cycles() >= 6)
    assert floor.cycles() >= 6
    floor.check_books()


def test_a_killed_workers_bots_are_taken_over_and_nothing_is_lost_or_doubled(floor: Floor) -> None:
    victim = floor.start_worker("a")
    eventually(lambda: all_held_by(floor, {"a"}), 15, "all bots leased")
    floor.trade(10, until=lambda: floor.cycles() >= 2)
    floor.start_worker("b")
    floor.trade(15, until=lambda: len(set(floor.holders().values())) == 2)
    victim.kill()
    victim.wait()
    floor.trade(15, until=lambda: all_held_by(floor, {"b"}))
    assert all_held_by(floor, {"b"})
    before = floor.cycles()
    floor.trade(15, until=lambda: floor.cycles() >= before + 2)
    floor.check_books()


def test_a_stopped_worker_that_wakes_up_cannot_write(floor: Floor) -> None:
    sleeper = floor.start_worker("a")
    eventually(lambda: all_held_by(floor, {"a"}), 15, "all bots leased")
    floor.trade(3)
    sleeper.send_signal(signal.SIGSTOP)
    floor.start_worker("b")
    floor.trade(15, until=lambda: all_held_by(floor, {"b"}))
    assert all_held_by(floor, {"b"})
    sleeper.send_signal(signal.SIGCONT)
    floor.trade(5)
    floor.check_books()


def test_sigterm_hands_over_within_a_second(floor: Floor) -> None:
    leaver = floor.start_worker("a")
    floor.start_worker("b")
    floor.trade(15, until=lambda: len(set(floor.holders().values()) - {""}) == 2)
    leaver.terminate()
    assert leaver.wait(timeout=5) == 0
    seconds = eventually(lambda: all_held_by(floor, {"b"}), 5, "the other holds all")
    assert seconds < 1.5
    floor.trade(3)
    floor.check_books()


def test_workers_that_join_get_a_fair_share(floor: Floor) -> None:
    for name in ("a", "b", "c"):
        floor.start_worker(name)
    floor.trade(20, until=lambda: sorted(Counter(floor.holders().values()).items()) == [("a", 1), ("b", 1), ("c", 1)])
    assert set(floor.holders().values()) == {"a", "b", "c"}
    floor.check_books()


def test_an_unreadable_event_is_set_aside_and_the_bots_reconcile(floor: Floor) -> None:
    floor.start_worker("a")
    eventually(lambda: all_held_by(floor, {"a"}), 15, "all bots leased")
    floor.trade(2)
    floor.client.xadd(keys.events("main"), {"__data__": '{"type": "OrderFilled", "v": 1}'})
    floor.trade(3)
    dead: Any = floor.client.xrange(keys.dead(keys.events("main")))
    assert len(dead) == 1
    assert b"symbol" in dead[0][1][b"reason"]
    floor.check_books()


def test_an_unreadable_control_is_set_aside_once_and_moves_nothing_else(floor: Floor) -> None:
    first = floor.start_worker("a")
    eventually(lambda: all_held_by(floor, {"a"}), 15, "all bots leased")
    floor.client.xadd(keys.control("main"), {"__data__": "no json"})
    dead = keys.dead(keys.control("main"))
    eventually(lambda: floor.client.xlen(dead) == 1, 5, "set aside")
    floor.trade(2)
    first.terminate()
    assert first.wait(timeout=5) == 0
    floor.start_worker("b")
    eventually(lambda: all_held_by(floor, {"b"}), 15, "taken over")
    floor.trade(2)
    assert floor.client.xlen(dead) == 1
    floor.check_books()


def test_a_new_holder_knows_the_price_though_the_market_stands_still(floor: Floor) -> None:
    """A simulated exchange that waits for the bots would wait for ever for a tick it has sent before the hand-over."""
    first = floor.start_worker("a")
    eventually(lambda: all_held_by(floor, {"a"}), 15, "all bots leased")
    floor.trade(2)
    newest = {symbol: floor.tick_ms[symbol] for symbol in SYMBOLS}
    first.terminate()
    assert first.wait(timeout=5) == 0
    for symbol in SYMBOLS:
        floor.client.hdel(keys.progress("main"), f"bot:{symbol}")
    floor.start_worker("b")
    eventually(lambda: all_held_by(floor, {"b"}), 15, "taken over")
    for symbol in SYMBOLS:
        eventually(
            lambda symbol=symbol: bot_progress(floor.client, "main", symbol)[0] == newest[symbol],  # type: ignore[misc]
            5,
            "the new holder stands at the newest tick",
        )


def test_a_worker_that_starts_in_an_outage_waits_for_its_end(redis_binary: RedisBinary, tmp_path: Path) -> None:
    """Dying of it again and again would make the demo's supervisor give up and end everything."""
    with RedisServer(tmp_path / "redis", binary=redis_binary) as server:
        floor = Floor(server.url, tmp_path, ("BTCUSDT",))
        try:
            server.stop()
            worker = floor.start_worker("a")
            log = tmp_path / "a.log"
            eventually(lambda: worker.poll() is not None or "waiting for redis" in log.read_text(), 15, "it waits")
            server.start()
            eventually(lambda: worker.poll() is not None or all_held_by(floor, {"a"}), 15, "all bots leased")
            assert worker.poll() is None
        finally:
            floor.stop_all()


def test_a_ladder_the_account_cannot_carry_is_refused_at_start_with_the_numbers(redis_url: str, tmp_path: Path) -> None:
    floor = Floor(redis_url, tmp_path, ("BTCUSDT",))
    try:
        config = tmp_path / "config.toml"
        config.write_text(config.read_text().replace("initial_margin_usdt = 100", "initial_margin_usdt = 20000"))
        floor.start_worker("a")
        refused: list[StateChanged] = []

        def is_refused() -> bool:
            floor.serve()
            refused[:] = [row for row in floor.ledger() if isinstance(row, StateChanged)]
            return bool(refused)

        eventually(is_refused, 20, "refused")
        (row,) = refused
        assert (row.state, row.actor) == (TradingState.NO_NEW_CYCLES, "preflight")
        assert row.reason.startswith("refused at start: all markets fall: full ladders need 1")
        assert "less than the balance buffer of" in row.reason
        floor.trade(2)
        assert floor.submitted == []
    finally:
        floor.stop_all()
