"""The metrics service: takes its leases, catches up, then lets FastStream feed the projections until told to stop."""

import asyncio
import logging
import threading
import time
from itertools import chain
from pathlib import Path

import redis
import redis.asyncio
from faststream import FastStream
from faststream.redis import RedisBroker

from hedgegrid.bus import keys
from hedgegrid.bus.connection import connect, load_functions, wait_for_server
from hedgegrid.bus.lease import Lease
from hedgegrid.bus.reader import START, TrimmedAway, check_not_trimmed
from hedgegrid.ledger.schema import LedgerUnusable
from hedgegrid.metrics import app as wiring
from hedgegrid.metrics import bookmarks
from hedgegrid.metrics.bookmarks import Bookmark
from hedgegrid.metrics.bot_gauges import BotGauges
from hedgegrid.metrics.consumers import AccountConsumer, Failure, MarketConsumer
from hedgegrid.metrics.derived import Derived
from hedgegrid.metrics.exporter import Exporter
from hedgegrid.metrics.fleet_gauges import FleetGauges
from hedgegrid.metrics.ledger_consumer import LedgerConsumer
from hedgegrid.metrics.ledger_store import LedgerStore
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.poller import Poller, heartbeat_key
from hedgegrid.metrics.recent import RecentNews
from hedgegrid.metrics.saver import SAVE_EVERY_S, Saver
from hedgegrid.metrics.state_page import StatePage
from hedgegrid.metrics.stream_gauges import StreamGauges
from hedgegrid.metrics.streams import Account, AccountStream, open_account
from hedgegrid.metrics.totals import LEASE_NAME, Totals
from hedgegrid.metrics.web import routes_of
from hedgegrid.metrics.web_control import open_control
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.service import ServiceContext

NAME = "metrics"
WATCH_S = 0.1
LEASE_RETRY_S = 0.1
RELEASE_TIMEOUT_S = 0.5

_log = logging.getLogger(__name__)


class SubscriberDied(Exception):
    """FastStream has given up on a stream. It goes on with the others; we do not."""


class MetricsService:
    """One process counts at a time: a second one waits for the lease."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        settings = context.settings
        self._money = connect(settings.redis_url, NAME)
        self._market_redis = connect(settings.market_url, NAME)
        self._symbols = {account.id: tuple(bot.symbol for bot in account.bots) for account in context.config.accounts}
        self._accounts: list[Account] = [open_account(account) for account in self._symbols]
        self._leases = {
            account: Lease(self._money, keys.lease(account, LEASE_NAME), settings.instance_id, settings.lease_ttl_ms)
            for account in self._symbols
        }
        self._totals = {account: Totals(self._money, account, lease) for account, lease in self._leases.items()}
        self._market = MarketProjection()
        self._exporter = Exporter(context.metrics)
        self._failure = Failure()
        self._store = open_store(settings.ledger_path)
        self._consumers: dict[str, AccountConsumer] = {}
        """By stream; none before `run`."""
        groups = (bookmarks.TOTALS, bookmarks.LEDGER) if self._store else (bookmarks.TOTALS,)
        self._streams = StreamGauges(context.metrics, self._symbols, self._position, groups)
        self._fleet = FleetGauges(context.metrics, self._symbols)
        self._bots = BotGauges(context.metrics, self._symbols)
        pairs = [(account, self._symbols[account.id]) for account in self._accounts]
        self._derived = Derived(context.metrics, pairs, self._market, context.clock)
        self._recent = RecentNews(list(self._symbols))
        page = StatePage(
            config=context.config,
            accounts=self._accounts,
            market=self._market,
            streams=self._streams,
            fleet=self._fleet,
            bots=self._bots,
            recent=self._recent,
            clock=context.clock,
            controllable=settings.control_token_file is not None,
        )
        context.health.routes |= routes_of(page, context.stopping, open_control(context))
        context.health.set("counting", False, "not started")

    def run(self) -> None:
        """Wait for Redis, then count until `stopping` is set.

        Raises:
            Exception: whatever stopped the counting; the next process carries on where this one saved.
        """
        if not all(wait_for_server(client, self._context.stopping) for client in (self._money, self._market_redis)):
            return
        load_functions(self._money)
        if not self._take_leases():
            return
        poller = self._poller()
        try:
            for account in self._accounts:
                self._consumers |= {stream.name: self._consumer(account, stream) for stream in account.streams}
            poller.start()  # first, for it renews the leases while a long past is counted
            self._catch_up()
            asyncio.run(self._serve(poller))
        finally:
            poller.close()
            if self._store is not None:
                self._store.close()
            self._release_leases()

    def _take_leases(self) -> bool:
        waiting = list(self._leases.values())
        while waiting:
            waiting = [lease for lease in waiting if not lease.acquire()]
            if waiting:
                self._context.health.set("counting", False, f"another process holds {waiting[0].key}")
                if self._context.stopping.wait(LEASE_RETRY_S):
                    self._release_leases()
                    return False
        for account in self._leases:
            self._context.metrics.lease_held.labels(account, LEASE_NAME).set(1)
        return True

    def _release_leases(self) -> None:
        """Let a successor start at once. A Redis that does not answer is not waited for: leases expire."""
        worker = threading.Thread(target=self._release, name="release", daemon=True)
        worker.start()
        worker.join(timeout=RELEASE_TIMEOUT_S)

    def _release(self) -> None:
        try:
            for account, lease in self._leases.items():
                self._context.metrics.lease_held.labels(account, LEASE_NAME).set(0)
                lease.release()
        except redis.RedisError as error:
            _log.warning("leases were not released, they expire by themselves: %s", error)

    def _consumer(self, account: Account, stream: AccountStream) -> AccountConsumer:
        bookmarks.place(self._money, Bookmark(stream.name, bookmarks.TOTALS))
        if self._store is None:
            return AccountConsumer(stream, self._exporter, None)
        stored_to = bookmarks.place(self._money, Bookmark(stream.name, bookmarks.LEDGER))
        ledger = LedgerConsumer(account.id, stream, self._store, self._context.metrics, stored_to)
        return AccountConsumer(stream, self._exporter, ledger)

    def _position(self, stream: str) -> str:
        consumer = self._consumers.get(stream)
        return START if consumer is None else consumer.position

    def _catch_up(self) -> None:
        for account in self._accounts:
            for text in self._totals[account.id].restore(account.streams):
                _log.warning("saved totals are not understood, counting again from the oldest entry: %s", text)
            for stream in account.streams:
                consumer = self._consumers[stream.name]
                try:
                    check_not_trimmed(self._money, stream.name, consumer.position)
                except TrimmedAway as error:
                    _log.warning("%s: entries after it may be missing from the totals", error)
                taken = consumer.catch_up(self._money)
                _log.info("caught up", extra={"stream": stream.name, "entries": taken})

    async def _serve(self, poller: Poller) -> None:
        brokers = self._brokers()
        app = wiring.build_app(*brokers)
        async with wiring.connect_async(self._context.settings.redis_url) as async_client:
            savers = [self._saver(account, async_client) for account in self._accounts]
            await app.start()
            poller.expect_reading()
            self._context.health.set("counting", True)
            _log.info("counting")
            try:
                await self._watch(app, savers)
            finally:
                self._context.health.set("counting", False, "stopped")
                await app.stop()
            for saver in savers:
                await saver.save()

    def _saver(self, account: Account, async_client: "redis.asyncio.Redis") -> Saver:
        consumers = [self._consumers[stream.name] for stream in account.streams]
        return Saver(self._totals[account.id], consumers, self._money, async_client)

    async def _watch(self, app: FastStream, savers: list[Saver]) -> None:
        """Save now and then until told to stop.

        Raises:
            Exception: what stopped a handler, the poller or a save.
        """
        save_at_s = time.monotonic()
        while not self._context.stopping.is_set():
            if self._failure.error is not None:
                raise self._failure.error
            for subscriber in chain.from_iterable(broker.subscribers for broker in app.brokers):
                if not subscriber.running:
                    raise SubscriberDied(f"the subscriber of {subscriber.specification.name} has stopped")
            if time.monotonic() >= save_at_s:
                for saver in savers:
                    await saver.save()
                save_at_s = time.monotonic() + SAVE_EVERY_S
            await asyncio.sleep(WATCH_S)

    def _brokers(self) -> list[RedisBroker]:
        settings = self._context.settings
        money = wiring.build_broker(settings.redis_url)
        for account in self._accounts:
            for stream in account.streams:
                consumer = self._consumers[stream.name]
                handle = self._failure.guard(consumer.handle)
                wiring.subscribe_account_stream(money, account.id, stream.kind, stream.name, consumer.position, handle)
        market = money if settings.market_url == settings.redis_url else wiring.build_broker(settings.market_url)
        for symbol in self._context.config.symbols:
            of_market = MarketConsumer(symbol, keys.market(symbol), self._market, self._exporter, self._market_redis)
            wiring.subscribe_market(market, symbol, of_market.begin(), self._failure.guard(of_market.handle))
        return [money] if market is money else [money, market]

    def _poller(self) -> Poller:
        settings, context = self._context.settings, self._context
        return Poller(
            money=connect(settings.redis_url, f"{NAME}-poller"),
            market=connect(settings.market_url, f"{NAME}-poller"),
            leases=[
                lease_of_thread(lease, connect(settings.redis_url, f"{NAME}-lease")) for lease in self._leases.values()
            ],
            streams=self._streams,
            fleet=self._fleet,
            bots=self._bots,
            recent=self._recent,
            derived=self._derived,
            metrics=context.metrics,
            health=context.health,
            failure=self._failure,
            clock=context.clock,
            own_heartbeat=heartbeat_key(NAME, settings.instance_id),
        )


def open_store(path: Path | None) -> LedgerStore | None:
    """Open the trade ledger, None where none is wanted."""
    if path is None:
        _log.warning("no trade ledger is kept: set HEDGEGRID_LEDGER_PATH")
        return None
    try:
        return LedgerStore(path)
    except LedgerUnusable as error:
        raise ConfigError(f"HEDGEGRID_LEDGER_PATH: {error}") from error


def lease_of_thread(lease: Lease, client: redis.Redis) -> Lease:
    """Return a view of a held lease for another thread's connection."""
    view = Lease(client, lease.key, lease.owner, lease.ttl_ms)
    view.epoch = lease.epoch
    return view
