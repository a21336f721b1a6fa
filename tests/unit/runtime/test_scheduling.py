"""Short time slices, as far as this kernel grants them."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from hedgegrid.runtime import scheduling
from hedgegrid.runtime.scheduling import SLICE_NS, ask_for_real_time, ask_for_short_slices

_GET = {"x86_64": 315, "aarch64": 275}.get(platform.machine())


def runtime_of(pid: int) -> int:
    """The slice the kernel shows for a thread; its own default on kernels that take no notice."""
    raw = ctypes.create_string_buffer(scheduling._ATTRIBUTES.size)
    assert _GET is not None
    assert ctypes.CDLL(None).syscall(_GET, pid, raw, len(raw), 0) == 0
    return int(scheduling._ATTRIBUTES.unpack(raw.raw)[5])


@pytest.mark.skipif(sys.platform != "linux" or _GET is None, reason="sched_setattr(2) is Linux's")
def test_another_process_gets_them_and_keeps_its_priority() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        os.setpriority(os.PRIO_PROCESS, child.pid, 5)
        before = runtime_of(child.pid)
        assert ask_for_short_slices(child.pid)
        release = tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])
        assert runtime_of(child.pid) == (SLICE_NS if release >= (6, 12) else before)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == 5
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="SCHED_RR with its flag is Linux's")
def test_real_time_is_had_or_refused_and_does_not_reach_another_process_children() -> None:
    program = "import os, sys, signal; sys.stdin.read(1); pid = os.fork(); print(os.sched_getscheduler(0), flush=True)"
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    granted = ask_for_real_time(child.pid)
    told, _ = child.communicate("x", timeout=20)
    seen = {int(line) & ~os.SCHED_RESET_ON_FORK for line in told.split()}
    assert seen == ({os.SCHED_RR, os.SCHED_OTHER} if granted else {os.SCHED_OTHER})


def test_real_time_of_nobody_is_no_error() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert not ask_for_real_time(gone.pid)


@pytest.mark.parametrize("number", [None, -1])
def test_where_it_cannot_be_had_nothing_happens(monkeypatch: pytest.MonkeyPatch, number: int | None) -> None:
    monkeypatch.setattr(scheduling, "_SYSCALL", number)
    assert not ask_for_short_slices()
