"""Wrong input of any kind: one line on stderr, exit code 2, nothing started."""

from pathlib import Path

import pytest

from hedgegrid.operator import cli
from hedgegrid.operator.cli import main
from hedgegrid.operator.demo_options import DemoOptions


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[DemoOptions]:
    """What would have been started."""
    started: list[DemoOptions] = []

    def run(options: DemoOptions, console: object) -> int:
        started.append(options)
        return 1

    monkeypatch.setattr(cli, "run_demo", run)
    return started


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tape", "nowhere.gz"], "--tape nowhere.gz: No such file"),
        (["--tape", "FOLDER"], "is a folder; name a file"),
        (["--tape", "EMPTY"], "the file is empty"),
        (["--config", "nowhere.toml"], "--config nowhere.toml: no such file"),
        (["--speed", "0"], "--speed 0: must be a factor above 0, or max"),
        (["--speed", "fast"], "--speed fast: must be a factor above 0, or max"),
        (["--speed", "nan"], "--speed nan"),
        (["--symbols", "BTC"], "--symbols BTC: not a USDT perpetual"),
        (["--symbols", "BTCUSDT,btcusdt"], "each symbol once"),
        (["--workers", "0"], "--workers 0: must be 1..32"),
        (["--workers", "x"], "--workers"),
        (["--port", "70000"], "--port 70000: must be 0..65535"),
        (["--for", "0"], "--for 0.0: must be 0.1.."),
        (["--for", "nan"], "--for nan"),
        (["--ticks-per-s", "-1"], "--ticks-per-s -1: must be"),
        (["--ticks-per-s", "x"], "--ticks-per-s x: must be a number"),
        (["--balance", "inf"], "--balance inf: must be an amount"),
        (["--order-rate", "0"], "--order-rate 0: must be 1..1000"),
        (["--until-tape-ends"], "name a --tape"),
        (["--report", "FOLDER"], "is a folder; name a file"),
        (["--report", "nowhere/report.json"], "the folder nowhere does not exist"),
        (["--nonsense"], "No such option: --nonsense"),
        (["surplus"], "unexpected extra argument"),
    ],
)
def test_wrong_arguments_give_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], started: list[DemoOptions]
) -> None:
    (tmp_path / "empty").touch()
    places = {"FOLDER": str(tmp_path), "EMPTY": str(tmp_path / "empty")}
    assert main(["demo", *(places.get(argument, argument) for argument in arguments)]) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert err.count("\n") == 1
    assert not out
    assert not started


def test_an_unknown_command_gives_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dmeo"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_arguments_reach_the_run_and_its_exit_code_comes_back(tmp_path: Path, started: list[DemoOptions]) -> None:
    tapes = [tmp_path / "a", tmp_path / "b"]
    for tape in tapes:
        tape.write_text("x")
    arguments = ["demo", "--symbols", "btcusdt, ETHUSDT", "--speed", "10.0", "--until-tape-ends", "--for", "5"]
    assert main([*arguments, "--tape", str(tapes[0]), "--tape", str(tapes[1]), "--workers", "3"]) == 1
    [options] = started
    assert options.tapes == tuple(tapes)
    assert (options.symbols, options.speed, options.workers) == (("BTCUSDT", "ETHUSDT"), "10", 3)
    assert (options.until_tape_ends, options.for_s) == (True, 5.0)


@pytest.mark.parametrize(
    ("arguments", "paced", "rate"),
    [
        ([], False, 10),
        (["--speed", "1.0"], False, 10),
        (["--speed", "60"], False, 1000),
        (["--speed", "max"], True, 1000),
        (["--speed", "max", "--order-rate", "50"], True, 50),
    ],
)
def test_a_market_faster_than_life_gets_more_orders(
    arguments: list[str], paced: bool, rate: int, started: list[DemoOptions]
) -> None:
    main(["demo", *arguments])
    assert (started[0].paced, started[0].orders_per_s) == (paced, rate)


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--help"]) == 0
    assert "--until-tape-ends" in capsys.readouterr().out


def test_sim_hands_every_argument_over_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("os.execve", lambda *call: became.append(call))
    monkeypatch.setenv("HEDGEGRID_MAIN_API_KEY", "secret")
    assert main(["sim", "--port", "8080", "--synthetic", "crash", "--help"]) == 0
    ((_, command, environment),) = became
    assert command[1:] == ["-m", "hedgegrid.exchange_sim", "--port", "8080", "--synthetic", "crash", "--help"]
    assert "HEDGEGRID_MAIN_API_KEY" not in environment
