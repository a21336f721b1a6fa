"""Failpoints: absent from normal runs, once each where they are asked for, refused where orders are real."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.failpoints import POINTS, VARIABLE, Plan, check, from_environment, parse_plan

ROOT = Path(__file__).parents[3]
POINT, OTHER = "executor.after_sent", "executor.after_read"


def run(script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEGRID_")}
    environ |= {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "shared"), *sys.path]))}
    text = f"from hedgegrid.runtime.failpoints import ARMED, failpoint\n{script}"
    return subprocess.run(
        [sys.executable, "-c", text], env=kept | environ, capture_output=True, text=True, timeout=30, check=False
    )


def test_in_a_normal_run_nothing_is_armed() -> None:
    assert run(f"failpoint('{POINT}'); print(ARMED, failpoint.__name__)").stdout == "False _absent\n"


def test_a_wish_kills_at_its_point_and_pass() -> None:
    passes = "".join(f"failpoint('{name}'); print('{name}', flush=True)\n" for name in (POINT, OTHER, POINT))
    ended = run(passes, **{VARIABLE: f"{POINT}:2"})
    assert (ended.returncode, ended.stdout.split()) == (-signal.SIGKILL, [POINT, OTHER])


def test_a_file_arms_a_running_process_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "wish"
    point = from_environment({VARIABLE: f"@{file}"})
    point(POINT)
    for _ in range(2):
        file.write_text(f"{POINT}=sleep:1")
        point(OTHER)
        assert file.exists()
        point(POINT)
        assert not file.exists()


def test_the_file_is_gone_before_the_process_is(tmp_path: Path) -> None:
    file = tmp_path / "wish"
    file.write_text(POINT)
    ended = run(f"failpoint('{POINT}')", **{VARIABLE: f"@{file}"})
    assert (ended.returncode, file.exists()) == (-signal.SIGKILL, False)


def test_a_wish_acts_once_in_a_life(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    point = from_environment({VARIABLE: f"{POINT}=sleep:250"})
    for _ in range(3):
        point(POINT)
    assert slept == [0.25]


def test_every_point_is_passed_somewhere_and_no_other() -> None:
    sources = [path.read_text() for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")]
    passed = [name for text in sources for name in re.findall(r"failpoint\(\"(\w+\.\w+)\"\)", text)]
    assert sorted(passed) == sorted(POINTS)


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        (POINT, Plan(POINT)),
        (f"{POINT}:3", Plan(POINT, 3)),
        (f"{POINT}=stop", Plan(POINT, 1, "stop")),
        (f"{POINT}:2=sleep:50\n", Plan(POINT, 2, "sleep", 50)),
    ],
)
def test_wishes_are_read(text: str, plan: Plan) -> None:
    assert parse_plan(text) == plan


@pytest.mark.parametrize(
    "text", ["nowhere", f"{POINT}:0", f"{POINT}:x", f"{POINT}=explode", f"{POINT}=sleep", f"{POINT}=kill:5"]
)
def test_wishes_that_say_nothing_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=VARIABLE):
        parse_plan(text)


@pytest.mark.parametrize("mode", ["demo", "testnet", "live"])
def test_where_orders_are_real_they_are_refused(mode: str) -> None:
    check({}, mode)
    with pytest.raises(ConfigError, match="tests with mode"):
        check({VARIABLE: "@/nowhere"}, mode)


def test_a_faulty_wish_is_refused_at_start() -> None:
    check({VARIABLE: POINT}, "paper")
    with pytest.raises(ConfigError, match="no point"):
        check({VARIABLE: "nowhere"}, "paper")
