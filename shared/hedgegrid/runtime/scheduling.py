"""A process of the order's way is let in as soon as something comes for it.

An order passes through five processes, and each may find both cores busy. Two things help, the stronger one
last (measured on two busy cores: docs/decisions/0015, `make bench`).

Short slices: a kernel with EEVDF (Linux 6.12 and newer) lets a woken process wait for the running one's slice, some
3 ms. Whoever asks for a short slice is let in earlier and gives way earlier; its share of the processor stays the
same, and no right is needed (sched_setattr(2), sched(7)). Older kernels and other systems take no notice.

Real time: SCHED_RR goes before every ordinary process, on whichever core is not of its kind already. It takes a right
(root, CAP_SYS_NICE or RLIMIT_RTPRIO), and what goes before everything else can keep everything else waiting: only for
those who ask for it with HEDGEGRID_REALTIME=1.
"""

import ctypes
import os
import platform
import struct
import sys

SLICE_NS = 100_000
"""The shortest slice the kernel grants."""
_SYSCALL = {"x86_64": 314, "aarch64": 274}.get(platform.machine())
_ATTRIBUTES = struct.Struct("=IIQiIQQQII")
"""struct sched_attr: size, policy (0 = SCHED_OTHER), flags, nice, priority, runtime, deadline, period, two clamps."""
_PRIORITY = 1
"""The lowest of real time: above everything ordinary, below whatever else the machine's owner holds for urgent."""


def ask_for_short_slices(pid: int = 0) -> bool:
    """For a process with one thread, or the calling one (0) and those it starts; False where it cannot be had."""
    if not sys.platform.startswith("linux") or _SYSCALL is None:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, pid)
    wish = _ATTRIBUTES.pack(_ATTRIBUTES.size, 0, 0, nice, 0, SLICE_NS, 0, 0, 0, 0)
    return bool(ctypes.CDLL(None).syscall(_SYSCALL, pid, wish, 0) == 0)


def ask_for_real_time(pid: int = 0) -> bool:
    """As `ask_for_short_slices`. What another process (not 0) starts is ordinary again: a Redis that rewrites its file
    in a child must not keep itself waiting."""
    if not sys.platform.startswith("linux"):
        return False
    policy = os.SCHED_RR | (os.SCHED_RESET_ON_FORK if pid else 0)
    try:
        os.sched_setscheduler(pid, policy, os.sched_param(_PRIORITY))
    except OSError:
        return False
    return True
