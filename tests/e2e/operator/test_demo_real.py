"""The demo with the real services: the command a user types, and the report it leaves."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.real_components import missing

pytestmark = pytest.mark.e2e
SERVICES = ("exchange_sim", "ws_gateway", "strategy", "executor", "metrics")
RAW_TAPE = "tape/binance_usdm_BTCUSDT_raw_2024-08-08.gz"


@pytest.fixture(autouse=True)
def services() -> None:
    for service in SERVICES:
        if importlib.util.find_spec(f"hedgegrid.{service}.__main__") is None:
            missing(f"hedgegrid.{service} is not in this checkout")


@pytest.fixture(autouse=True)
def redis_on_this_machine(redis_binary: object) -> None:
    """The demo starts its own."""


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hedgegrid.operator", "demo", *arguments]


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEGRID_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def demo(report: Path, *arguments: str) -> tuple[dict[str, Any], str]:
    run = subprocess.run(
        command(*arguments, "--report", str(report)),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(report.read_text()), run.stdout


def check(report: dict[str, Any]) -> None:
    assert (report["duplicates"], report["lost_fills"]) == (0, 0)
    for bot in report["bots"]:
        for leg in ("long", "short"):
            assert bot["ledger"][leg]["realised"] == bot["venue"][leg]["cum_realised"]
        assert bot["ticks"] > 0


def test_without_arguments_two_symbols_trade_on_a_synthetic_market(tmp_path: Path) -> None:
    report, said = demo(tmp_path / "r.json", "--for", "12")
    check(report)
    assert [bot["symbol"] for bot in report["bots"]] == ["BTCUSDT", "ETHUSDT"]
    assert all(bot["fills"] > 0 for bot in report["bots"])
    assert re.search(r"^main BTCUSDT [\d.]+ ", said, re.MULTILINE)


def test_a_recorded_tape_runs_to_its_end_and_the_books_agree(
    tmp_path: Path, shared_file: Callable[[str], Path]
) -> None:
    tape = str(shared_file(RAW_TAPE))
    report, _ = demo(tmp_path / "r.json", "--tape", tape, "--until-tape-ends", "--speed", "max")
    check(report)
    [bot] = report["bots"]
    assert bot["cycles_closed"] >= 1
    assert not [call for call in report["rest_calls"]["steady"] if call.startswith("GET ")]
    assert report["latency_ms"]["tick_to_order_sent"]["p50"] is not None


def test_the_wire_capture_feeds_two_symbols_on_two_workers(tmp_path: Path, shared_file: Callable[[str], Path]) -> None:
    tape = str(shared_file("capture/linear_btc_eth_2026-08-09.jsonl.gz"))
    arguments = (
        "--tape",
        tape,
        "--symbols",
        "BTCUSDT,ETHUSDT",
        "--workers",
        "2",
        "--until-tape-ends",
        "--speed",
        "max",
    )
    report, _ = demo(tmp_path / "r.json", *arguments)
    check(report)
    assert all(bot["fills"] > 0 for bot in report["bots"])


def test_two_accounts_trade_apart_and_a_dry_run_sends_nothing(tmp_path: Path) -> None:
    config = tmp_path / "two.toml"
    config.write_text(
        account("main", dry_run=False, symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT"))
        + account("second", dry_run=False, symbols=("BTCUSDT", "DOGEUSDT", "SOLUSDT"))
        + account("dry", dry_run=True, symbols=("BTCUSDT", "ETHUSDT", "XRPUSDT"))
    )
    report, _ = demo(tmp_path / "r.json", "--config", str(config), "--for", "15", "--speed", "20", "--seed", "5")
    check(report)
    dry = [bot for bot in report["bots"] if bot["account"] == "dry"]
    assert [(bot["orders_sent"], bot["fills"]) for bot in dry] == [(0, 0)] * 3
    assert all(bot["orders_denied"] > 0 for bot in dry)
    assert sum(bot["cycles_closed"] for bot in report["bots"]) >= 2
    assert all(bot["fills"] > 0 for bot in report["bots"] if bot["account"] != "dry")
    assert not [call for call in report["rest_calls"]["steady"] if call.startswith("GET ")]


def account(name: str, dry_run: bool, symbols: tuple[str, ...]) -> str:
    bots = "".join(
        f"""
[[accounts.bots]]
symbol = "{symbol}"
leverage = 10
initial_margin_usdt = 50
grid_step_pct = 0.1
size_multiplier = 1.2
max_levels = 8
take_profit_pct = 0.1
"""
        for symbol in symbols
    )
    return f'[[accounts]]\nid = "{name}"\ndry_run = {str(dry_run).lower()}\n{bots}'


def test_ctrl_c_gives_the_report_and_ends_with_0(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    arguments = command("--symbols", "BTCUSDT", "--report", str(report))
    with subprocess.Popen(
        arguments, env=environment() | {"PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if line.startswith("main BTCUSDT"):
                run.send_signal(signal.SIGINT)
                break
        rest = run.stdout.read()
        assert run.wait(30) == 0, rest
    check(json.loads(report.read_text()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("grid_stp_pct = 1", "accounts[main].bots[BTCUSDT].grid_stp_pct"),
        ("grid_step_pct = 0", "accounts[main].bots[BTCUSDT].grid_step_pct"),
    ],
)
def test_a_wrong_config_ends_with_one_line_that_names_the_field(tmp_path: Path, change: str, says: str) -> None:
    config = tmp_path / "wrong.toml"
    kept = [line for line in account("main", False, ("BTCUSDT",)).splitlines() if not line.startswith(change[:9])]
    config.write_text("\n".join([*kept, change]) + "\n")
    run = subprocess.run(
        command("--config", str(config)), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert says in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_symbol_the_venue_does_not_list_ends_with_one_line(tmp_path: Path) -> None:
    run = subprocess.run(
        command("--symbols", "NOSUCHUSDT"), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert "NOSUCHUSDT" in run.stderr
    assert run.stderr.count("\n") == 1


def test_a_tape_that_is_none_ends_with_the_exchanges_own_line(tmp_path: Path) -> None:
    tape = tmp_path / "BTCUSDT.csv"
    tape.write_text("neither,a,tape\n")
    run = subprocess.run(
        command("--tape", str(tape)), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert str(tape) in run.stderr
    assert run.stderr.count("\n") == 1
