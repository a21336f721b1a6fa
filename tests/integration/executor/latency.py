"""How much the executor adds: `python -m tests.integration.executor.latency [commands] [commands/s]`.

Three processes besides a Redis that syncs every write: the executor, a venue that answers at once, and this one, which
publishes commands and compares stamps. All on one machine, so wall clocks agree.
"""

import asyncio
import json
import multiprocessing as mp
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from hedgegrid.domain.order import Leg
from hedgegrid.messages.commands import SubmitOrder
from hedgegrid.messages.events import OrderAcked
from hedgegrid.operator.redis_server import RedisServer
from tests.integration.executor.fake_venue import running_venue
from tests.integration.executor.floor import Floor, Running, eventually, now_ms

ANSWER = json.dumps({"retCode": 0, "retMsg": "OK", "result": {"orderId": "x"}, "retExtInfo": {}, "time": 1}).encode()


def serve_venue(pipe: Connection) -> None:
    """Read requests, stamp them, answer the same thing; queries are passed to a scripted venue."""
    arrived: dict[str, int] = {}

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            arrived[json.loads(body)["orderLinkId"]] = time.time_ns()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER))

    async def run() -> None:
        server = await asyncio.start_server(client, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        while not pipe.poll():  # noqa: ASYNC110 the end comes from another process
            await asyncio.sleep(0.05)
        pipe.send(arrived)

    asyncio.run(run())


def serve_executor(floor_url: str, account: str, slow_url: str, fast_url: str, pipe: Connection) -> None:
    """Start against the scripted venue, then post to the fast one."""
    floor = Floor(floor_url)
    floor.account = account
    floor.config = type(floor.config)(id=account, bots=floor.config.bots)
    running = Running(floor, slow_url, "bench", order_rate_per_s=1000, recv_window_ms=5000, lease_ttl_ms=5000)
    floor.ready()
    rest = running.executor._rest
    rest._settings = type(rest._settings)(base_url=fast_url)
    pipe.send("ready")
    pipe.recv()
    running.stop()


def main() -> None:
    commands, rate = (int(text) for text in (*sys.argv[1:], "2000", "100")[:2])
    context = mp.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, RedisServer(Path(folder)) as server, running_venue() as slow:
        venue_end, venue_pipe = context.Pipe()
        venue = context.Process(target=serve_venue, args=(venue_pipe,), daemon=True)
        venue.start()
        port = venue_end.recv()
        floor = Floor(server.url)
        executor_end, executor_pipe = context.Pipe()
        arguments = (server.url, floor.account, slow.url, f"http://127.0.0.1:{port}", executor_pipe)
        executor = context.Process(target=serve_executor, args=arguments, daemon=True)
        executor.start()
        executor_end.recv()
        published: dict[str, int] = {}
        start = time.perf_counter()
        for number in range(commands):
            while time.perf_counter() < start + number / rate:
                time.sleep(0.0005)
            order: SubmitOrder = floor.submit(leg=Leg(1 + number % 2), issued_ms=now_ms())
            published[order.client_order_id] = time.time_ns()
            floor.send(order)
        eventually(floor.settled, "settled", 60)
        venue_end.send("stop")
        arrived: dict[str, int] = venue_end.recv()
        acks = {ack.client_order_id: ack for ack in floor.events(OrderAcked)}
        executor_end.send("stop")
        executor.join(10)
        report("command published -> at the venue", [arrived[i] - published[i] for i in published])
        report("command published -> last stamp before the socket", [acks[i].sent_ns - published[i] for i in published])
        report("last stamp -> answer read", [acks[i].acked_ns - acks[i].sent_ns for i in published])


def report(what: str, spans_ns: list[int]) -> None:
    spans = sorted(span / 1e6 for span in spans_ns[len(spans_ns) // 10 :])
    cuts = statistics.quantiles(spans, n=1000)
    sys.stdout.write(f"{what:52} p50 {cuts[499]:.3f} ms  p99 {cuts[989]:.3f} ms  p99.9 {cuts[998]:.3f} ms\n")


if __name__ == "__main__":
    main()
