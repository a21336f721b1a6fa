"""How a demo run starts, ends and is judged, with stand-ins for the exchange and the services."""

import io
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hedgegrid.operator import demo, project_files, redis_server, stack
from hedgegrid.operator.children import ChildSpec
from hedgegrid.operator.demo import run_demo
from hedgegrid.operator.demo_options import DemoOptions
from hedgegrid.operator.redis_server import RedisUnavailableError
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.operator.services import Exchange, RunPlan, exchange_spec, service_specs
from hedgegrid.runtime.errors import ConfigError
from tests.unit.operator.books import ENTRY

pytestmark = pytest.mark.e2e
HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def position(leg: int, realised: str) -> dict[str, object]:
    return {"symbol": "BTCUSDT", "positionIdx": leg, "size": "0", "cumRealisedPnl": realised}


BOOKS: dict[str, Any] = {
    "orders": [
        {
            "symbol": "BTCUSDT",
            "orderLinkId": ENTRY,
            "orderStatus": "Filled",
            "createdTime": "10",
            "updatedTime": "20",
        }
    ],
    "executions": [{"execId": "t1", "symbol": "BTCUSDT", "execType": "Trade"}],
    "positions": [position(1, "-0.25"), position(2, "0")],
}


class Screen(io.StringIO):
    """Output of the demo; does something once when a word appears."""

    def __init__(self) -> None:
        super().__init__()
        self.when: dict[str, Callable[[], None]] = {}

    def write(self, text: str) -> int:
        for word in [word for word in self.when if word in text]:
            self.when.pop(word)()
        return super().write(text)


class Demo:
    """Runs the demo on stand-ins; knows every process that was started."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.books = dict(BOOKS)
        self.screen = Screen()
        self.report_path = folder / "report.json"
        monkeypatch.delenv("HEDGEGRID_REDIS_URL", raising=False)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
        monkeypatch.setattr(demo, "new_run_folder", lambda: project_files.new_run_folder(folder))
        monkeypatch.setattr(demo, "CALM_TIMEOUT_S", 2.0)
        monkeypatch.setattr(stack, "exchange_spec", self.exchange)
        monkeypatch.setattr(stack, "service_specs", self.services)

    def exchange(self, plan: RunPlan, urls: RedisUrls) -> ChildSpec:
        books = self.folder / "books.json"
        books.write_text(json.dumps(self.books))
        return replace(exchange_spec(plan, urls), command=self.run("stand_in_exchange.py", str(books)))

    def services(self, plan: RunPlan, exchange: Exchange, urls: RedisUrls) -> list[ChildSpec]:
        return [
            replace(spec, command=self.run("stand_in_service.py", spec.name))
            for spec in service_specs(plan, exchange, urls)
        ]

    def run(self, script: str, argument: str) -> tuple[str, ...]:
        return (sys.executable, str(HERE / script), argument)

    def start(self, **options: object) -> int:
        options = {"symbols": ("BTCUSDT",), "report": self.report_path, "workers": 1, **options}
        return run_demo(DemoOptions(**options), Console(file=self.screen))  # type: ignore[arg-type]

    @property
    def said(self) -> str:
        return self.screen.getvalue()

    def left_over(self) -> list[str]:
        """Command lines of processes that belong to this run and still live."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = entry.read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(self.folder) in command or "stand_in_service.py" in command:
                found.append(command)
        return found


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_binary: object) -> Demo:
    return Demo(tmp_path, monkeypatch)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_run_in_which_all_agrees_ends_with_0_and_leaves_nothing(run: Demo) -> None:
    assert run.start(for_s=0.1) == 0
    report = json.loads(run.report_path.read_text())
    assert report["bots"][0]["ledger"]["long"]["realised"] == "-0.25"
    assert (report["lost_fills"], report["duplicates"], report["bots"][0]["orders_sent"]) == (0, 0, 1)
    assert "ok: 1 fills, 0 cycles closed" in run.said
    assert not run.left_over()
    assert not list(run.folder.glob("*/redis-url"))
    assert "a-secret" not in "".join(path.read_text() for path in run.folder.glob("*/*.log"))


def test_a_lost_fill_ends_with_1_and_says_so_in_one_line(run: Demo) -> None:
    run.books["executions"] = [*BOOKS["executions"], {"execId": "t9", "symbol": "BTCUSDT", "execType": "Trade"}]
    assert run.start(for_s=0.1) == 1
    assert "DIFFERS: main: 1 lost fills (t9)\n" in run.said
    assert json.loads(run.report_path.read_text())["lost_fills"] == 1


def test_a_pnl_that_differs_ends_with_1(run: Demo) -> None:
    run.books["positions"] = [position(1, "-0.25000001"), position(2, "0")]
    assert run.start(for_s=0.1) == 1
    assert "main BTCUSDT long: ledger realised -0.25, venue -0.25000001, difference -0.00000001" in run.said


def test_ctrl_c_reports_and_stops_cleanly(run: Demo) -> None:
    run.screen.when["trading main BTCUSDT"] = interrupt
    assert run.start() == 0
    assert run.report_path.is_file()
    assert not run.left_over()


def test_a_second_ctrl_c_ends_at_once(run: Demo) -> None:
    run.screen.when = {"trading main BTCUSDT": interrupt, "collecting the report": interrupt}
    assert run.start() == 130
    assert not run.report_path.exists()
    assert not run.left_over()


def test_ctrl_c_during_the_start_stops_cleanly(run: Demo) -> None:
    run.screen.when["run folder"] = interrupt
    assert run.start() == 130
    assert not run.left_over()


def test_the_end_of_the_tape_ends_the_run(run: Demo, tmp_path: Path) -> None:
    tape = tmp_path / "BTCUSDT.csv"
    tape.write_text("x")
    run.books["tape_ends"] = True
    assert run.start(tapes=(tape,), until_tape_ends=True) == 0


def test_what_the_exchange_refuses_is_passed_on(run: Demo) -> None:
    run.books["refuses"] = "exchange-sim: /tape.gz line 7: 'abc' is not a number"
    with pytest.raises(ConfigError, match=r"exchange-sim: /tape\.gz line 7: 'abc' is not a number"):
        run.start(for_s=0.1)
    assert not run.left_over()


def test_without_any_redis_one_line_says_what_to_install(run: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise RedisUnavailableError("no Redis 7.0 or newer found; run: apt-get install redis-server")

    monkeypatch.setattr(redis_server, "find_binary", none)
    with pytest.raises(ConfigError, match="run: apt-get install redis-server"):
        run.start(for_s=0.1)


def test_the_death_of_the_exchange_ends_the_run(run: Demo) -> None:
    run.books["dies"] = True
    assert run.start(for_s=60) == 1
    assert "gave up: " in run.said
    assert not run.left_over()


def test_a_service_that_dies_is_replaced_and_the_run_goes_on(run: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    run.screen.when["strategy-1 died (signal 9); restarting"] = interrupt
    looks: list[stack.Stack] = []

    def kill_a_worker_once(self: stack.Stack) -> None:
        looks.append(self)
        if len(looks) == 1:
            next(child for child in self.services if child.spec.name == "strategy-1").kill()

    monkeypatch.setattr(stack.Stack, "look", kill_a_worker_once)
    assert run.start() == 0
    assert not run.left_over()
