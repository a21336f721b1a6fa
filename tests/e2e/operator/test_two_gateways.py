"""Two gateways, each with a private socket of the same account, and either of them dies: nothing is lost or doubled."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import RequestSnapshot
from hedgegrid.messages.events import OrderFilled
from hedgegrid.messages.feed import FeedConnected, FeedLost
from hedgegrid.messages.ledger import FillBooked
from tests.e2e.operator.test_demo_real import check, command, environment
from tests.real_components import missing

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
DEADLINE_S = 60.0


@pytest.fixture
def demo(tmp_path: Path, redis_binary: object) -> Iterator["subprocess.Popen[str]"]:
    if not Path("/proc/self/environ").exists():
        missing("/proc, to find the gateway that the demo started")
    arguments = command("--for", "40", "--speed", "10", "--seed", "5", "--report", str(tmp_path / "r.json"))
    process = subprocess.Popen(
        arguments, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def eventually(condition: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end, f"never: {what}"
        threading.Event().wait(0.02)
    return value


def gateway_of(demo: "subprocess.Popen[str]") -> tuple[int, dict[str, str]] | None:
    """Process id and environment of the gateway that the demo runs now."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            variables = (folder / "environ").read_bytes().decode().split("\0")
        except OSError:
            continue
        if b"hedgegrid.ws_gateway" in words and int(parent) == demo.pid and any(variables):
            return int(folder.name), dict(pair.split("=", 1) for pair in variables if "=" in pair)
    return None


def read(client: redis.Redis, stream: str, decode: Callable[[Any], Message]) -> list[Message]:
    rows: Any = client.xrange(stream)
    return [decode(fields) for _, fields in rows]


def test_nothing_is_lost_or_doubled_and_the_bots_go_on(demo: "subprocess.Popen[str]", tmp_path: Path) -> None:
    pid, told = eventually(lambda: gateway_of(demo), "the demo's gateway")
    client = connect(told["HEDGEGRID_REDIS_URL"], "test-look")

    def events() -> list[Message]:
        try:
            return read(client, keys.events("main"), codec.decode_event)
        except redis.RedisError:
            return []

    def connections() -> int:
        return sum(isinstance(event, FeedConnected) for event in events())

    def booked() -> int:
        rows = read(client, keys.ledger("main"), codec.decode_ledger)
        return sum(isinstance(row, FillBooked) for row in rows)

    eventually(lambda: connections() == 1 and booked() > 0, "the demo trades")
    with (tmp_path / "second.log").open("w") as log:
        second = subprocess.Popen(
            [sys.executable, "-m", "hedgegrid.ws_gateway"],
            env={**os.environ, **told, "HEDGEGRID_INSTANCE_ID": "second"},
            stderr=log,
        )
    try:
        eventually(lambda: connections() == 2, "the second socket")
        at_two = booked()
        eventually(lambda: booked() >= at_two + 5, "fills told by both")
        fills = [event.trade_id for event in events() if isinstance(event, OrderFilled)]
        assert len(fills) > len(set(fills)), "each socket tells every fill"

        os.kill(pid, signal.SIGKILL)
        at_kill = booked()
        eventually(lambda: booked() >= at_kill + 3, "fills after the first one was killed")
        new_pid, _ = eventually(
            lambda: (found := gateway_of(demo)) and found[0] != pid and found, "the demo starts another"
        )
        eventually(lambda: connections() >= 3, "it connects")

        second.send_signal(signal.SIGTERM)
        assert second.wait(15) == 0
        eventually(lambda: any(isinstance(event, FeedLost) for event in events()), "its loss is told")
        at_stop = booked()
        eventually(lambda: booked() >= at_stop + 3, "fills after the second one has stopped")
        told_news = [event for event in events() if isinstance(event, FeedConnected | FeedLost)]
        assert isinstance(told_news[-1], FeedConnected), "the one that stays has answered the loss"
        wishes = read(client, keys.commands("main"), codec.decode_command)
        snapshots = [wish for wish in wishes if isinstance(wish, RequestSnapshot)]
        bots = len({wish.symbol for wish in snapshots})
        assert len(snapshots) <= bots * (len(told_news) + 4), "no flapping"
        assert new_pid
    finally:
        if second.poll() is None:
            second.kill()
        second.wait()
        client.close()
    said, _ = demo.communicate(timeout=90)
    assert demo.returncode == 0, said
    check(json.loads((tmp_path / "r.json").read_text()))
