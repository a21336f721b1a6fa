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
    report, said = demo(tmp_path / "r.json", "--for", "6")
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
    assert report["latency_ms"]["tick_to_order_sent"]["p50"] is not None


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


def test_a_tape_that_is_none_ends_with_the_exchanges_own_line(tmp_path: Path) -> None:
    tape = tmp_path / "BTCUSDT.csv"
    tape.write_text("neither,a,tape\n")
    run = subprocess.run(
        command("--tape", str(tape)), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 2
    assert str(tape) in run.stderr
    assert run.stderr.count("\n") == 1
