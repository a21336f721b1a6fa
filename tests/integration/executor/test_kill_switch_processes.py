"""The kill switch of a real executor process, with Redis there, frozen or dead."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from hedgegrid.domain.kill import KillLevel
from hedgegrid.messages.control import ClearKillSwitch
from hedgegrid.messages.events import DenyReason, KillSwitchChanged, OrderDenied
from hedgegrid.operator.redis_server import RedisBinary
from hedgegrid.runtime.kill_latch import decode_latch
from tests.control_key import send_control
from tests.integration.executor.floor import eventually
from tests.integration.executor.kill_rig import Rig, rig

ORDERS = 40


@pytest.fixture
def bench(tmp_path: Path, redis_binary: RedisBinary) -> Iterator[Rig]:
    with rig(tmp_path, redis_binary) as bench:
        yield bench


def freeze(bench: Rig) -> None:
    assert bench.server.pid is not None
    os.kill(bench.server.pid, signal.SIGSTOP)


def thaw(bench: Rig) -> None:
    assert bench.server.pid is not None
    os.kill(bench.server.pid, signal.SIGCONT)


def latched_in_file(bench: Rig) -> KillLevel | None:
    latch = decode_latch(bench.latch_file.read_bytes()) if bench.latch_file.exists() else None
    return None if latch is None else latch.level


@pytest.mark.parametrize("server", ["frozen", "dead"])
@pytest.mark.parametrize("way", ["file", "signal", "command"])
def test_cancel_works_without_redis(bench: Rig, way: str, server: str) -> None:
    """F7 and worse: nothing can be written, nothing can be read."""
    process = bench.start()
    bench.place(ORDERS)
    freeze(bench) if server == "frozen" else bench.server.kill()
    bench.throw(way, KillLevel.CANCEL, process)
    bench.until_empty()
    assert process.poll() is None
    eventually(lambda: latched_in_file(bench) is KillLevel.CANCEL, "the file tells it")  # written beside the acting
    thaw(bench) if server == "frozen" else bench.server.start()
    eventually(lambda: bench.latch() is not None, "Redis is told when it is back")
    told = bench.floor.expect(KillSwitchChanged)[0]
    assert (told.level, told.source) == (KillLevel.CANCEL, "signal" if way == "signal" else "file")


def test_flatten_closes_without_redis(bench: Rig) -> None:
    process = bench.start()
    bench.place(ORDERS)
    bench.hold("0.5")
    freeze(bench)
    bench.throw("file", KillLevel.FLATTEN, process)
    bench.until_empty(flat=True)
    thaw(bench)


@pytest.mark.parametrize("level", [KillLevel.CANCEL, KillLevel.FLATTEN])
def test_it_works_while_redis_refuses_every_write(bench: Rig, level: KillLevel) -> None:
    """F7: as with a full disk. It reads, so it does not look away, and the bots can command nothing."""
    process = bench.start()
    bench.place(ORDERS)
    bench.hold("0.5")
    bench.floor.client.config_set("min-replicas-to-write", 1)
    with pytest.raises(redis.exceptions.ResponseError):
        bench.floor.client.set("x", "y")
    bench.throw("file", level, process)
    bench.until_empty(flat=level is KillLevel.FLATTEN)
    assert bool(bench.positions()) is (level is KillLevel.CANCEL)
    bench.floor.client.config_set("min-replicas-to-write", 0)
    eventually(lambda: bench.latch() is not None, "Redis is told when it takes writes again")


def test_more_orders_than_one_request_cancels(bench: Rig) -> None:
    """A20: a cancel-all of the account takes 500 at random."""
    process = bench.start()
    bench.place(620)
    bench.throw("message", KillLevel.CANCEL, process)
    bench.until_empty()


def test_a_killed_executor_comes_back_stopped(bench: Rig) -> None:
    """Thrown with Redis dead, killed before it could tell; the next one knows from the file, and Redis from it."""
    process = bench.start()
    bench.server.kill()
    bench.throw("file", KillLevel.CANCEL, process)
    file = bench.latch_file
    eventually(lambda: decode_latch(file.read_bytes()) is not None, "latched")
    process.kill()
    process.wait(10)
    bench.server.start()
    bench.place(3)
    second = bench.start()
    eventually(lambda: bench.latch() is not None, "Redis knows")
    bench.until_empty()
    order = bench.floor.submit(price=bench.simulator.price("0.9"))
    bench.floor.send(order)
    assert bench.floor.one(OrderDenied).reason is DenyReason.KILLED
    file.unlink()
    second.kill()
    second.wait(10)
    bench.start()
    eventually(file.exists, "the file is back from what Redis knows")
    wish = ClearKillSwitch(actor="test", reason="over", ts_event=1)
    send_control(bench.floor.client, bench.floor.account, wish)
    eventually(lambda: bench.latch() is None and not file.exists(), "cleared")


def test_the_command_tells_what_came_of_it(bench: Rig) -> None:
    bench.start()
    bench.place(3)
    said = _output(bench, "--level", "cancel", "--reason", "smoke")
    assert f"{bench.floor.account}: kill switch at CANCEL" in said
    bench.until_empty()
    said = _output(bench, "--clear", "--account", bench.floor.account)
    assert f"{bench.floor.account}: kill switch cleared" in said
    assert "hedgegrid state ACCOUNT ACTIVE" in said
    bench.processes.stop_all()
    said = _output(bench, "--clear", code=1)
    assert f"{bench.floor.account}: kill switch cleared" in said or "no executor has confirmed" in said


def _output(bench: Rig, *arguments: str, code: int = 0) -> str:
    command = bench.command(*arguments)
    said, _ = command.communicate(timeout=60)
    assert command.returncode in (0, code), said.decode()
    return said.decode()
