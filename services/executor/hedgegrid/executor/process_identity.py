"""Names a process so that another one on the same machine can tell for certain whether it has ended.

A name says which machine, boot and process namespace (eight characters), which process number, and when the process
began in ticks of that boot: numbers are used again, pairs of number and beginning are not.
"""

import hashlib
import os
import secrets
from pathlib import Path

_PROC = Path("/proc")
_BEGAN_FIELD = 19
"""Of `/proc/PID/stat`, counted behind the name in brackets."""


def own_name() -> str:
    """This process; without /proc a random one, of which nobody can tell anything."""
    began = _began(os.getpid())
    place = _place()
    if began is None or place is None:
        return secrets.token_hex(8)
    return f"{place}.{os.getpid()}.{began}"


def has_ended(name: str) -> bool:
    """True when the process so named was on this machine and is there no more; False whenever that is not certain."""
    place, _, rest = name.partition(".")
    number, _, began = rest.partition(".")
    if not (number.isdecimal() and began.isdecimal()) or place != _place():
        return False
    if _began(os.getpid()) is None:
        return False
    return _began(int(number)) != began


def _place() -> str | None:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink(_PROC / "self/ns/pid")
    except OSError:
        return None
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:8]


def _began(number: int) -> str | None:
    """When a process began; None when there is no such process."""
    try:
        stat = (_PROC / str(number) / "stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[_BEGAN_FIELD]
