"""`make bench`: tick to order sent of the real stack, beside the floor that Redis alone sets on this machine.

Both run on the same two servers (money: every write on disk before it is answered; market: memory only), one after the
other, at the same rate of ticks. Compare the ratio; the absolute figures belong to the machine.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.floor import measure_floor
from rich.console import Console
from rich.table import Table

from hedgegrid.operator.redis_server import MARKET_CONF, URL_VARIABLE, RedisServer, in_checkout
from hedgegrid.operator.redis_urls import MARKET_URL_VARIABLE, RedisUrls
from hedgegrid.operator.report import PERCENTILES, percentiles

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
RATES = (200, 1000, 5000)
STEPS_PCT = {200: "0.05", 1000: "0.3", 5000: "0.8"}
"""Grid step by rate: the faster the ticks, the faster the market moves. Some 10 orders/s, what Bybit grants."""
SECONDS = 40.0
ENOUGH_ORDERS = 300
WORKERS = 1
ORDER_RATE = 1000

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every rate, print the table, keep the figures; 1 if a run was no proper run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="ticks a second, of all symbols together")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    for rate in (int(text) for text in given.rates.split(",")):
        print(f"{rate} ticks/s …", flush=True)
        with (
            tempfile.TemporaryDirectory() as folder,
            RedisServer(Path(folder) / "money") as money,
            RedisServer(Path(folder) / "market", conf=in_checkout(MARKET_CONF)) as market,
        ):
            rows.append(measure(rate, given.seconds, RedisUrls(money.url, market.url), Path(folder)))
    Console(width=None if sys.stdout.isatty() else 140).print(draw(rows))
    print(f"written: {keep(rows)}")
    poor = [row["ticks_per_s"] for row in rows if row["orders"] < ENOUGH_ORDERS or row["stack_exit_code"]]
    if poor:
        print(f"not to be trusted (too few orders, or books that differ): {poor} ticks/s", file=sys.stderr)
    return 1 if poor else 0


def measure(rate: int, seconds: float, urls: RedisUrls, folder: Path) -> Row:
    """One run of the stack, then the floor with as many orders at the same rate."""
    report_path, config = folder / "report.json", folder / "config.toml"
    step = STEPS_PCT.get(rate, STEPS_PCT[1000])
    config.write_text((FOLDER / "stack.toml").read_text().replace("grid_step_pct = 0.02", f"grid_step_pct = {step}"))
    command = [sys.executable, "-m", "hedgegrid.operator", "demo", "--config", str(config)]
    command += ["--ticks-per-s", str(rate), "--for", str(seconds), "--order-rate", str(ORDER_RATE)]
    command += ["--workers", str(WORKERS), "--report", str(report_path)]
    run = subprocess.run(
        command,
        env={**os.environ, URL_VARIABLE: urls.money, MARKET_URL_VARIABLE: urls.market},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if not report_path.is_file():
        raise SystemExit(f"the stack did not run:\n{run.stdout}")
    report = json.loads(report_path.read_text())
    orders = sum(bot["orders_sent"] for bot in report["bots"])
    return {
        "ticks_per_s": rate,
        "orders": orders,
        "ticks": sum(bot["ticks"] for bot in report["bots"]),
        "wall_s": report["wall_s"],
        "stack_exit_code": run.returncode,
        "duplicates": report["duplicates"],
        "lost_fills": report["lost_fills"],
        "decision_ms": report["latency_ms"]["tick_to_decision"],
        "stack_ms": report["latency_ms"]["tick_to_order_sent"],
        "floor_ms": percentiles(measure_floor(urls, rate, seconds, orders)),
    }


def draw(rows: Sequence[Row]) -> Table:
    table = Table(title="tick to order sent, ms (ratio = stack / floor)", title_justify="left")
    for name in ("ticks/s", "orders", *(f"{p} {what}" for p in PERCENTILES for what in ("stack", "floor", "ratio"))):
        table.add_column(name, justify="right")
    for row in rows:
        cells = [str(row["ticks_per_s"]), str(row["orders"])]
        for name in PERCENTILES:
            stack, floor = row["stack_ms"][name], row["floor_ms"][name]
            cells += [_ms(stack), _ms(floor), f"{stack / floor:.1f}" if stack and floor else "-"]
        table.add_row(*cells)
    return table


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def keep(rows: Sequence[Row]) -> Path:
    """Write the figures with what is needed to compare them."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    path.write_text(json.dumps({"at": now.isoformat(), "machine": machine, "rows": list(rows)}, indent=2) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
