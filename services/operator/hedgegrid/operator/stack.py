"""The running system of a demo: Redis, the simulated exchange and the services, brought up and taken down."""

import contextlib
import time
from collections.abc import Callable

import redis

from hedgegrid.operator import heartbeats
from hedgegrid.operator.bot_view import parse_state
from hedgegrid.operator.children import Child, ChildSpec
from hedgegrid.operator.exchange_admin import parse_announcement
from hedgegrid.operator.loopback_http import HttpFailed, get_json
from hedgegrid.operator.project_files import REDIS_URL_FILE
from hedgegrid.operator.redis_urls import RedisUrls
from hedgegrid.operator.run_redis import RunRedis, clear_former_demo
from hedgegrid.operator.services import Exchange, RunPlan, exchange_spec, service_specs
from hedgegrid.operator.stop_signals import StopSignals
from hedgegrid.operator.supervisor import Supervisor
from hedgegrid.operator.table import Display

ANNOUNCE_TIMEOUT_S = 120.0
"""The exchange reads into its tapes before it speaks."""
READY_TIMEOUT_S = 60.0
POLL_S = 0.05
PAGE_TIMEOUT_S = 1.0
METRICS = "metrics"


class NotReady(Exception):
    """The system did not come up in time; says who is missing and why."""


class Interrupted(Exception):
    """Somebody asked for the end before the system was up."""


ServiceSpecs = Callable[[RunPlan, Exchange, RedisUrls], list[ChildSpec]]


class Stack:
    """Call `start` once, then `check` often and `look` now and then, and `stop` whatever happened."""

    client: redis.Redis
    market: redis.Redis
    exchange: Exchange

    def __init__(
        self,
        plan: RunPlan,
        server: RunRedis,
        signals: StopSignals,
        display: Display,
        specs: ServiceSpecs | None = None,
    ) -> None:
        self.plan = plan
        self.signals = signals
        self.server = server
        self._display = display
        self.supervisor = Supervisor(plan.folder, display.say)
        self._specs = specs or service_specs
        self.services: list[Child] = []
        self._url_file = plan.folder / REDIS_URL_FILE

    def start(self) -> None:
        """Bring everything up; the market still stands.

        Raises:
            ConfigError: Redis is not usable.
            GaveUp, NotReady: something does not come up. Interrupted: see there.
        """
        self.client, self.market = self.server.start()
        if self.server.is_own:
            self._url_file.write_text("\n".join(self.server.urls) + "\n")
        else:
            clear_former_demo(
                self.client,
                self.market,
                [account.id for account in self.plan.config.accounts],
                self.plan.config.symbols,
            )
        self.exchange = self._start_exchange()
        for spec in self._specs(self.plan, self.exchange, self.server.urls):
            self.services.append(self.supervisor.start(spec))
        self._wait_until_ready()
        page = self._page()
        names = ", ".join(f"{account} {symbol}" for account, symbol in self.plan.bots)
        self._display.say(f"trading {names}" + (f"; page: {page}" if page else ""))

    def check(self) -> None:
        """Restart what has died; raise GaveUp when that does not help."""
        self.supervisor.check()

    def look(self) -> None:
        """See to Redis, and show where the bots stand."""
        self.server.check(self.client, self.market)
        with contextlib.suppress(HttpFailed, redis.RedisError):
            if page := self._page():
                bots = parse_state(get_json(f"{page}/api/state", timeout_s=PAGE_TIMEOUT_S))
                restarts = self.supervisor.restarts
                self._display.show(bots, f"hedgegrid demo  {page}" + (f"  restarts {restarts}" if restarts else ""))

    def stop(self) -> None:
        """Take everything down in good order."""
        self.supervisor.stop()
        if hasattr(self, "client"):
            with contextlib.suppress(redis.RedisError):
                heartbeats.forget(self.client, self.services)
            self.client.close()
            self.market.close()
        self._url_file.unlink(missing_ok=True)
        self.server.stop()

    def kill(self) -> None:
        """End every process at once; safe inside a signal handler."""
        self.supervisor.kill()
        self.server.kill()

    def _start_exchange(self) -> Exchange:
        child = self.supervisor.start(exchange_spec(self.plan, self.server.urls))
        deadline = time.monotonic() + ANNOUNCE_TIMEOUT_S
        while (exchange := parse_announcement(child.stdout())) is None:
            self._wait(deadline, f"{child.spec.name} (it has not said where it listens)")
        return exchange

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while waiting := heartbeats.not_ready(self.client, self.services):
            self._wait(deadline, ", ".join(waiting))

    def _wait(self, deadline: float, for_what: str) -> None:
        if self.signals.requested:
            raise Interrupted
        self.supervisor.check()
        if time.monotonic() > deadline:
            raise NotReady(for_what)
        time.sleep(POLL_S)

    def _page(self) -> str | None:
        """Address of the metrics service's page; None while it is not up."""
        for child in self.services:
            if child.spec.name == METRICS and (beat := heartbeats.beat_of(self.client, child)):
                return f"http://127.0.0.1:{beat.http_port}"
        return None
