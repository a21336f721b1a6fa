"""The demo's own stack under attack: supervisor, real Redis, simulated exchange, services, and a watch over them."""

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import redis

from hedgegrid.bus.connection import connect
from hedgegrid.operator.bot_view import BotView
from hedgegrid.operator.children import Child, ChildSpec
from hedgegrid.operator.control_key import make_control_key
from hedgegrid.operator.demo_options import DemoOptions
from hedgegrid.operator.exchange_admin import ExchangeAdmin
from hedgegrid.operator.redis_server import RedisServer
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.operator.run_redis import RunRedis
from hedgegrid.operator.services import Exchange, RunPlan, instance_of, service_specs
from hedgegrid.operator.stack import Stack
from hedgegrid.operator.stop_signals import StopSignals
from hedgegrid.operator.stream_books import StreamBooks
from hedgegrid.runtime.config import parse_config
from hedgegrid.runtime.failpoints import VARIABLE
from tests.chaos.grid import ACCOUNTS, config
from tests.chaos.proxy import Proxy
from tests.chaos.sight import BotName, BotSight, EventWatch, bots_with_unread, executor_commit, records_in_flight, see
from tests.chaos.venue_faults import VenueFaults

POLL_S = 0.02
CATCH_UP_EVERY_S = 0.25
TICKS_PER_S = Decimal(40)


class NeverHappened(Exception):
    """What was waited for did not come about in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a world is made. With `proxied` a line that can be cut lies between the services and the venue."""

    seed: int = 1
    workers: int = 2
    accounts: Mapping[str, Sequence[str]] = field(default_factory=lambda: ACCOUNTS)
    environment: Mapping[str, str] = field(default_factory=dict)
    proxied: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How things stood at a moment: the number of each bot's last snapshot, and what the executors had in flight."""

    at_s: float
    at_ms: int
    requests: Mapping[BotName, int]
    in_flight: frozenset[tuple[str, str]]
    unread: frozenset[BotName]
    """Bots with commands behind the executor's checkpoint: they may have been sent."""
    commits: Mapping[str, str]
    watch: EventWatch


class World:
    """Everything runs between entering and leaving; only `poll` and what calls it keep it alive in between."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.setting = setting
        text = config(setting.accounts)
        (folder / "config.toml").write_text(text)
        make_control_key(folder)
        options = DemoOptions(workers=setting.workers, ticks_per_s=TICKS_PER_S, seed=setting.seed)
        self.plan = RunPlan(
            options=options, config=parse_config(text), config_path=folder / "config.toml", folder=folder
        )
        self._signals = StopSignals()
        self.stack = Stack(
            self.plan, RunRedis(folder / "redis", None, self.say), self._signals, _Notes(self.say), self._specs
        )
        self.lines: dict[str, Proxy] = {}
        self.on_poll: Callable[[], None] = lambda: None
        """Called all the time."""
        self.holding_redis = False
        """True: a dead Redis is not started again."""
        self._next_catch_up_s = 0.0

    def __enter__(self) -> Self:
        self._signals.__enter__()
        (self.folder / "failpoints").mkdir()
        try:
            self.stack.start()
            self.look = connect(self.stack.server.urls.money, "chaos")
            self.admin = ExchangeAdmin(self.stack.exchange.admin)
            self.venue = VenueFaults(self.stack.exchange.admin)
            self.open_books()
            self.admin.start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        self.stack.stop()
        for line in self.lines.values():
            line.close()
        self._signals.__exit__(None, None, None)

    def open_books(self) -> None:
        """Read our own books from the beginning, as Redis tells them now."""
        self.books = StreamBooks(self.stack.client, self.stack.market, self.plan.bots)

    # acting

    def say(self, line: str) -> None:
        with (self.folder / "chaos.log").open("a") as notes:
            notes.write(f"{time.time():.3f} {line}\n")

    def child(self, name: str) -> Child:
        return next(child for child in self.stack.services if child.spec.name == name)

    def add_service(self, like: str, name: str) -> Child:
        """Start one more process of a kind."""
        spec = self.child(like).spec
        environment = self._with_failpoints(name, {**spec.environment, "HEDGEGRID_INSTANCE_ID": instance_of(name)})
        child = self.stack.supervisor.start(replace(spec, name=name, environment=environment))
        self.stack.services.append(child)
        return child

    def end_service(self, child: Child) -> None:
        """Stop a process for good, in order."""
        self.stack.supervisor.end(child)
        self.stack.services.remove(child)

    def arm(self, name: str, wish: str) -> None:
        """Let a failpoint of a process act once."""
        file = self._failpoints_of(name)
        file.with_suffix(".new").write_text(wish)
        file.with_suffix(".new").rename(file)

    def disarm(self, name: str) -> bool:
        """Take an arming back; False if it has acted."""
        with contextlib.suppress(FileNotFoundError):
            self._failpoints_of(name).unlink()
            return True
        return False

    @property
    def money(self) -> RedisServer:
        return self.stack.server.own[0]

    @property
    def market(self) -> RedisServer:
        return self.stack.server.own[1]

    # waiting

    def poll(self) -> None:
        """Restart what died, take in what the streams tell."""
        if self._signals.requested:
            raise KeyboardInterrupt
        self.stack.check()
        self.on_poll()
        now_s = time.monotonic()
        if self.holding_redis or now_s < self._next_catch_up_s:
            return
        self._next_catch_up_s = now_s + CATCH_UP_EVERY_S
        self.stack.server.check(self.stack.client, self.stack.market)
        with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
            self.books.catch_up()

    def until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> float:
        """Wait for a condition; return the seconds it took.

        Raises:
            NeverHappened: it did not hold within `timeout_s`.
        """
        began_s = time.monotonic()
        while True:
            with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
                if condition():
                    return time.monotonic() - began_s
            if time.monotonic() - began_s > timeout_s:
                raise NeverHappened(f"{what} within {timeout_s:.0f} s")
            self.poll()
            time.sleep(POLL_S)

    def trade_on(self, for_s: float) -> None:
        """Let time pass."""
        end_s = time.monotonic() + for_s
        while time.monotonic() < end_s:
            self.poll()
            time.sleep(POLL_S)

    # seeing

    @staticmethod
    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    @property
    def accounts(self) -> tuple[str, ...]:
        return tuple(self.setting.accounts)

    def sights(self) -> list[BotSight]:
        return [see(self.look, bot) for bot in self.plan.bots]

    def mark(self) -> Mark:
        """How things stand now."""
        in_flight = {(account, name) for account in self.accounts for name in records_in_flight(self.look, account)}
        return Mark(
            at_s=time.monotonic(),
            at_ms=time.time_ns() // 1_000_000,
            requests={sight.bot: sight.state.request for sight in self.sights()},
            in_flight=frozenset(in_flight),
            unread=frozenset(bot for account in self.accounts for bot in bots_with_unread(self.look, account)),
            commits={account: executor_commit(self.look, account) for account in self.accounts},
            watch=EventWatch(self.look, self.accounts),
        )

    def fills(self) -> int:
        return sum(own.fills.total() for own in self.books.own.values())

    # making

    def _specs(self, plan: RunPlan, exchange: Exchange, urls: RedisUrls) -> list[ChildSpec]:
        if self.setting.proxied:
            exchange = self._behind_proxies(exchange)
        specs = service_specs(plan, exchange, urls)
        extra = self.setting.environment
        return [replace(s, environment=self._with_failpoints(s.name, {**s.environment, **extra})) for s in specs]

    def _behind_proxies(self, exchange: Exchange) -> Exchange:
        ways = {"rest": exchange.rest, "private": exchange.ws_private, "public": exchange.ws_public}
        for name, url in ways.items():
            parts = urlsplit(url)
            self.lines[name] = Proxy(parts.hostname or "", parts.port or 0)
            ways[name] = parts._replace(netloc=f"127.0.0.1:{self.lines[name].port}").geturl()
        return replace(exchange, rest=ways["rest"], ws_private=ways["private"], ws_public=ways["public"])

    def _with_failpoints(self, name: str, environment: Mapping[str, str]) -> dict[str, str]:
        return {**environment, VARIABLE: f"@{self._failpoints_of(name)}"}

    def _failpoints_of(self, name: str) -> Path:
        return self.folder.resolve() / "failpoints" / name


class _Notes:
    """The stack's display: its words go where ours go."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, bots: Sequence[BotView], headline: str) -> None:
        pass
