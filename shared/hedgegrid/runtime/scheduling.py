"""Short time slices: a process of the order's way does not wait until another's slice is over.

A kernel with EEVDF (Linux 6.12 and newer) lets a woken process wait for the running one's slice, some 3 ms, and an
order passes through five processes. Whoever asks for a short slice is let in earlier and gives way earlier; its share
of the processor stays the same, and no right is needed (sched_setattr(2), sched(7)). Older kernels and other systems
take no notice. Measured on two busy cores: docs/decisions/0012 and `make bench`.
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


def ask_for_short_slices(pid: int = 0) -> bool:
    """For a process with one thread, or the calling one (0) and those it starts; False where it cannot be had."""
    if not sys.platform.startswith("linux") or _SYSCALL is None:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, pid)
    wish = _ATTRIBUTES.pack(_ATTRIBUTES.size, 0, 0, nice, 0, SLICE_NS, 0, 0, 0, 0)
    return bool(ctypes.CDLL(None).syscall(_SYSCALL, pid, wish, 0) == 0)
