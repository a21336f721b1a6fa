"""How symbols are spread over sockets, and how silence is seen without parsing."""

import json
from queue import SimpleQueue

import pytest

from hedgegrid.runtime.clock import ManualClock
from hedgegrid.ws_gateway.feeds import PublicFeed, shards


def test_shards() -> None:
    symbols = tuple(f"S{n}" for n in range(120))
    parts = shards(symbols)
    assert [len(part) for part in parts] == [50, 50, 20]
    assert tuple(symbol for part in parts for symbol in part) == symbols
    assert shards(()) == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"topic":"tickers.BTCUSDT","type":"delta","data":{}}',
        json.dumps({"ts": 1, "data": {"a": "b"}, "topic": "orderbook.1.BTCUSDT"}).encode(),
    ],
)
def test_topic_is_found_wherever_it_stands(raw: bytes) -> None:
    clock = ManualClock()
    clock.advance_ms(5)
    feed = PublicFeed(("BTCUSDT",), "mainnet", None, queue=SimpleQueue(), clock=clock)
    feed.take_frame(1, raw, 1)
    assert feed._heard_ns == {"BTCUSDT": 5_000_000}


def test_garbage_is_handed_on_and_harms_nothing() -> None:
    queue: SimpleQueue[object] = SimpleQueue()
    feed = PublicFeed(("BTCUSDT",), "mainnet", None, queue=queue, clock=ManualClock())
    for raw in (b"", b"\xff\xfe", b'{"topic"', b'"topic":', b'{"topic":"x'):
        feed.take_frame(1, raw, 1)
    assert queue.qsize() == 5
    assert feed._heard_ns == {}
