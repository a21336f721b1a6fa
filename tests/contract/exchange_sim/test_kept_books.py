"""`--state`: an exchange that was killed comes back with the same books, keys and market."""

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.exchange_sim.simulators import DEADLINE_S, Message, Simulator, eventually

Start = Callable[..., Simulator]

QUERIES = ("orders", "executions", "positions", "transactions")


def books(simulator: Simulator) -> list[Message]:
    """All that it would tell a client; the equity moves with the market and is left out."""
    told = [simulator.admin(what, account="main") for what in QUERIES]
    wallet = simulator.admin("wallet", account="main")
    for row in told[2]["list"]:
        for moving in ("markPrice", "positionValue", "unrealisedPnl", "positionMM", "liqPrice", "bustPrice"):
            row.pop(moving, None)
    return [*told, {"balance": wallet["coin"][0]["walletBalance"]}]


def test_after_kill_9_books_and_market_go_on(simulator: Start, tmp_path: Path) -> None:
    options = ("--synthetic", "gap", "--account", "main:10000", "--state", str(tmp_path / "books"))
    first = simulator(*options)
    session = first.http()
    session.switch_position_mode(category="linear", coin="USDT", mode=3)
    for number in range(8):
        order = {"side": "Buy", "orderType": "Market", "qty": "0.01", "positionIdx": 1, "orderLinkId": f"m{number}"}
        session.place_order(category="linear", symbol="BTCUSDT", **order)
    price = {"price": "30000", "qty": "0.01", "positionIdx": 1, "orderLinkId": "resting"}
    session.place_order(category="linear", symbol="BTCUSDT", side="Buy", orderType="Limit", **price)
    eventually(lambda: first.admin("status")["steps"] > 20)
    first.tell("pause")
    before, stood = books(first), first.admin("status")["venue_ms"]
    ticker = session.get_tickers(category="linear", symbol="BTCUSDT")["result"]["list"][0]
    first.process.kill()
    first.process.wait(10)

    again = simulator(*options, "--no-autostart")
    assert books(again) == before
    assert again.admin("status")["venue_ms"] > stood
    session = again.http()
    shown = session.get_tickers(category="linear", symbol="BTCUSDT")["result"]["list"][0]
    assert {name: shown[name] for name in ("lastPrice", "markPrice", "bid1Price", "volume24h")} == {
        name: ticker[name] for name in ("lastPrice", "markPrice", "bid1Price", "volume24h")
    }
    again.tell("step", steps=1)
    moved = session.get_tickers(category="linear", symbol="BTCUSDT")["result"]["list"][0]
    assert abs(float(moved["lastPrice"]) / float(shown["lastPrice"]) - 1) < 0.005
    session.cancel_order(category="linear", symbol="BTCUSDT", orderLinkId="resting")
    session.place_order(
        category="linear", symbol="BTCUSDT", side="Sell", orderType="Market", qty="0.08", positionIdx=1, reduceOnly=True
    )
    assert session.get_positions(category="linear", symbol="BTCUSDT")["result"]["list"][0]["size"] == "0"


def test_after_sigterm_there_is_nothing_to_repeat(simulator: Start, tmp_path: Path) -> None:
    options = ("--synthetic", "flat", "--account", "main:10000", "--state", str(tmp_path / "books"))
    first = simulator(*options)
    eventually(lambda: first.admin("status")["steps"] > 5)
    assert first.stop() == 0
    [log] = tmp_path.glob("books.*.log")
    assert log.stat().st_size == 0


def test_it_ends_rather_than_tell_what_it_cannot_write_down(simulator: Start, tmp_path: Path) -> None:
    first = simulator("--synthetic", "flat", "--account", "main:10000", "--state", str(tmp_path / "books"))
    size = (tmp_path / "books").stat().st_size + 4000
    resource.prlimit(first.process.pid, resource.RLIMIT_FSIZE, (size, size))
    assert first.process.wait(DEADLINE_S) == 3
    assert first.process.stderr is not None
    assert "--state" in first.process.stderr.read()


def test_other_symbols_than_those_kept_are_refused(simulator: Start, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path / "books"))
    first = simulator("--symbols", "BTCUSDT", *state)
    first.stop()
    with pytest.raises(AssertionError, match=r"exit code 2.*kept books of BTCUSDT; trade the same symbols"):
        simulator("--symbols", "ETHUSDT", *state)
