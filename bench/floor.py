"""The floor: what the hops of an order cost with nothing but Redis in between.

A writer adds ticks at the given rate, a relay turns every n-th into a command, a sink takes the commands: three
processes, two streams: ticks on the market server, commands on the money server. An order of the real stack makes
the same two hops.
"""

import multiprocessing
import time
from multiprocessing.connection import Connection
from typing import Any

from bench.raw_redis import RawRedis, packed

from hedgegrid.operator.redis_urls import RedisUrls

TICKS, COMMANDS, END = b"bench:ticks", b"bench:commands", b"end"
PADDING = b"x" * 220
"""Ticks and commands of the real stack have about this size."""
NS_PER_S = 1_000_000_000
READ_COUNT = b"256"


def measure_floor(urls: RedisUrls, ticks_per_s: int, seconds: float, commands: int) -> list[int]:
    """Nanoseconds from a tick's due time to the sink, of about `commands` ticks."""
    _forget(urls)
    total = int(ticks_per_s * seconds)
    every = max(1, total // max(1, commands))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    readers = [
        context.Process(target=_relay, args=urls, daemon=True),
        context.Process(target=_sink, args=(urls.money, theirs), daemon=True),
    ]
    for process in readers:
        process.start()
    writer = context.Process(target=_write, args=(urls.market, ticks_per_s, total, every), daemon=True)
    writer.start()
    samples: list[int] = ours.recv()
    for process in (writer, *readers):
        process.join(10)
    _forget(urls)
    return samples


def _forget(urls: RedisUrls) -> None:
    for url in set(urls):
        client = RawRedis(url)
        client.pipeline([packed(b"DEL", TICKS), packed(b"DEL", COMMANDS)])
        client.close()


def _write(url: str, ticks_per_s: int, total: int, every: int) -> None:
    """Ticks that fell due during a round trip go out together in the next."""
    client = RawRedis(url)
    interval_ns = NS_PER_S // ticks_per_s
    start_ns = time.time_ns() + NS_PER_S  # the readers are up by then
    written = 0
    while written < total:
        wait_ns = start_ns + written * interval_ns - time.time_ns()
        if wait_ns > 0:
            time.sleep(wait_ns / NS_PER_S)
        due = min(total, (time.time_ns() - start_ns) // interval_ns + 1)
        client.pipeline([_tick(start_ns + n * interval_ns, n % every == 0) for n in range(written, due)])
        written = due
    client.pipeline([packed(b"XADD", TICKS, b"*", b"d", END)])


def _tick(due_ns: int, is_command: bool) -> bytes:
    return packed(b"XADD", TICKS, b"MAXLEN", b"~", b"5000", b"*", b"d", b"%d %d %s" % (is_command, due_ns, PADDING))


def _relay(money_url: str, market_url: str) -> None:
    money, market = RawRedis(money_url), RawRedis(market_url)
    position = b"0-0"
    while True:
        position, payloads = _read(market, TICKS, position)
        chosen = [payload for payload in payloads if payload.startswith(b"1") or payload == END]
        if chosen:
            money.pipeline([packed(b"XADD", COMMANDS, b"*", b"d", payload) for payload in chosen])
        if END in chosen:
            return


def _sink(url: str, results: Connection) -> None:
    client = RawRedis(url)
    position = b"0-0"
    samples: list[int] = []
    while True:
        position, payloads = _read(client, COMMANDS, position)
        now_ns = time.time_ns()
        samples += [now_ns - int(payload.split(b" ", 2)[1]) for payload in payloads if payload != END]
        if END in payloads:
            results.send(samples)
            return


def _read(client: RawRedis, stream: bytes, position: bytes) -> tuple[bytes, list[bytes]]:
    client.send(packed(b"XREAD", b"COUNT", READ_COUNT, b"BLOCK", b"2000", b"STREAMS", stream, position))
    answer: Any = client.receive()
    if answer is None:
        return position, []
    rows = answer[0][1]
    return rows[-1][0], [fields[1] for _, fields in rows]
