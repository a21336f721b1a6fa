"""redis-py's client over the simulated server: every command is a round trip that can fail on its way there or back."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib.resources import files
from typing import Any

import redis

from hedgegrid.bus.reader import READ_COUNT
from tests.simulation.faults import Faults
from tests.simulation.killpoints import KillPoints
from tests.simulation.loom import NS_PER_MS, Loom, Task
from tests.simulation.store import Store, StreamId, parse_id, raw

ROUND_TRIP_NS = 150_000
RESTART_NS = 400 * NS_PER_MS
LIBRARY = files("hedgegrid.bus").joinpath("functions.lua").read_bytes()
FACTS = {
    "redis_version": "8.0.0",
    "role": "master",
    "loading": 0,
    "aof_enabled": 1,
    "maxmemory_policy": "noeviction",
    "used_memory": 1_000_000,
    "maxmemory": 0,
}
Watcher = Callable[[str, tuple[Any, ...], Any], None]
"""Told of every command that was executed by name, with its arguments and its answer."""


class Server:
    """One Redis. `run_id` changes with every restart; while it is down connections fail."""

    def __init__(self, loom: Loom, faults: Faults, points: KillPoints, name: str) -> None:
        self.loom, self.faults, self.points, self.name = loom, faults, points, name
        self.store = Store(lambda: loom.now_ms)
        self.store.changed = self._changed
        self.runs = 1
        self.is_down = False
        self.watchers: list[Watcher] = []
        self.readers: list[list[Task]] = []
        """Lists of threads that wait for an entry."""

    @property
    def run_id(self) -> str:
        return f"{self.name}-{self.runs}"

    def restart(self, writes_lost: int) -> int:
        """Go down now, come up soon; returns the writes forgotten."""
        self.is_down = True
        gone = self.store.go_back(writes_lost)
        self.runs += 1
        self._changed(b"")
        self.loom.call_in(RESTART_NS, self._up)
        return gone

    def executed(self, name: str, args: tuple[Any, ...], answer: Any) -> None:
        for watcher in self.watchers:
            watcher(name, args, answer)

    def _up(self) -> None:
        self.is_down = False

    def _changed(self, key: bytes) -> None:
        for waiting in self.readers:
            self.loom.notify(waiting)


class Client:
    """What the product's `connect` gives; the commands are those of `Store`."""

    def __init__(self, server: Server, on_connect: Callable[[Any], None] | None = None) -> None:
        self._server = server
        self._waiting: list[Task] = []
        self._on_connect = on_connect
        self._connected_to = ""
        """The run of the server that the connection is to; "" without one."""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connection_pool(self) -> "Client":
        return self

    def get_connection(self) -> "ReadConnection":
        return ReadConnection(self._server)

    def close(self) -> None:
        if self._waiting in self._server.readers:
            self._server.readers.remove(self._waiting)

    def ping(self) -> bool:
        self._trip("ping", (), lambda: None)
        return True

    def info(self, *sections: str) -> dict[str, Any]:
        self._trip("info", (), lambda: None)
        return {"run_id": self._server.run_id, **FACTS}

    def config_get(self, name: str) -> dict[str, str]:
        self._trip("config get", (), lambda: None)
        return {"appendfsync": "always"}

    def function_list(self, library: str = "*", withcode: bool = False) -> list[Any]:
        """The library is there: what it does is written anew in `store.py`."""
        self._trip("function list", (), lambda: None)
        return [[b"library_code", LIBRARY]]

    def function_load(self, code: str, replace: bool = False) -> str:
        return "hedgegrid1"

    def pipeline(self, transaction: bool = True) -> "Pipeline":
        return Pipeline(self, transaction)

    def xread(self, streams: Mapping[Any, Any], count: int | None = None, block: int | None = None) -> list[Any]:
        server = self._server
        if not any(waiting is self._waiting for waiting in server.readers):
            server.readers.append(self._waiting)
        deadline_ns, runs = server.loom.now_ns + (block or 0) * NS_PER_MS, server.runs
        positions = _parsed(streams)

        def is_over() -> bool:
            return runs != server.runs or server.loom.now_ns >= deadline_ns or server.store.has_behind(positions)

        while not is_over():
            server.loom.block(self._waiting, deadline_ns - server.loom.now_ns, is_over)
        found: list[Any] = self._trip("xread", (streams,), lambda: server.store.xread(streams, count))
        if any(raw(stream).endswith(b":commands") for stream, _ in found):
            server.points.reach("executor.after_read")
        return found

    def fcall(self, name: str, numkeys: int, *args: Any) -> Any:
        steps = _steps_of(name, args)
        points = self._server.points
        if steps:
            points.reach(f"{steps[0]}before_{steps[1]}")
        answer = self._trip(
            "fcall",
            (name, numkeys, *args),
            lambda: self._server.store.fcall(name, numkeys, *args),
            f"{steps[0]}{steps[1]}_in_flight" if steps else "",
        )
        if steps:
            points.reach(f"{steps[0]}after_{steps[1]}")
        if name == "hg1_lease_acquire" and answer:
            points.reach("executor.after_lease" if raw(args[0]).endswith(b":executor") else "strategy.after_lease")
        return answer

    def __getattr__(self, name: str) -> Any:
        command = getattr(self._server.store, name)

        def call(*args: Any, **options: Any) -> Any:
            return self._trip(name, (*args, options), lambda: command(*args, **options))

        return call

    def execute(self, queued: list[tuple[str, tuple[Any, ...], dict[str, Any]]]) -> list[Any]:
        """A pipeline: executed as a whole, as far as anybody can see from one connection."""
        store = self._server.store
        publishes = any(name == "xadd" and raw(args[0]).endswith(b":events") for name, args, _ in queued)
        actions = [partial(getattr(store, name), *args, **options) for name, args, options in queued]
        if publishes:
            self._server.points.reach("gateway.before_publish")
        answers: list[Any] = self._trip(
            "pipeline",
            tuple(queued),
            lambda: store.transaction(actions),
            "gateway.publish_in_flight" if publishes else "",
        )
        if publishes:
            self._server.points.reach("gateway.after_publish")
        return answers

    def _trip(self, name: str, args: tuple[Any, ...], action: Callable[[], Any], point: str = "") -> Any:
        """There, executed, and back.

        Raises:
            redis.ConnectionError: on the way there or back, nobody can tell which.
        """
        server = self._server
        loom, faults = server.loom, server.faults
        fault = faults.first("redis.request_lost", "redis.reply_lost", "redis.slow")
        late_ns = faults.random.randrange(5_000) * NS_PER_MS if fault == "redis.slow" else 0
        loom.sleep(late_ns + loom.random.randrange(ROUND_TRIP_NS))
        if server.is_down or fault == "redis.request_lost":
            self._connected_to = ""
            raise redis.ConnectionError("connection closed by the server")
        if self._connected_to != server.run_id:  # redis-py replaces a connection that is closed without a word
            self._connected_to = server.run_id
            if self._on_connect is not None:
                self._on_connect(Greeting(server.run_id))
        if point == "executor.sent_in_flight":  # the lanes run beside this commit: orders may have gone by now
            server.points.reach("executor.sent_on_its_way")
        answer = action()
        server.executed(name, args, answer)
        loom.note(f"{server.name} {name}")
        if point:
            server.points.reach(point)
        if fault == "redis.reply_lost":
            self._connected_to = ""
            loom.sleep(loom.random.randrange(200) * NS_PER_MS)
            raise redis.TimeoutError("timeout reading from the server")
        return answer


class Greeting:
    """A new connection, as `connect(on_connect=…)` is given it."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id

    def on_connect_check_health(self, check_health: bool = True) -> None:
        """The server is well."""

    def send_command(self, *words: str) -> None:
        """Only ever INFO."""

    def read_response(self) -> bytes:
        return f"# Server\r\nrun_id:{self._run_id}\r\n".encode()


class Pipeline:
    def __init__(self, client: Client, transaction: bool) -> None:
        self._client = client
        self._queued: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __enter__(self) -> "Pipeline":
        return self

    def __exit__(self, *_: object) -> None:
        self._queued.clear()

    def __getattr__(self, name: str) -> Callable[..., "Pipeline"]:
        def queue(*args: Any, **options: Any) -> Pipeline:
            self._queued.append((name, args, options))
            return self

        return queue

    def execute(self) -> list[Any]:
        queued, self._queued = self._queued, []
        return self._client.execute(queued) if queued else []


class ReadConnection:
    """The connection under `hedgegrid.bus.two_server_reader`: an XREAD that the server holds until there is news."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._streams: dict[str, str] = {}
        self._positions: list[tuple[bytes, StreamId]] = []
        self._runs = 0
        self._until_ns = 0

    def send_command(self, *words: Any) -> None:
        """`XREAD COUNT n BLOCK ms STREAMS name… id…`; raises redis.ConnectionError while the server is down."""
        server = self.server
        if server.is_down or server.faults.strikes("redis.request_lost"):
            raise redis.ConnectionError("connection closed by the server")
        names = words[words.index("STREAMS") + 1 :]
        half = len(names) // 2
        self._streams = dict(zip(names[:half], names[half:], strict=True))
        self._positions = _parsed(self._streams)
        self._runs = server.runs
        self._until_ns = server.loom.now_ns + int(words[words.index("BLOCK") + 1]) * NS_PER_MS

    @property
    def wait_ns(self) -> int:
        """How long until something is to be read at the latest; 0 when it is."""
        if self._runs != self.server.runs or self.server.store.has_behind(self._positions):
            return 0
        return max(0, self._until_ns - self.server.loom.now_ns)

    def read_response(self) -> list[Any]:
        """Rows as RESP2 has them."""
        server = self.server
        if self._runs != server.runs or server.faults.strikes("redis.reply_lost"):
            raise redis.ConnectionError("connection closed by the server")
        server.loom.sleep(server.loom.random.randrange(ROUND_TRIP_NS))
        found = server.store.xread(self._streams, READ_COUNT)
        server.loom.note(f"{server.name} xread")
        rows = [fields for _, entries in found for _, fields in entries]
        if rows:
            server.points.reach("strategy.after_read")
            if any(b'"SnapshotTaken"' in row.get(b"__data__", b"") for row in rows):
                server.points.reach("strategy.after_snapshot_read")
        return [[name, [[number, _flat(fields)] for number, fields in entries]] for name, entries in found]

    def disconnect(self) -> None:
        """Nothing is open."""


class Select:
    """The module `select` for `ReadConnection`s; each thread waits in a list of its own."""

    def __init__(self, servers: list[Server]) -> None:
        self._servers = servers
        self._waiting: dict[Task, list[Task]] = {}

    def select(self, waiting: list[Any], _writing: Any, _failing: Any, timeout: float) -> tuple[list[Any], Any, Any]:
        loom = self._servers[0].loom
        places = self._waiting.get(loom.current)
        if places is None:
            places = self._waiting[loom.current] = []
            for server in self._servers:
                server.readers.append(places)
        deadline_ns = loom.now_ns + int(timeout * 1000) * NS_PER_MS

        def is_over() -> bool:
            return loom.now_ns >= deadline_ns or any(not one._connection.wait_ns for one in waiting)

        while not is_over():
            waits_ns = [one._connection.wait_ns for one in waiting]
            loom.block(places, min([deadline_ns - loom.now_ns, *waits_ns]), is_over)
        return [one for one in waiting if not one._connection.wait_ns], [], []


def _parsed(streams: Mapping[Any, Any]) -> list[tuple[bytes, StreamId]]:
    return [(raw(name), parse_id(position)) for name, position in streams.items()]


def _flat(fields: Mapping[bytes, bytes]) -> list[bytes]:
    return [part for pair in fields.items() for part in pair]


def _steps_of(name: str, args: tuple[Any, ...]) -> tuple[str, str] | None:
    """Whose commit it is and of what kind, for the names of kill points."""
    if name != "hg1_commit":
        return None
    state = raw(args[1])
    if b":bot:" in state:
        return "strategy.", "commit"
    if not state.endswith(b":executor"):
        return None
    if b"checkpoint" in args or "checkpoint" in args:
        return "executor.", "sent"
    return "executor.", "ack"
