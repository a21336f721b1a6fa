"""The process: one line when it listens, a quick end, and one line of error instead of a traceback."""

import gzip
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.contract.exchange_sim.simulators import Simulator, eventually

Start = Callable[..., Simulator]
ENDS_WITHIN_S = 3.0
"""0.1 s on an idle machine; waiting for the clients' close would take 10 s."""
BARS = "\n".join(f"{1700000000000 + i * 60000},100,101,99,100,{i + 1}" for i in range(300))


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "hedgegrid.exchange_sim", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--speed", "fast"], "--speed fast: a number or max"),
        (["--synthetic", "boom"], "--synthetic boom: one of chop"),
        (["--symbols", "NOPEUSDT"], "NOPEUSDT: not among the instruments"),
        (["--tape", "/nowhere/BTCUSDT.csv"], "/nowhere/BTCUSDT.csv: No such file"),
        (["--account", "a:-5"], "--account a:-5: the balance must be above 0"),
        (["--account", "a", "--account", "a"], "id 'a' appears twice"),
        (["--accounts", "/nowhere.json"], "--accounts /nowhere.json: No such file"),
        (["--pace-redis", "redis://x"], "--pace-redis and --pace-bots go together"),
        (["--live", "--synthetic", "chop"], "--live excludes --tape"),
        (["--scenario", "/nowhere.toml"], "--scenario /nowhere.toml"),
        (["--bogus"], "unrecognized arguments: --bogus"),
    ],
)
def test_what_cannot_start_ends_with_one_line_and_code_2(arguments: list[str], expected: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_scenario_has_a_line_for_each_bad_entry(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('[[fault]]\nkind = "nope"\n[[event]]\nkind = "maintenance"\nfor_s = 0\n')
    done = run("--scenario", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.partition("s.toml ")[2] for line in done.stderr.splitlines()] == [
        "line 2: fault 1: kind: Invalid value 'nope'",
        "line 5: event 1: for_s: Expected `float` > 0.0",
    ]


def test_the_operators_command_becomes_the_exchange() -> None:
    command = [sys.executable, "-m", "hedgegrid.operator", "sim", "--synthetic", "trend", "--symbols", "ETHUSDT"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        info = json.loads(process.stdout.readline())
        assert requests.get(f"{info['rest']}/v5/market/time", timeout=5).json()["retCode"] == 0
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_a_port_in_use_is_one_line_too() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_tape_that_breaks_while_playing_ends_it_with_the_line(tmp_path: Path) -> None:
    tape = tmp_path / "BTCUSDT.csv"
    tape.write_text(f"{BARS}\n1800000000000,1,2\n")
    done = run("--tape", str(tape), "--speed", "max")
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert done.stderr.strip().endswith(
        "BTCUSDT.csv line 301: expected start_ms,open,high,low,close,volume: '1800000000000,1,2'"
    )


def test_a_truncated_archive_ends_it_too(tmp_path: Path) -> None:
    tape = tmp_path / "BTCUSDT.csv.gz"
    tape.write_bytes(gzip.compress(BARS.encode())[:-20])
    done = run("--tape", str(tape), "--speed", "max")
    assert done.returncode == 2
    assert "compressed data is broken or cut off" in done.stderr


def test_sigterm_ends_it_at_once_despite_open_sockets(simulator: Start, sockets: Callable[..., object]) -> None:
    sim = simulator()
    sockets(sim, "private")
    sockets(sim, "linear")
    session = sim.http()
    session.get_server_time()
    began_at = time.monotonic()
    assert sim.stop() == 0
    assert time.monotonic() - began_at < ENDS_WITHIN_S


def test_a_tape_ends_and_the_exchange_stays(simulator: Start, tmp_path: Path) -> None:
    tape = tmp_path / "BTCUSDT.csv"
    tape.write_text(BARS)
    sim = simulator("--tape", str(tape), "--speed", "max")
    eventually(lambda: sim.admin("status")["tape_ended"])
    status = sim.admin("status")
    assert status["steps"] == 1200
    assert sim.http().get_kline(category="linear", symbol="BTCUSDT", interval="D")["result"]["list"]


def test_recorded_capture_plays_in_real_time(simulator: Start, shared_file: Callable[[str], Path]) -> None:
    sim = simulator("--tape", str(shared_file("capture/linear_btc_eth_2026-08-09.jsonl.gz")))
    eventually(lambda: sim.admin("status")["steps"] > 3)
    status = sim.admin("status")
    assert status["symbols"] == ["BTCUSDT", "ETHUSDT"]
    assert abs(status["venue_ms"] - time.time() * 1000) < 1500


def test_the_full_instrument_list_is_paged(simulator: Start, shared_file: Callable[[str], Path]) -> None:
    path = shared_file("capture/instruments-info_linear_2026-08-09.json.gz")
    session = simulator("--instruments", str(path), "--symbols", "BTCUSDT,0GUSDT").http()
    seen: list[str] = []
    cursor = ""
    while True:
        result = session.get_instruments_info(category="linear", cursor=cursor)["result"]
        seen += [row["symbol"] for row in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 800
