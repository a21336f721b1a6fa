"""The exchange simulator as a process, and its fault and truth API."""

import json
import subprocess
import sys
from decimal import Decimal
from typing import Any

import requests

D = Decimal


class Simulator:
    def __init__(self, account: str, *more: str) -> None:
        arguments = ["--synthetic", "chop", "--symbols", "BTCUSDT", "--account", account, "--seed", "7", *more]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hedgegrid.exchange_sim", *arguments], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.addresses: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.account = account

    def admin(self, what: str) -> Any:
        return requests.get(f"{self.addresses['admin']}/admin/{what}", timeout=5).json()

    def rows(self, what: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.admin(f"{what}?account={self.account}")["list"]
        return rows

    def price(self, ratio: str, symbol: str = "BTCUSDT") -> Decimal:
        url = f"{self.addresses['rest']}/v5/market/tickers?category=linear&symbol={symbol}"
        last = D(requests.get(url, timeout=5).json()["result"]["list"][0]["lastPrice"])
        return (last * D(ratio)).quantize(D("0.1"))

    def fault(self, kind: str, **what: Any) -> str:
        """Arm a fault; returns its id."""
        answer = requests.post(f"{self.addresses['admin']}/admin/faults", json={"kind": kind, **what}, timeout=5)
        answer.raise_for_status()
        return str(answer.json()["id"])

    def event(self, kind: str, **what: Any) -> None:
        """Let something happen at once."""
        url = f"{self.addresses['admin']}/admin/events"
        requests.post(url, json={"kind": kind, **what}, timeout=5).raise_for_status()

    def mend(self) -> None:
        """Disarm everything."""
        requests.delete(f"{self.addresses['admin']}/admin/faults", timeout=5).raise_for_status()

    def requests(self, **filters: str) -> list[dict[str, Any]]:
        """Requests of the account, oldest first."""
        query = "&".join(f"{name}={value}" for name, value in {"limit": "1000", **filters}.items())
        rows: list[dict[str, Any]] = self.admin(f"requests?{query}")["list"]
        return rows[::-1]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
