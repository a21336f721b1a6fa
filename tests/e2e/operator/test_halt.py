"""`hedgegrid halt` on a running demo: flat at the exchange, stopped for good, and every book to the last digit."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.struct_fields import PREFIX
from hedgegrid.domain.order import Purpose
from hedgegrid.messages.ledger import FillBooked

pytestmark = pytest.mark.e2e
WITHIN_S = 60.0


@pytest.fixture(autouse=True)
def redis_on_this_machine(redis_binary: object) -> None:
    """The demo starts its own."""


class Demo:
    """A demo in a checkout of its own, as far as run folders go."""

    def __init__(self, folder: Path) -> None:
        self.report = folder / "report.json"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEDGEGRID_")}
        self.environment = {**kept, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONUNBUFFERED": "1"}
        self.log = (folder / "demo.log").open("wb+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hedgegrid.operator", "demo", "--speed", "5", "--report", str(self.report)],
            env=self.environment, stdout=self.log, stderr=self.log,
        )  # fmt: skip
        self.until(lambda: "trading " in self.said(), "trading")
        self.folder = Path(self.said().split("run folder: ", 1)[1].splitlines()[0])
        self.client: redis.Redis = connect((self.folder / "redis-url").read_text().split()[0], "test")

    def said(self) -> str:
        return Path(self.log.name).read_text()

    def until(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not is_so():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"{what}: {self.said()}"
            time.sleep(0.05)

    def fills(self) -> list[FillBooked]:
        rows: Any = self.client.xrange(keys.ledger("main"))
        booked = [codec.decode_ledger(fields) for _, fields in rows]
        return [row for row in booked if isinstance(row, FillBooked)]

    def halt(self, *arguments: str) -> str:
        """The command, told of this demo by its environment alone."""
        named = {
            "HEDGEGRID_REDIS_URL": (self.folder / "redis-url").read_text().split()[0],
            "HEDGEGRID_STATE_DIR": str(self.folder / "state"),
            "HEDGEGRID_CONFIG": str(self.folder / "config.toml"),
            "HEDGEGRID_CONTROL_KEY_FILE": str(self.folder / "control-key"),
        }
        command = [sys.executable, "-m", "hedgegrid.operator", "halt", *arguments]
        done = subprocess.run(
            command, env=self.environment | named, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def states(self) -> set[str]:
        bots = list(self.client.scan_iter(match=keys.bot("main", "*")))
        return {json.loads(self.client.hget(key, PREFIX + "trading_state")) for key in bots}  # type: ignore[arg-type]

    def end(self) -> dict[str, Any]:
        """Stop it; its own comparison of all books must find nothing."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(WITHIN_S) == 0, self.said()
        report: dict[str, Any] = json.loads(self.report.read_text())
        assert (report["duplicates"], report["lost_fills"]) == (0, 0)
        for bot in report["bots"]:
            for leg in ("long", "short"):
                assert bot["ledger"][leg]["realised"] == bot["venue"][leg]["cum_realised"]
        return report

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(WITHIN_S)
        self.log.close()


@pytest.mark.parametrize("frozen", [False, True], ids=["redis-there", "redis-frozen"])
def test_flatten_leaves_nothing_and_every_book_agrees(tmp_path: Path, frozen: bool) -> None:
    demo = Demo(tmp_path)
    money = int(demo.client.info("server")["process_id"])
    try:
        demo.until(lambda: len(demo.fills()) > 6, "fills")
        if frozen:
            os.kill(money, signal.SIGSTOP)
        said = demo.halt("--level", "FLATTEN", "--reason", "smoke")
        assert "wrote " in said
        assert ("Redis does not answer" in said) is frozen
        os.kill(money, signal.SIGCONT)
        demo.until(lambda: demo.states() == {"HALTED"}, "every bot is flat")
        emergencies = [row for row in demo.fills() if row.purpose is Purpose.EMERGENCY]
        assert bool(emergencies) is frozen, "the bots close by themselves while they can"
        count = len(demo.fills())
        demo.halt("--clear")
        report = demo.end()
    finally:
        os.kill(money, signal.SIGCONT) if demo.process.poll() is None else None
        demo.close()
    for bot in report["bots"]:
        assert bot["position"] == {"long": "0", "short": "0"}
        assert bot["working_orders"] == 0
    assert sum(bot["fills"] for bot in report["bots"]) == count
