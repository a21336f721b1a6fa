"""The whole system in a crash: the guard of the executor speaks, every bot obeys, and the books still agree."""

import json
import re
from pathlib import Path

import pytest

from tests.e2e.operator.test_demo_real import check, demo

pytestmark = pytest.mark.e2e
BAR_MS = 300_000
CONFIG = """
mode = "paper"
[[accounts]]
id = "main"
[accounts.guard]
liquidation_distance_pct = { warn = 30, no_new_cycles = 22, no_averaging = 15, reduce = 8, flatten = 2 }
calm_ms = 600000
[[accounts.bots]]
symbol = "BTCUSDT"
leverage = 20
initial_margin_usdt = 20
size_multiplier = 2
max_levels = 6
legs = "long"
"""


@pytest.fixture(autouse=True)
def redis_on_this_machine(redis_binary: object) -> None:
    """The demo starts its own."""


def crash_tape(folder: Path) -> Path:
    """Half an hour of calm, a slide of 6 % that fills the ladder, 12 % at a stroke, hours of calm."""
    rows, price = ["start_ms,open,high,low,close,volume"], 50_000.0
    moves = [0.0] * 6 + [-0.01] * 6 + [-0.12] + [0.0] * 60
    for number, move in enumerate(moves):
        close = price * (1 + move)
        rows.append(f"{number * BAR_MS + BAR_MS},{price:.1f},{price:.1f},{close:.1f},{close:.1f},1000")
        price = close
    tape = folder / "crash_BTCUSDT_5m.csv"
    tape.write_text("\n".join(rows) + "\n")
    return tape


def test_the_guard_flattens_in_a_crash_and_the_books_agree(tmp_path: Path) -> None:
    config = tmp_path / "crash.toml"
    config.write_text(CONFIG)
    arguments = ["--tape", str(crash_tape(tmp_path)), "--speed", "max", "--until-tape-ends", "--balance", "4000"]
    report, said = demo(tmp_path / "r.json", "--config", str(config), *arguments)
    check(report)
    folder = re.search(r"^run folder: (.+)$", said, re.MULTILINE)
    assert folder is not None
    log = (Path(folder[1]) / "executor.log").read_text().splitlines()
    told = [json.loads(line)["msg"] for line in log if "guard at" in line]
    stages = [message.split("guard at ")[1].split(",")[0] for message in told]
    assert stages[-1] == "FLATTEN", told  # it looks every 50 ms of real time: at this speed milder stages may go unseen
    (bot,) = report["bots"]
    assert bot["fills"] >= 6
    assert (bot["position"]["long"], bot["working_orders"]) == ("0", 0)
