"""How fast the gateway is: `python -m bench.gateway_flood REDIS_URL [messages/s] [seconds] [symbols]`.

Three processes: a venue that floods, the gateway's own parts, and a reader of the market streams.
"""

import asyncio
import json
import multiprocessing as mp
import resource
import statistics
import sys
import time
from multiprocessing.synchronize import Event
from typing import Any

from aiohttp import web

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.messages.market import QuoteTick

PORT = 7811


def serve(rate: int, seconds: float, symbols: list[str]) -> None:
    """Send `rate` ticker deltas a second, evenly, on the first subscription; `ts` is the time of sending in ns."""

    async def flood(socket: web.WebSocketResponse) -> None:
        for symbol in symbols:
            data = dict.fromkeys(("lastPrice", "markPrice", "bid1Price", "ask1Price"), "125")
            await socket.send_json({"topic": f"tickers.{symbol}", "type": "snapshot", "data": data, "ts": 1})
        start, sent = time.perf_counter(), 0
        while not socket.closed and (elapsed := time.perf_counter() - start) < seconds:
            due = int(elapsed * rate)
            while sent < due:
                symbol = symbols[sent % len(symbols)]
                await socket.send_str(
                    f'{{"topic":"tickers.{symbol}","type":"delta","data":{{"symbol":"{symbol}",'
                    f'"bid1Price":"{100 + sent % 50}.1","bid1Size":"3.5","ask1Price":"{101 + sent % 50}.2",'
                    f'"ask1Size":"9.9"}},"cs":{sent},"ts":{time.time_ns()}}}'
                )
                sent += 1
            await asyncio.sleep(0.0002)

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        flooding = None
        async for message in socket:
            asked = json.loads(message.data)
            if asked["op"] == "subscribe":
                await socket.send_json({"success": True, "op": "subscribe", "req_id": asked["req_id"]})
                flooding = flooding or asyncio.create_task(flood(socket))
            elif asked["op"] == "ping":
                await socket.send_json({"success": True, "ret_msg": "pong", "op": "ping"})
        return socket

    app = web.Application()
    app.router.add_get("/v5/public/linear", handle)
    web.run_app(app, port=PORT, print=None, handle_signals=False)


def read(redis_url: str, symbols: list[str], done: Event, out: Any) -> None:
    """Collect latencies: our receipt → reader, and venue's sending → reader."""
    client = connect(redis_url, "flood-reader")
    at: dict[Any, Any] = {keys.market(symbol): "0-0" for symbol in symbols}
    from_receipt, from_sending = [], []
    while not done.is_set():
        rows: Any = client.xread(at, count=500, block=200)
        now_ns = time.time_ns()
        for stream, entries in rows or ():
            at[stream.decode()] = entries[-1][0]
            for _, fields in entries:
                tick = codec.decode_market(fields)
                if isinstance(tick, QuoteTick) and tick.ts_event > 1:
                    from_receipt.append((now_ns - tick.cause_ns) / 1e6)
                    from_sending.append((now_ns - tick.ts_event) / 1e6)
    out.put((from_receipt, from_sending))


def gate(redis_url: str, seconds: float, symbols: list[str], out: Any) -> None:
    """The gateway's public half for a while; its CPU time and what it says of its own latency."""
    from hedgegrid.runtime import service
    from tests.integration.ws_gateway.rig import Rig

    class Venue:
        url = f"ws://127.0.0.1:{PORT}"

    sys.setswitchinterval(service.SWITCH_INTERVAL_S)
    rig = Rig(Venue(), redis_url)  # type: ignore[arg-type]
    rig.add_public(*symbols)
    time.sleep(1)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    time.sleep(seconds - 2)
    after, lasted = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - started
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    sample = rig.metrics.registry.get_sample_value
    got = sample("hedgegrid_feed_frames_total", {"feed": "public", "account": "", "topic": "tickers"}) or 0
    name = "hedgegrid_ticks_conflated_total"
    conflated = sum(sample(name, {"service": "ws-gateway", "symbol": symbol}) or 0 for symbol in symbols)
    total = sample("hedgegrid_feed_publish_seconds_sum", {"feed": "public"}) or 0
    count = sample("hedgegrid_feed_publish_seconds_count", {"feed": "public"}) or 1
    rig.close()
    out.put((cpu / lasted, got, conflated, total / count * 1e3))


def show(name: str, values: list[float]) -> None:
    cuts = statistics.quantiles(values, n=1000)
    print(f"{name}: p50 {cuts[499]:.2f}  p99 {cuts[989]:.2f}  p99.9 {cuts[998]:.2f}  max {max(values):.2f} ms")


def main(redis_url: str, rate: int = 1000, seconds: float = 12, count: int = 4) -> None:
    symbols = [f"FLOOD{n}X{time.time_ns() % 10**9}USDT" for n in range(count)]
    context = mp.get_context("spawn")
    done, reads, gates = context.Event(), context.Queue(), context.Queue()
    venue = context.Process(target=serve, args=(rate, seconds, symbols), daemon=True)
    reader = context.Process(target=read, args=(redis_url, symbols, done, reads), daemon=True)
    gateway = context.Process(target=gate, args=(redis_url, seconds, symbols, gates), daemon=True)
    venue.start()
    reader.start()
    time.sleep(2)
    gateway.start()
    cpu, got, conflated, mean_ms = gates.get()
    done.set()
    from_receipt, from_sending = reads.get()
    venue.terminate()
    per_message = cpu / (got / (seconds - 1)) * 1e6
    print(f"{rate}/s asked, {got:.0f} frames, {conflated:.0f} conflated")
    print(f"CPU {cpu:.0%} of a core, {per_message:.0f} us a message; receipt → in Redis, mean {mean_ms:.2f} ms")
    show("receipt → reader", from_receipt)
    show("venue's sending → reader", from_sending)
    connect(redis_url, "flood-clean").delete(*(keys.market(symbol) for symbol in symbols))


if __name__ == "__main__":
    main(sys.argv[1], *(int(value) for value in sys.argv[2:]))
