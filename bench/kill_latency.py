"""`python -m bench.kill_latency [RUNS] [ORDERS]`: how long from throwing the switch until the
simulated exchange's own books are empty, for every way to throw it and with Redis there or frozen."""

import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from hedgegrid.domain.kill import KillLevel
from hedgegrid.messages.control import ClearKillSwitch
from hedgegrid.operator.redis_server import find_binary
from tests.control_key import send_control
from tests.integration.executor.floor import eventually
from tests.integration.executor.kill_rig import WAYS, Rig, rig


def main() -> None:
    runs, orders = (int(text) for text in (*sys.argv[1:3], "10", "100")[:2])
    with tempfile.TemporaryDirectory() as folder, rig(Path(folder), find_binary()) as bench:
        process = bench.start()
        for way in WAYS:
            report(f"CANCEL by {way}, Redis there", [cancel(bench, process, way, orders, False) for _ in range(runs)])
        for way in WAYS[:3]:
            report(f"CANCEL by {way}, Redis frozen", [cancel(bench, process, way, orders, True) for _ in range(runs)])
        report("FLATTEN by file, Redis frozen", [flatten(bench, process, orders) for _ in range(runs)])


def cancel(bench: Rig, process: object, way: str, orders: int, frozen: bool) -> float:
    bench.place(orders)
    freeze(bench, frozen)
    started = time.monotonic()
    bench.throw(way, KillLevel.CANCEL, process)  # type: ignore[arg-type]
    bench.until_empty()
    took = time.monotonic() - started
    clear(bench)
    return took


def flatten(bench: Rig, process: object, orders: int) -> float:
    bench.place(orders)
    bench.hold("0.5")
    freeze(bench, True)
    started = time.monotonic()
    bench.throw("file", KillLevel.FLATTEN, process)  # type: ignore[arg-type]
    bench.until_empty(flat=True)
    took = time.monotonic() - started
    clear(bench)
    return took


def freeze(bench: Rig, frozen: bool) -> None:
    if frozen and bench.server.pid is not None:
        os.kill(bench.server.pid, signal.SIGSTOP)


def clear(bench: Rig) -> None:
    if bench.server.pid is not None:
        os.kill(bench.server.pid, signal.SIGCONT)
    eventually(lambda: bench.latch() is not None, "latched")
    bench.finish_commands()
    file = bench.latch_file
    wish = ClearKillSwitch(actor="test", reason="next", ts_event=1)
    send_control(bench.floor.client, bench.floor.account, wish)
    eventually(lambda: bench.latch() is None and not file.exists(), "cleared")


def report(what: str, seconds: list[float]) -> None:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    p50, p99 = cuts[49], cuts[98]
    print(f"{what:34} n {len(seconds)}  p50 {p50:.3f} s  p99 {p99:.3f} s  max {max(seconds):.3f} s", flush=True)


if __name__ == "__main__":
    main()
