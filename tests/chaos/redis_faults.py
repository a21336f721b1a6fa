"""The servers killed, frozen, sent back in time, emptied, out of disk."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import redis

from hedgegrid.operator.redis_server import RedisServer
from tests.chaos.fault import Fault, Inject, injected, until_recovered
from tests.chaos.figures import FaultFigures
from tests.chaos.world import NeverHappened, World

FREEZE_S = 10.0
COPY_AGE_S = 60.0
TAIL_BYTES = 4096
DISK_MB = 48
DISK_FULL = "disk of the money Redis full"


def table() -> list[Fault]:
    """Every fault of this file."""
    rows: dict[str, Inject] = {
        "SIGKILL money Redis": partial(_kill, 0),
        "SIGKILL market Redis": partial(_kill, 1),
        "SIGTERM money Redis": _restart,
        f"SIGSTOP {FREEZE_S:.0f} s money Redis": _freeze,
        "AOF tail cut at a random byte": _cut_tail,
        "Redis restored from a copy of a minute ago": _restore_old_copy,
        "FLUSHALL of the market Redis": _flush_market,
    }
    return [Fault(name=name, kind="redis", inject=inject) for name, inject in rows.items()]


def _kill(number: int, world: World, row: FaultFigures, dice: random.Random) -> None:
    injected(world, row)
    server = world.stack.server.own[number]
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    _wait_dead(server)
    until_recovered(world, row)


def _restart(world: World, row: FaultFigures, dice: random.Random) -> None:
    injected(world, row)
    with _down(world):
        world.money.stop()
        world.money.start()
    until_recovered(world, row)


def _freeze(world: World, row: FaultFigures, dice: random.Random) -> None:
    injected(world, row)
    assert world.money.pid is not None
    with _down(world):
        os.kill(world.money.pid, signal.SIGSTOP)
        world.trade_on(FREEZE_S)
        os.kill(world.money.pid, signal.SIGCONT)
    until_recovered(world, row)


def _cut_tail(world: World, row: FaultFigures, dice: random.Random) -> None:
    """As after a power cut: the newest writes are gone, from the middle of one of them on."""
    injected(world, row)
    with _down(world):
        world.money.kill()
        newest = max(_logs(world.money.directory), key=lambda file: file.stat().st_mtime)
        size = newest.stat().st_size
        cut = dice.randint(1, min(TAIL_BYTES, size // 2))
        world.say(f"cutting {cut} bytes of {newest.name}, {size} bytes long")
        os.truncate(newest, size - cut)
        world.money.start()
    world.open_books()
    until_recovered(world, row)


def _restore_old_copy(world: World, row: FaultFigures, dice: random.Random) -> None:
    copy = world.folder / "old-copy"
    shutil.copytree(world.money.directory, copy)
    world.trade_on(COPY_AGE_S)
    injected(world, row)
    with _down(world):
        world.money.kill()
        shutil.rmtree(world.money.directory)
        copy.rename(world.money.directory)
        world.money.start()
    world.open_books()
    until_recovered(world, row)


def _flush_market(world: World, row: FaultFigures, dice: random.Random) -> None:
    injected(world, row)
    world.stack.market.flushall()
    until_recovered(world, row)


class NoMount(Exception):
    """This system does not let us mount a file system."""


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a small file system where the money server of a world in `folder` will write.

    Raises:
        NoMount: see there.
    """
    disk = folder / "redis" / "money"
    disk.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "chaos", str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoMount(done.stderr.strip())
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S607 - the system's own


def fill_disk(world: World, row: FaultFigures, dice: random.Random) -> None:
    """The disk of the money server is full for a while; `disk` is a small file system of its own."""
    disk = world.money.directory
    injected(world, row)
    with _down(world):
        filler = disk / "filler"
        with filler.open("wb", buffering=0) as out, contextlib.suppress(OSError):
            while True:
                out.write(b"\0" * 65536)
        world.trade_on(FREEZE_S)
        filler.unlink()
        try:
            world.stack.client.ping()
        except redis.ConnectionError:
            world.money.kill()
            world.money.start()
    until_recovered(world, row)


@contextlib.contextmanager
def _down(world: World) -> Iterator[None]:
    """Nobody starts Redis again but we."""
    world.holding_redis = True
    try:
        yield
    finally:
        world.holding_redis = False


def _logs(directory: Path) -> list[Path]:
    logs = list(directory.glob("appendonlydir/*.incr.aof"))
    if not logs:
        raise NeverHappened(f"{directory} has no append-only file")
    return logs


def _wait_dead(server: RedisServer) -> None:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.ConnectionError), redis.Redis.from_url(server.url) as client:
            client.ping()
            time.sleep(0.01)
            continue
        return
