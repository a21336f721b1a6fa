"""Restarts, giving up and clean stops, with small stand-in processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hedgegrid.operator.children import Child, ChildSpec
from hedgegrid.operator.supervisor import DEATHS_MAX, GaveUp, Supervisor

DEADLINE_S = 20.0
WAIT_FOR_TERM = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: (print(NAME, file=open(LOG, "a")), sys.exit(0)))
print("up", flush=True)
while True: signal.pause()
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
while True: signal.pause()
"""


class Stage:
    """A supervisor whose words are kept."""

    def __init__(self, folder: Path, settled_s: float = 60.0) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.supervisor = Supervisor(folder, self.said.append, backoff_s=0.001, settled_s=settled_s)

    def spec(self, code: str, name: str = "child", stage: int = 1, restart: bool = True) -> ChildSpec:
        header = f"NAME, LOG = {name!r}, {str(self.folder / 'order')!r}\n"
        return ChildSpec(
            name=name,
            command=(sys.executable, "-S", "-c", header + code),
            environment={"PATH": os.environ["PATH"]},
            stage=stage,
            restart=restart,
        )

    def up(self, code: str, name: str = "child", stage: int = 1) -> Child:
        child = self.supervisor.start(self.spec(code, name, stage))
        eventually(lambda: child.last_lines(1) == ["up"])
        return child

    def check_until(self, condition: Callable[[], bool]) -> None:
        def checked() -> bool:
            self.supervisor.check()
            return condition()

        eventually(checked)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.supervisor.kill()
    for child in stage.supervisor.children:
        child.wait(DEADLINE_S)


def test_a_killed_service_is_started_again(stage: Stage) -> None:
    child = stage.up(WAIT_FOR_TERM)
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    stage.check_until(lambda: child.running and child.pid != first)
    assert stage.supervisor.restarts == 1
    assert stage.said == ["child died (signal 9); restarting in 0.0 s"]


def test_whoever_ran_for_long_is_never_given_up(tmp_path: Path) -> None:
    """Without that, the fourth kill within a minute cost 1.6 s before anything was done about it."""
    stage = Stage(tmp_path, settled_s=0.0)
    child = stage.supervisor.start(stage.spec("raise SystemExit(1)"))
    stage.check_until(lambda: stage.supervisor.restarts > 2 * DEATHS_MAX)
    stage.supervisor.end(child)
    assert set(stage.said) == {"child died (exit code 1); restarting in 0.0 s"}


def test_a_service_that_keeps_dying_ends_the_run_with_its_last_words(stage: Stage) -> None:
    stage.supervisor.start(stage.spec("raise SystemExit('no such luck')"))
    with pytest.raises(GaveUp, match=rf"child died {DEATHS_MAX + 1} times within 60 s \(exit code 1\)") as caught:
        stage.check_until(lambda: False)
    assert caught.value.last_lines[-1] == "no such luck"
    assert stage.supervisor.restarts == DEATHS_MAX


def test_wrong_configuration_is_not_tried_again(stage: Stage) -> None:
    stage.supervisor.start(stage.spec("import sys; print('strategy: legs: unknown', file=sys.stderr); sys.exit(2)"))
    with pytest.raises(GaveUp) as caught:
        stage.check_until(lambda: False)
    assert caught.value.exit_code == 2
    assert caught.value.last_lines == ["strategy: legs: unknown"]
    assert stage.supervisor.restarts == 0


def test_what_must_not_be_restarted_ends_the_run(stage: Stage) -> None:
    stage.supervisor.start(stage.spec("pass", restart=False))
    with pytest.raises(GaveUp, match="child has ended"):
        stage.check_until(lambda: False)


def test_stop_goes_down_the_stages_and_leaves_no_process(stage: Stage) -> None:
    pids = [
        stage.up(WAIT_FOR_TERM, name, level).pid for name, level in (("exchange", 1), ("executor", 2), ("strategy", 3))
    ]
    stage.supervisor.stop()
    assert (stage.folder / "order").read_text().split() == ["strategy", "executor", "exchange"]
    assert all(pid is not None and is_gone(pid) for pid in pids)
    assert stage.said == []


def test_stop_kills_whoever_does_not_listen(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedgegrid.operator.supervisor.STOP_TIMEOUT_S", 0.05)
    child = stage.up(STUBBORN)
    stage.supervisor.stop()
    assert child.exit_code() == -signal.SIGKILL
    assert stage.said == ["child did not stop within 0 s; killed"]


def test_kill_ends_all_at_once(stage: Stage) -> None:
    children = [stage.up(STUBBORN, name) for name in ("one", "two")]
    stage.supervisor.kill()
    assert all(child.wait(DEADLINE_S) and child.exit_code() == -signal.SIGKILL for child in children)


def test_an_ended_process_is_never_signalled_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    child = stage.up("print('up', flush=True)")
    assert child.wait(DEADLINE_S)
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("its pid may belong to somebody else by now"))
    child.terminate()
    child.kill()
    stage.supervisor.stop()


def test_stdout_that_holds_keys_stays_out_of_the_log(stage: Stage) -> None:
    spec = stage.spec("import sys; print('secret'); print('words', file=sys.stderr)")
    child = Child(
        ChildSpec(name="sim", command=spec.command, environment=spec.environment, captures_stdout=True), stage.folder
    )
    child.start()
    eventually(lambda: child.stdout() == "secret\n")
    assert child.wait(DEADLINE_S)
    assert child.last_lines(9) == ["words"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs PR_SET_PDEATHSIG")
def test_children_end_when_the_supervisor_itself_is_killed(stage: Stage) -> None:
    parent_code = f"""
import signal, sys
from pathlib import Path
sys.path[:0] = {[path for path in sys.path if path]!r}
from hedgegrid.operator.children import Child, ChildSpec
spec = ChildSpec(name="orphan", command=(sys.executable, "-S", "-c", {STUBBORN.replace("SIG_IGN", "SIG_DFL")!r}),
                 environment={{}})
child = Child(spec, Path({str(stage.folder)!r}))
child.start()
print(child.pid, flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", parent_code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    eventually(lambda: is_gone(pid) or Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z")
