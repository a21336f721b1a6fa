"""One reading point over two Redis servers: account streams on the money server, ticks on the market server."""

import threading
from queue import Empty, Queue
from typing import Protocol

import redis

from hedgegrid.bus.connection import BLOCK_MS, connect
from hedgegrid.bus.reader import START, CheckpointReader, Entry

QUEUE_BATCHES = 64
RETRY_S = 0.2


class StreamReader(Protocol):
    """What a loop needs of a reader, whether one server or two stand behind it."""

    def follow(self, stream: str, position: str = START) -> None: ...
    def unfollow(self, stream: str) -> None: ...
    def read(self, block_ms: int = BLOCK_MS) -> list[Entry]: ...
    def close(self) -> None: ...


def open_reader(money_url: str, market_url: str, is_market: str, client_name: str) -> StreamReader:
    """A plain reader for one server; a thread per server where they differ. `is_market` is the ticks' prefix."""
    if money_url == market_url:
        return OneServerReader(connect(money_url, client_name))
    return SplitReader({"": connect(money_url, client_name), is_market: connect(market_url, client_name)})


class OneServerReader(CheckpointReader):
    """The ordinary case: one multi-stream read, no threads."""

    def __init__(self, client: redis.Redis) -> None:
        super().__init__(client)
        self._owned = client

    def close(self) -> None:
        self._owned.close()


class SplitReader:
    """Each server is read by a thread of its own; batches meet in a bounded queue, so a slow loop slows the threads."""

    def __init__(self, clients: dict[str, redis.Redis]) -> None:
        """`clients` maps a stream-name prefix to its server; the empty prefix takes the rest."""
        self._clients = clients
        self._readers = {prefix: CheckpointReader(client) for prefix, client in clients.items()}
        self._batches: Queue[list[Entry] | redis.RedisError] = Queue(QUEUE_BATCHES)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        for prefix, reader in self._readers.items():
            threading.Thread(target=self._pump, args=(reader,), name=f"read-{prefix}", daemon=True).start()

    def follow(self, stream: str, position: str = START) -> None:
        with self._lock:
            self._reader_of(stream).follow(stream, position)

    def unfollow(self, stream: str) -> None:
        with self._lock:
            self._reader_of(stream).unfollow(stream)

    def read(self, block_ms: int = BLOCK_MS) -> list[Entry]:
        """Everything that waits, after waiting up to `block_ms` for the first batch; raises what a thread met."""
        entries: list[Entry] = []
        try:
            batch = self._batches.get(timeout=block_ms / 1000)
            while True:
                if isinstance(batch, redis.RedisError):
                    raise batch
                entries += batch
                batch = self._batches.get_nowait()
        except Empty:
            return entries

    def close(self) -> None:
        self._closing.set()
        for client in self._clients.values():
            client.close()

    def _reader_of(self, stream: str) -> CheckpointReader:
        prefix = max((p for p in self._readers if stream.startswith(p)), key=len)
        return self._readers[prefix]

    def _pump(self, reader: CheckpointReader) -> None:
        while not self._closing.is_set():
            with self._lock:
                wanted = dict(reader.positions)
            try:
                batch = reader.read(block_ms=BLOCK_MS // 4) if wanted else []
            except redis.RedisError as error:
                self._batches.put(error)
                self._closing.wait(RETRY_S)
                continue
            if batch:
                self._batches.put(batch)
            elif not wanted:
                self._closing.wait(RETRY_S)
