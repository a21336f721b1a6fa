"""Paper trading on a live feed: the feed of another simulator stands for Bybit's."""

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal

from hedgegrid.exchange_sim.instruments import load_listings
from tests.contract.exchange_sim.simulators import Simulator, eventually
from tests.contract.exchange_sim.test_pybit import BTC, hedged, market

Start = Callable[..., Simulator]


def follower(simulator: Start, real: Simulator, *more: str) -> Simulator:
    urls = ("--live-url", real.info["ws_public"], "--live-rest-url", real.info["rest"])
    return simulator("--live", *urls, "--symbols", "BTCUSDT", "--order-rate", "1000", *more)


def last_price(simulator: Simulator) -> Decimal:
    return Decimal(simulator.http().get_tickers(**BTC)["result"]["list"][0]["lastPrice"])


def test_prices_are_the_feeds_and_orders_stay_here(simulator: Start) -> None:
    real = simulator("--synthetic", "trend", "--speed", "20", "--seed", "5")
    paper = follower(simulator, real)
    session = hedged(paper)
    listed = session.get_instruments_info(category="linear")["result"]["list"]
    assert len(listed) == len(load_listings(None))
    first = last_price(paper)
    eventually(lambda: last_price(paper) != first)
    assert abs(last_price(paper) / last_price(real) - 1) < Decimal("0.01")
    session.place_order(**market("Buy", 1))
    assert [row["size"] for row in paper.admin("positions", account="main")["list"]] == ["0.01", "0"]
    assert real.admin("orders", account="main")["list"] == []


def test_a_lost_feed_is_opened_again(simulator: Start) -> None:
    real = simulator("--synthetic", "chop")
    paper = follower(simulator, real)
    real.tell("events", kind="socket_close", channel="public")
    ticks = paper.admin("status")["ticks"]
    eventually(lambda: paper.admin("status")["ticks"] > ticks + 5)
    assert real.admin("status")["sockets"] == 1


def test_the_market_stands_while_paused(simulator: Start) -> None:
    real = simulator("--synthetic", "chop")
    paper = follower(simulator, real, "--no-autostart")
    before = paper.admin("status")
    eventually(lambda: real.admin("status")["ticks"] > 10)
    assert paper.admin("status")["ticks"] == before["ticks"]
    paper.tell("start")
    eventually(lambda: paper.admin("status")["ticks"] > before["ticks"] + 5)
    assert not paper.admin("status")["tape_ended"]


def test_without_a_network_there_is_one_clear_line(simulator: Start) -> None:
    reachable, nowhere = simulator("--synthetic", "flat").info["rest"], "127.0.0.1:1"
    for rest, words in (
        (f"http://{nowhere}", f"--live: http://{nowhere}/v5/market/instruments-info: "),
        (reachable, f"--live: ws://{nowhere}: "),
    ):
        command = [sys.executable, "-m", "hedgegrid.exchange_sim", "--live", "--live-rest-url", rest]
        command += ["--live-url", f"ws://{nowhere}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
