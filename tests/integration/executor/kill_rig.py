"""An executor as a process, between a Redis that can be frozen and a simulated exchange with a full book of orders."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from hedgegrid.bus import keys
from hedgegrid.bybit.requests import Operation, Request
from hedgegrid.bybit.rest import RestClient, RestSettings
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.order import Leg
from hedgegrid.messages.control import ThrowKillSwitch
from hedgegrid.messages.events import SnapshotTaken
from hedgegrid.operator.redis_server import RedisBinary, RedisServer
from tests.control_key import key_file, send_control
from tests.integration.executor.floor import Floor, eventually
from tests.integration.executor.processes import Processes
from tests.integration.executor.simulator import Simulator

WAYS = ("file", "signal", "command", "message")
SYMBOLS = ("BTCUSDT", "ETHUSDT")
QTY = {"BTCUSDT": "0.001", "ETHUSDT": "0.01"}
HIGH_RATES = ("--order-rate", "1000", "--ip-rate", "100000")


class Rig:
    """`ways` to throw the switch, and what the exchange itself says came of it."""

    def __init__(self, server: RedisServer, simulator: Simulator, floor: Floor, folder: Path) -> None:
        self.server, self.simulator, self.floor, self.folder = server, simulator, floor, folder
        [account] = simulator.addresses["accounts"]
        self.hand = RestClient(
            RestSettings(base_url=simulator.addresses["rest"]),
            account["api_key"],
            account["api_secret"],
            lambda c: None,
        )
        self.keys = {"api_key": account["api_key"], "api_secret": account["api_secret"]}
        self.processes = Processes(floor, simulator.addresses["rest"], folder)
        self.key_file = key_file(folder)
        self.latch_file = folder / "state" / "kill" / floor.account
        self._commands: list[subprocess.Popen[bytes]] = []
        self._rounds = 0

    def start(self, **settings: object) -> subprocess.Popen[bytes]:
        shots = len(self.floor.events(SnapshotTaken))
        named = {f"{self.floor.account}_{name}": value for name, value in self.keys.items()}
        process = self.processes.start(
            **(named | {"control_key_file": self.key_file, "recv_window_ms": 2500} | settings)
        )
        self.floor.expect(SnapshotTaken, count=shots + 1)
        return process

    def place(self, count: int) -> None:
        """Rest orders of no bot, on two symbols in turn: one symbol takes 500 at most."""
        self._rounds += 1
        for symbol in SYMBOLS if self._rounds == 1 else ():
            self.hand.switch_to_hedge(symbol)
        prices = {symbol: str(self.simulator.price("0.9", symbol)) for symbol in SYMBOLS}

        def place(number: int) -> None:
            symbol = SYMBOLS[number % 2]
            self._order(Leg.LONG, "Limit", QTY[symbol], prices[symbol], f"rest-{self._rounds}-{number}", symbol)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(place, range(count)))

    def hold(self, qty: str) -> None:
        """Hold a position on both legs."""
        for leg in Leg:
            self._order(leg, "Market", qty, "", f"hold-{self._rounds}-{leg.word}")
        eventually(lambda: len(self.positions()) == 2, "positions are open")

    def orders(self) -> list[str]:
        rows = self.hand.all_open_orders()
        return [str(row["orderLinkId"]) for row in rows]

    def positions(self) -> dict[int, str]:
        rows = self.hand.all_positions()
        return {int(row["positionIdx"]): str(row["size"]) for row in rows if float(row["size"])}

    def throw(self, way: str, level: KillLevel, process: subprocess.Popen[bytes]) -> None:
        match way:
            case "file":
                self.latch_file.write_text(f"{level.name} by the test\n")
            case "signal":
                process.send_signal(signal.SIGUSR1)
            case "command":
                self.command("--level", level.name)
            case "message":
                wish = ThrowKillSwitch(level=level, actor="test", reason="r", ts_event=1)
                send_control(self.floor.client, self.floor.account, wish)

    def command(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "HEDGEGRID_REDIS_URL": self.floor.redis_url,
            "HEDGEGRID_STATE_DIR": str(self.folder / "state"),
            "HEDGEGRID_CONFIG": str(self.folder / "config.toml"),
            "HEDGEGRID_CONTROL_KEY_FILE": str(self.key_file),
        }
        command = subprocess.Popen(
            [sys.executable, "-m", "hedgegrid.operator", "halt", *arguments],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._commands.append(command)
        return command

    def until_empty(self, flat: bool = False) -> float:
        """Seconds until the exchange shows no order, and with `flat` no position."""
        started = time.monotonic()
        eventually(lambda: not self.orders() and not (flat and self.positions()), "the venue is empty")
        return time.monotonic() - started

    def latch(self) -> bytes | None:
        raw: bytes | None = self.floor.client.get(keys.kill(self.floor.account))  # type: ignore[assignment]
        return raw

    def finish_commands(self) -> None:
        for command in self._commands:
            command.communicate(timeout=60)
        self._commands.clear()

    def close(self) -> None:
        for command in self._commands:
            command.kill()
            command.communicate()
        self.processes.stop_all()
        self.simulator.close()

    def _order(self, leg: Leg, order_type: str, qty: str, price: str, link_id: str, symbol: str = "BTCUSDT") -> None:
        params: dict[str, str | int | bool] = {
            "category": "linear", "symbol": symbol, "side": leg.opening_side.value, "orderType": order_type,
            "qty": qty, "positionIdx": int(leg), "orderLinkId": link_id,
        }  # fmt: skip
        if price:
            params["price"] = price
        self.hand.send(Request(Operation.SUBMIT, "place_order", "/v5/order/create", params), lambda: None)


@contextmanager
def rig(folder: Path, binary: RedisBinary) -> Iterator[Rig]:
    with RedisServer(folder / "redis", binary=binary) as server:
        floor = Floor(server.url)
        simulator = Simulator(floor.account, *HIGH_RATES, "--symbols", ",".join(SYMBOLS))
        rig = Rig(server, simulator, floor, folder)
        try:
            eventually(lambda: simulator.admin("status")["ticks"] > 0, "the market moves")
            yield rig
        finally:
            if server.pid is not None:
                os.kill(server.pid, signal.SIGCONT)
            rig.close()
