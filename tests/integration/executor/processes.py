"""Executors as real processes, to be killed, stopped and paused."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from hedgegrid.bus import keys
from tests.integration.executor.floor import SYMBOL, Floor, eventually

CONFIG = """
mode = "paper"
[[accounts]]
id = "{account}"
collar_crossing_pct = 0
collar_resting_pct = 0
[[accounts.bots]]
symbol = "{symbol}"
leverage = 10
"""


class Processes:
    """All serve the account of `floor` against the venue at `url`."""

    def __init__(self, floor: Floor, url: str, folder: Path) -> None:
        self.floor = floor
        self.url = url
        self.folder = folder
        self.running: list[subprocess.Popen[bytes]] = []
        folder.joinpath("config.toml").write_text(CONFIG.format(account=floor.account, symbol=SYMBOL))

    def start(self, **settings: Any) -> subprocess.Popen[bytes]:
        values = {
            "redis_url": self.floor.redis_url,
            "config": self.folder / "config.toml",
            "state_dir": self.folder / "state",
            "instance_id": f"executor-{len(self.running)}",
            "bybit_rest_url": self.url,
            "bybit_ws_public_url": "ws://127.0.0.1:1/v5/public/linear",
            "bybit_ws_private_url": "ws://127.0.0.1:1/v5/private",
            f"{self.floor.account}_api_key": "test-key-0001",
            f"{self.floor.account}_api_secret": "test-secret-0001",
            "recv_window_ms": 300,
            "fence_margin_ms": 100,
            "absent_rounds": 2,
            "absent_span_ms": 50,
            "retry_first_ms": 20,
            "lease_ttl_ms": 600,
            **settings,
        }
        environment = os.environ | {f"HEDGEGRID_{name.upper()}": str(value) for name, value in values.items()}
        with (self.folder / f"executor-{len(self.running)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "hedgegrid.executor"], env=environment, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def active(self, number: int) -> None:
        """Wait until a process holds the lease."""

        def holds() -> bool:
            owner = self.floor.client.hget(keys.lease(self.floor.account, "executor"), "owner")
            return str(owner).startswith(f"b'executor-{number}:")

        eventually(holds, f"executor-{number} holds the lease")

    def stop_all(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(10)
