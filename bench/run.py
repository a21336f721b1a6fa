"""`make bench`: tick to order sent of the real stack, beside the floor that Redis alone sets on this machine.

Both run on the same two servers (money: every write on disk before it is answered; market: memory only), one after the
other, at the same rate of ticks. Compare the ratio; the absolute figures belong to the machine. Where real-time
scheduling is granted, every rate is measured once more with `HEDGEGRID_REALTIME=1`.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from bench.floor import measure_floor
from rich.console import Console
from rich.table import Table

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.messages.events import OrderAcked
from hedgegrid.operator.own_books import OwnBooks
from hedgegrid.operator.redis_server import MARKET_CONF, URL_VARIABLE, RedisServer, in_checkout
from hedgegrid.operator.redis_urls import MARKET_URL_VARIABLE, RedisUrls
from hedgegrid.operator.report import PERCENTILES, percentiles
from hedgegrid.runtime.scheduling import ask_for_real_time

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results"
RATES = (200, 1000, 5000)
STEPS_PCT = {200: "0.05", 1000: "0.3", 5000: "0.8"}
"""Grid step by rate: the faster the ticks, the faster the market moves. Some 10 orders/s, what Bybit grants."""
SECONDS = 60.0
WARM_UP_S = 15.0
"""The first orders find every path cold; figures of the whole run are kept beside those after it."""
ENOUGH_ORDERS = 300
WORKERS = 1
ACCOUNT = "main"
NS_PER_S = 1_000_000_000
ORDER_RATE = 1000

Row = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every rate, print the table, keep the figures; 1 if a run was no proper run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rates", default=",".join(map(str, RATES)), help="ticks a second, of all symbols together")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args(arguments)
    rows: list[Row] = []
    ways = (False, True) if real_time_is_granted() else (False,)
    for rate, realtime in product(map(int, given.rates.split(",")), ways):
        print(f"{rate} ticks/s{', real time' if realtime else ''} …", flush=True)
        with (
            tempfile.TemporaryDirectory() as folder,
            RedisServer(Path(folder) / "money", realtime=realtime) as money,
            RedisServer(Path(folder) / "market", conf=in_checkout(MARKET_CONF), realtime=realtime) as market,
        ):
            urls = RedisUrls(money.url, market.url)
            rows.append({"realtime": realtime} | measure(rate, given.seconds, urls, Path(folder), realtime))
    Console(width=None if sys.stdout.isatty() else 140).print(draw(rows))
    print(f"written: {keep(rows)}")
    poor = [row["ticks_per_s"] for row in rows if row["orders"] < ENOUGH_ORDERS or row["stack_exit_code"]]
    if poor:
        print(f"not to be trusted (too few orders, or books that differ): {poor} ticks/s", file=sys.stderr)
    return 1 if poor else 0


def real_time_is_granted() -> bool:
    """Tried by a thread, which takes the right with it when it ends."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(ask_for_real_time).result()


def measure(rate: int, seconds: float, urls: RedisUrls, folder: Path, realtime: bool) -> Row:
    """One run of the stack, then the floor with as many orders at the same rate."""
    report_path, config = folder / "report.json", folder / "config.toml"
    step = STEPS_PCT.get(rate, STEPS_PCT[1000])
    config.write_text((FOLDER / "stack.toml").read_text().replace("grid_step_pct = 0.02", f"grid_step_pct = {step}"))
    command = [sys.executable, "-m", "hedgegrid.operator", "demo", "--config", str(config)]
    command += ["--ticks-per-s", str(rate), "--for", str(seconds), "--order-rate", str(ORDER_RATE)]
    command += ["--workers", str(WORKERS), "--report", str(report_path)]
    run = subprocess.run(
        command,
        env={
            **os.environ,
            URL_VARIABLE: urls.money,
            MARKET_URL_VARIABLE: urls.market,
            "HEDGEGRID_REALTIME": str(int(realtime)),
        },
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
        "whole_run_ms": report["latency_ms"]["tick_to_order_sent"],
        "stack_ms": percentiles(after_warm_up(urls.money)),
        "floor_ms": percentiles(measure_floor(urls, rate, seconds, orders)),
    }


def after_warm_up(money_url: str) -> list[int]:
    """Nanoseconds from tick to order sent, of the orders whose tick came later than `WARM_UP_S` behind the first."""
    entries: Any = connect(money_url, "bench").xrange(keys.events(ACCOUNT))
    events = [codec.decode_event(fields) for _, fields in entries]
    acks = [event for event in events if isinstance(event, OrderAcked) and event.cause_ns]
    begin_ns = min((ack.cause_ns for ack in acks), default=0) + int(WARM_UP_S * NS_PER_S)
    books = OwnBooks()
    for ack in acks:
        if ack.cause_ns >= begin_ns:
            books.apply_event(ack)
    return books.sending_ns


def draw(rows: Sequence[Row]) -> Table:
    table = Table(title=f"tick to order sent after {WARM_UP_S:.0f} s, ms (ratio = stack / floor)", title_justify="left")
    for name in (
        "ticks/s",
        "real time",
        "orders",
        *(f"{p} {what}" for p in PERCENTILES for what in ("stack", "floor", "ratio")),
    ):
        table.add_column(name, justify="right")
    for row in rows:
        cells = [str(row["ticks_per_s"]), "yes" if row["realtime"] else "", str(row["orders"])]
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
