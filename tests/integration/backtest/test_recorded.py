"""The account over recorded markets: ledger and venue agree, caps hold, nothing is liquidated, the guard acts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hedgegrid.strategy.backtest.replay import Replay
from tests.integration.backtest.conftest import Run

Tapes = Callable[[str], list[Path]]
Cut = Callable[[list[Path], int, int], list[Path]]
DAY_MS = 86_400_000
CRASH_MS = 1_760_130_900_000
"""2025-10-10 21:15 UTC."""


def assert_sound(report: dict[str, Any]) -> None:
    assert (report["code"], report["agrees"], report["caps_kept"], report["liquidated"]) == (0, True, True, False)
    assert all(leg["net"] == leg["venue"] for leg in report["legs"])
    assert sum(leg["fills"] for leg in report["legs"]) > 50


def test_the_crash_under_the_shipped_defaults(tapes: Tapes, cut: Cut, run: Run) -> None:
    report = run("backtest.toml", cut(tapes("5m"), CRASH_MS - 3 * DAY_MS, CRASH_MS + 2 * DAY_MS))
    assert_sound(report)
    assert {leg["symbol"] for leg in report["legs"]} == {"BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT"}
    assert any(leg["funding"] != "0" for leg in report["legs"])
    assert {stage["stage"] for stage in report["stages"]} <= {"WARN", "NORMAL", "NO_NEW_CYCLES"}


def test_the_crash_drives_the_guard_of_an_aggressive_account(tapes: Tapes, cut: Cut, run: Run) -> None:
    report = run("backtest-aggressive.toml", cut(tapes("5m"), CRASH_MS - 6 * DAY_MS, CRASH_MS + DAY_MS))
    assert_sound(report)
    within = [s["stage"] for s in report["stages"] if abs(s["at_ms"] - CRASH_MS) < DAY_MS // 2]
    assert {"NO_NEW_CYCLES", "NO_AVERAGING", "REDUCE"} <= set(within)
    rounds = [stage["round"] for stage in report["stages"] if stage["stage"] == "REDUCE"]
    assert rounds == sorted(set(rounds))
    assert sum(leg["closed_by_guard"] for leg in report["legs"]) > 0


def test_jumping_over_quiet_bars_changes_nothing(
    tapes: Tapes, cut: Cut, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ms = 1_748_545_680_000
    part = cut(tapes("1m"), start_ms, start_ms + DAY_MS)
    jumped = run("backtest.toml", part)
    assert jumped["bars_skipped"] > jumped["bars"] // 2
    monkeypatch.setattr(Replay, "_is_quiet", lambda *_: False)
    whole = run("backtest.toml", part)
    assert whole["bars_skipped"] == 0
    for name in ("legs", "stages", "balance_usdt", "equity_usdt", "commands"):
        assert jumped[name] == whole[name], name


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["1m", "5m"])
def test_the_whole_record_under_the_shipped_defaults(tapes: Tapes, run: Run, kind: str) -> None:
    report = run("backtest.toml", tapes(kind))
    assert_sound(report)
    assert report["bars"] == {"1m": 27_652, "5m": 54_432}[kind]  # from the first minute that all four have


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_half_year_of_an_aggressive_account(tapes: Tapes, run: Run) -> None:
    report = run("backtest-aggressive.toml", tapes("5m"))
    assert_sound(report)
    assert {"REDUCE"} <= {stage["stage"] for stage in report["stages"]}


def test_faulty_input_is_named(tmp_path: Path, tapes: Tapes, capsys: pytest.CaptureFixture[str]) -> None:
    from hedgegrid.strategy.backtest.__main__ import main

    config = tmp_path / "c.toml"
    config.write_text("[[accounts]]\nid = 'main'\n[[accounts.bots]]\nsymbol = 'XRPUSDT'\nleverage = 5\n"
                      "initial_margin_usdt = 10\n")  # fmt: skip
    tape = str(tapes("1m")[0])
    assert main(["--config", str(config), "--tape", tape, "--report", str(tmp_path)]) == 2
    assert "no bot of it has a tape; the tapes hold BTCUSDT" in capsys.readouterr().err
    assert main(["--config", str(config), "--tape", tape, "--tape", tape, "--report", str(tmp_path)]) == 2
    assert "there is another tape of BTCUSDT" in capsys.readouterr().err
