"""An executor in this process over a real Redis, and what a test needs to talk to it and to look at it."""

import shutil
import tempfile
import threading
import time
import uuid
import weakref
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import redis
from prometheus_client import CollectorRegistry

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect, load_functions
from hedgegrid.bus.publisher import publish, publish_market
from hedgegrid.bybit.rest import RestClient, RestSettings
from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.order import Leg, OrderType, Purpose, TimeInForce
from hedgegrid.executor.account import AccountExecutor
from hedgegrid.executor.interlocks import Interlock
from hedgegrid.executor.rest_calls import RestCalls
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import AmendOrder, CancelAllOrders, CancelOrder, RequestSnapshot, SubmitOrder
from hedgegrid.messages.events import SnapshotReason, SnapshotTaken
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.clock import SystemClock
from hedgegrid.runtime.config import AccountConfig, BotConfig, SystemConfig
from hedgegrid.runtime.health import Health
from hedgegrid.runtime.metric_names import Metrics
from hedgegrid.runtime.service import ServiceContext

D = Decimal
SYMBOL = "BTCUSDT"
WITHIN_S = 30.0
KEYS = ("test-key-0001", "test-secret-0001")
E = TypeVar("E", bound=Message)

FAST: dict[str, Any] = {
    "recv_window_ms": 200,
    "fence_margin_ms": 50,
    "absent_rounds": 2,
    "absent_span_ms": 50,
    "retry_first_ms": 20,
    "snapshot_quiet_ms": 20,
    "lease_ttl_ms": 1000,
    "stop_grace_ms": 1000,
    "rest_connect_timeout_ms": 500,
    "rest_read_timeout_ms": 1000,  # a busy machine keeps a thread waiting for a third of it
}


def eventually(condition: Callable[[], bool], what: str, within_s: float = WITHIN_S) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what}")
        threading.Event().wait(0.002)


class Running:
    """One executor of one account, as the service would run it, in threads of this process."""

    def __init__(self, floor: "Floor", url: str, owner: str, keys: tuple[str, str] = KEYS, **settings: Any) -> None:
        state = {"state_dir": floor.state_dir}
        self.settings = ExecutorSettings(redis_url=floor.redis_url, bybit_rest_url=url, **(FAST | state | settings))
        self.health = Health()
        self.metrics = Metrics(CollectorRegistry())
        self.context = ServiceContext(
            name="executor",
            settings=self.settings,
            config=SystemConfig(accounts=(floor.config,)),
            clock=SystemClock(),
            health=self.health,
            metrics=self.metrics,
            stopping=threading.Event(),
        )
        calls = RestCalls(floor.account, self.metrics)
        rest_settings = RestSettings(
            base_url=url,
            recv_window_ms=self.settings.recv_window_ms,
            connect_timeout_s=self.settings.rest_connect_timeout_ms / 1000,
            read_timeout_s=self.settings.rest_read_timeout_ms / 1000,
        )
        rest = RestClient(rest_settings, *keys, calls.count)
        self.executor = AccountExecutor(self.context, self.settings, floor.config, owner, rest, calls)
        self._account = floor.account
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def why(self, condition: str) -> str:
        """Reason of a health condition such as `account` or `venue`; "" while it is not stated."""
        stated = self.health.conditions.get(f"{condition}:{self._account}")
        return stated.reason if stated else ""

    def why_held(self, interlock: Interlock, symbol: str = SYMBOL) -> str:
        """Text of an engaged interlock, of the symbol or the account; "" when it is not engaged."""
        held = self.executor.interlocks.engaged(interlock, symbol) or self.executor.interlocks.engaged(interlock)
        return held.text if held else ""

    def held_strength(self, interlock: Interlock) -> int:
        held = self.executor.interlocks.engaged(interlock)
        return held.strength if held else 0

    def stop(self) -> None:
        self.context.stopping.set()
        self._thread.join(WITHIN_S)
        assert not self._thread.is_alive(), "the executor did not stop"
        if self.fault is not None:
            raise self.fault

    def _run(self) -> None:
        try:
            self.executor.run()
        except BaseException as error:
            self.fault = error


class Floor:
    """One account in one Redis."""

    def __init__(self, redis_url: str, account: str = "", first_sequence: int = 0, **config: Any) -> None:
        self.redis_url = redis_url
        self.state_dir = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self.state_dir, ignore_errors=True)
        self.account = account or f"t{uuid.uuid4().hex[:8]}"
        bots = config.pop("bots", (BotConfig(symbol=SYMBOL, leverage=D(10)),))
        no_collar = {"collar_crossing_pct": D(0), "collar_resting_pct": D(0)}  # most tests have no market
        self.config = AccountConfig(id=self.account, bots=bots, **(no_collar | config))
        self.client: redis.Redis = connect(redis_url, "test")
        load_functions(self.client)
        self._sequence = first_sequence

    def submit(self, **changes: Any) -> SubmitOrder:
        leg = changes.get("leg", Leg.LONG)
        reduce_only = changes.get("reduce_only", False)
        purpose = Purpose.TAKE_PROFIT if reduce_only else Purpose.ENTRY
        fields: dict[str, Any] = {
            "symbol": SYMBOL,
            "leg": leg,
            "client_order_id": self.new_id(leg, purpose),
            "side": leg.closing_side if reduce_only else leg.opening_side,
            "order_type": OrderType.LIMIT,
            "qty": D("0.010"),
            "price": D("50000.0"),
            "time_in_force": TimeInForce.GTC,
            "reduce_only": reduce_only,
            "cause_ns": 11,
            "decided_ns": 22,
            "issued_ms": now_ms(),
        }
        return SubmitOrder(**(fields | changes))

    def amend(self, of: SubmitOrder, qty: str, price: str) -> AmendOrder:
        return AmendOrder(
            symbol=of.symbol, leg=of.leg, client_order_id=of.client_order_id, qty=D(qty), price=D(price),
            issued_ms=now_ms(),
        )  # fmt: skip

    def cancel(self, of: SubmitOrder) -> CancelOrder:
        return CancelOrder(symbol=of.symbol, leg=of.leg, client_order_id=of.client_order_id, issued_ms=now_ms())

    def cancel_all(self) -> CancelAllOrders:
        return CancelAllOrders(symbol=SYMBOL, issued_ms=now_ms())

    def snapshot(self, request: int, reason: SnapshotReason = SnapshotReason.GAP, since_ms: int = 0) -> RequestSnapshot:
        return RequestSnapshot(
            symbol=SYMBOL, reason=reason, request=request, executions_since_ms=since_ms, issued_ms=now_ms()
        )

    def new_id(self, leg: Leg, purpose: Purpose, life: int = 1) -> str:
        self._sequence += 1
        return str(ClientOrderId(life, SYMBOL, leg, purpose, 0, self._sequence))

    def send(self, *commands: Message) -> None:
        publish(self.client, [(keys.commands(self.account), command) for command in commands])

    def control(self, *wishes: Message) -> None:
        publish(self.client, [(keys.control(self.account), wish) for wish in wishes])

    def events(self, kind: type[E], client_order_id: str | None = None) -> list[E]:
        rows: Any = self.client.xrange(keys.events(self.account))
        found = [codec.decode_event(fields) for _, fields in rows]
        return [
            event
            for event in found
            if isinstance(event, kind) and client_order_id in (None, getattr(event, "client_order_id", None))
        ]

    def expect(self, kind: type[E], client_order_id: str | None = None, count: int = 1) -> list[E]:
        """Wait for events of a kind and return them all."""
        what = f"{count} {kind.__name__} of {client_order_id}"
        eventually(lambda: len(self.events(kind, client_order_id)) >= count, what)
        return self.events(kind, client_order_id)

    def one(self, kind: type[E], client_order_id: str | None = None) -> E:
        found = self.expect(kind, client_order_id)
        assert len(found) == 1, found
        return found[0]

    def state(self) -> dict[str, bytes]:
        raw: Any = self.client.hgetall(keys.executor(self.account))
        return {name.decode(): value for name, value in raw.items()}

    def sent(self) -> list[str]:
        """Names of records without an outcome."""
        return sorted(field for field in self.state() if field.startswith("sent:"))

    def settled(self) -> bool:
        rows: Any = self.client.xrevrange(keys.commands(self.account), count=1)
        newest = rows[0][0] if rows else None
        return self.state().get("checkpoint") == newest and not self.sent()

    def ready(self) -> None:
        """Wait until the start snapshot is taken and nothing is in flight."""
        self.expect(SnapshotTaken)
        eventually(lambda: not self.sent(), "nothing in flight")

    def calls(self) -> dict[str, int]:
        raw: Any = self.client.hgetall(keys.rest_calls(self.account))
        return {field.decode(): int(count) for field, count in raw.items()}


class Ticker:
    """A market that stands still and is heard of all the time: without, the guard goes blind after 10 s."""

    def __init__(self, floor: Floor, price: str) -> None:
        self._client = connect(floor.redis_url, "test-ticker")
        self.price = D(price)
        self._ended = threading.Event()
        self.tell()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tell(self) -> None:
        at_ms = now_ms()
        tick = QuoteTick(
            symbol=SYMBOL, last_px=self.price, mark_px=self.price, bid_px=self.price, ask_px=self.price,
            ts_event=at_ms, ts_init=at_ms, cause_ns=0,
        )  # fmt: skip
        publish_market(self._client, [(keys.market(SYMBOL), tick)])

    def close(self) -> None:
        self._ended.set()
        self._thread.join(WITHIN_S)
        self._client.close()

    def _run(self) -> None:
        while not self._ended.wait(0.2):
            self.tell()


def now_ms() -> int:
    return time.time_ns() // 1_000_000
