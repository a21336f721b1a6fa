"""The strategy worker: leases bots, reads their streams, steps, commits. One synchronous loop.

Commands are committed at once. State and ledger rows without any wait up to a second, so that a fill does not hold up
the tick behind it: until then the committed checkpoint stands before its events, and whoever takes over reads them
again with the same result.
"""

import logging
import time
from collections.abc import Iterable

import redis

from hedgegrid.bus import codec, keys, progress
from hedgegrid.bus.connection import OUTAGE, connect, load_functions, wait_for_server
from hedgegrid.bus.dead_letter import set_aside
from hedgegrid.bus.fenced_state import CommitConflict
from hedgegrid.bus.lease import LeaseLost
from hedgegrid.bus.members import Membership
from hedgegrid.bus.reader import Entry, TrimmedAway, before_newest, check_not_trimmed, id_key
from hedgegrid.bus.signed_control import ControlReader, ControlRefused
from hedgegrid.bus.two_server_reader import TwoServerReader
from hedgegrid.messages.control import SetTradingState
from hedgegrid.messages.events import SnapshotTaken
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.control_key import control_key
from hedgegrid.runtime.failpoints import failpoint
from hedgegrid.runtime.money_server import require_fit_money_server
from hedgegrid.runtime.service import ServiceContext
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.core.inputs import GapFound, WorkerStarted
from hedgegrid.strategy.fleet import Fleet
from hedgegrid.strategy.preflight import Preflight

RETRY_S = 0.2
READ_BLOCK_MS = 200
"""Upper bound of the time between two looks at the leases."""
TICK_TOO_OLD_MS = 2_000
REPORT_EVERY_S = 1.0
TICKS_READ_AGAIN = 10
"""At a take-over, so that the price is known though the market stands still."""

_log = logging.getLogger(__name__)


class Worker:
    def __init__(self, context: ServiceContext, bots: Iterable[Bot]) -> None:
        settings = context.settings
        self._context = context
        self._money = connect(settings.redis_url, f"strategy-{settings.instance_id}")
        self._market = connect(settings.market_url, f"strategy-{settings.instance_id}")
        self._reader = TwoServerReader(settings.redis_url, settings.market_url, "strategy-reader")
        self._fleet = Fleet(
            self._money,
            Membership(self._money, "strategy", settings.instance_id, settings.lease_ttl_ms),
            tuple(bots),
            settings.instance_id,
            settings.lease_ttl_ms,
        )
        self._preflight = Preflight(context.config.accounts, self._money, self._market)
        self._arriving: list[Bot] = []
        """Held, but Redis went away before they were taken over."""
        self._controls = ControlReader(control_key(settings, context.config.mode))
        self._run_id = ""
        self._next_report_s = 0.0

    def run(self) -> None:
        self._context.health.set("leases", False, "not started")
        if not wait_for_server(self._money, self._context.stopping):
            return
        self._connect()
        while not self._context.stopping.is_set():
            try:
                self._turn()
            except OUTAGE as error:
                _log.warning("redis is away: %s", error)
                self._context.metrics.redis_errors.labels("strategy", "money").inc()
                self._context.stopping.wait(RETRY_S)
                self._reconnect()
                self._read_again()
        self._leave()

    def _turn(self) -> None:
        taken, left = self._fleet.look_after(self._context.clock.now_ms())
        for bot in left:
            self._let_go(bot)
        self._arriving += taken
        while self._arriving:
            self._take_over(self._arriving[0])
            self._arriving.pop(0)
        self._context.health.set("leases", True, f"{len(self._fleet.held)} bots held")
        entries = self._reader.read(READ_BLOCK_MS) if self._fleet.held else self._idle()
        if entries:
            self._dispatch(entries)
        self._report(bool(entries))

    def _idle(self) -> list[Entry]:
        self._context.stopping.wait(READ_BLOCK_MS / 1000)
        return []

    def _dispatch(self, entries: list[Entry]) -> None:
        """Account events and controls first, in order; then the newest tick of each symbol."""
        failpoint("strategy.after_read")
        newest: dict[str, QuoteTick] = {}
        for entry in entries:
            if entry.stream.startswith("market:"):
                self._note_market(entry, newest)
            else:
                self._take_account_entry(entry)
        for bot in list(self._fleet.held.values()):
            if bot.has_decided:
                failpoint("strategy.after_decide")
                self._commit(bot)
        for symbol, tick in newest.items():
            self._take_tick(symbol, tick)

    def _note_market(self, entry: Entry, newest: dict[str, QuoteTick]) -> None:
        try:
            message = codec.decode_market(entry.fields)
        except codec.UnreadableMessage as error:
            self._set_aside(self._market, entry, error)
            return
        if isinstance(message, QuoteTick):
            if message.symbol in newest:
                self._context.metrics.ticks_conflated.labels("strategy", message.symbol).inc()
            newest[message.symbol] = message
            for bot in self._fleet.of_symbol(message.symbol):
                bot.ticks += 1

    def _take_account_entry(self, entry: Entry) -> None:
        bots = self._fleet.of_stream(entry.stream)
        is_control = entry.stream.endswith(":control")
        try:
            message = self._controls.open(entry) if is_control else codec.decode_event(entry.fields)
        except codec.UnreadableMessage as error:
            self._set_aside(self._money, entry, error)
            if isinstance(error, ControlRefused):
                self._count_refused(bots, error)
            gap = GapFound(reason=str(error), ts_event=self._context.clock.now_ms())
            for bot in bots:
                if not is_control:
                    bot.take(gap)
                (bot.control_read if is_control else bot.events_read)(entry.id)
            return
        symbol = getattr(message, "symbol", None)
        for bot in bots:
            position = bot.control_at if is_control else bot.events_at
            if id_key(entry.id) <= id_key(position):
                continue
            concerned = symbol is None or symbol == bot.symbol
            refusal: SetTradingState | None = None
            if concerned and isinstance(message, SnapshotTaken):  # asks Redis, which may fail: before anything is taken
                refusal = self._preflight.refusal(bot.account, message, self._context.clock.now_ms())
            (bot.control_read if is_control else bot.events_read)(entry.id)
            if concerned:
                bot.take(message)
            if concerned and isinstance(message, SnapshotTaken):
                failpoint("strategy.in_snapshot")
            if refusal is not None and bot.is_untouched:
                bot.take(refusal)

    def _take_tick(self, symbol: str, tick: QuoteTick) -> None:
        clock, metrics = self._context.clock, self._context.metrics
        too_old = clock.now_ms() - tick.ts_init > TICK_TOO_OLD_MS
        for bot in self._fleet.of_symbol(symbol):
            if not too_old:
                bot.take(tick)
                if bot.has_decided:
                    metrics.tick_to_decision.labels(bot.account, symbol).observe((clock.now_ns() - tick.cause_ns) / 1e9)
                    self._commit(bot)
            bot.tick_ms = tick.ts_event
        metrics.ticks.labels("strategy", symbol).inc()

    def _commit(self, bot: Bot) -> None:
        started = time.perf_counter()
        try:
            failpoint("strategy.before_commit")
            bot.commit(self._context.clock.now_ns())
            failpoint("strategy.after_commit")
        except (LeaseLost, CommitConflict) as error:
            _log.warning("lost the bot: %s", error, extra={"account": bot.account, "symbol": bot.symbol})
            self._fleet.forget(bot)
            self._unfollow(bot)
            return
        metrics = self._context.metrics
        metrics.commit.labels(bot.account, bot.symbol).observe(time.perf_counter() - started)
        metrics.steps.labels(bot.account, bot.symbol).inc()

    def _take_over(self, bot: Bot) -> None:
        """Begin to step a bot; done again from the start if Redis goes away in the middle, since a bot whose streams
        were not all followed from its own positions would be deaf to them."""
        if not self._fleet.holds(bot):
            return
        failpoint("strategy.at_takeover")
        now_ms = self._context.clock.now_ms()
        for stream, position in self._positions(bot):
            try:
                check_not_trimmed(self._money, stream, position)
            except TrimmedAway as gap:
                bot.take(GapFound(reason=str(gap), ts_event=now_ms))
        self._controls.look_back(self._money, keys.control(bot.account), bot.control_at)
        bot.take(WorkerStarted(ts_event=now_ms))
        self._commit(bot)
        if not self._fleet.holds(bot):
            return
        for stream, position in self._positions(bot):
            self._reader.follow(stream, position)
        market = keys.market(bot.symbol)
        self._reader.follow(market, before_newest(self._market, market, TICKS_READ_AGAIN))
        self._context.metrics.lease_held.labels(bot.account, bot.symbol).set(1)
        self._context.metrics.lease_epoch.labels(bot.account, bot.symbol).set(bot.lease.epoch)
        _log.info("took over", extra={"account": bot.account, "symbol": bot.symbol, "epoch": bot.lease.epoch})

    def _let_go(self, bot: Bot) -> None:
        """Hand a bot to the others: commit where it stands, then free the lease."""
        self._unfollow(bot)
        try:
            bot.commit(self._context.clock.now_ns())
            bot.lease.release()
        except (LeaseLost, CommitConflict, redis.RedisError) as error:
            _log.warning("gave up without a last word: %s", error, extra={"symbol": bot.symbol})

    def _unfollow(self, bot: Bot) -> None:
        held = self._fleet.held.values()
        if not any(other.symbol == bot.symbol for other in held):
            self._reader.unfollow(keys.market(bot.symbol))
        if not any(other.account == bot.account for other in held):
            for stream, _ in self._positions(bot):
                self._reader.unfollow(stream)
        self._context.metrics.lease_held.labels(bot.account, bot.symbol).set(0)

    def _positions(self, bot: Bot) -> tuple[tuple[str, str], tuple[str, str]]:
        return (keys.events(bot.account), bot.events_at), (keys.control(bot.account), bot.control_at)

    def _connect(self) -> None:
        self._require_fit_server()
        load_functions(self._money)
        self._run_id = str(self._money.info("server")["run_id"])

    def _require_fit_server(self) -> None:
        require_fit_money_server(self._money, self._context.settings, self._context.config.mode)

    def _reconnect(self) -> None:
        """After an outage: the same server goes on; another run of it may have gone back in time."""
        while not self._context.stopping.is_set():
            try:
                run_id = str(self._money.info("server")["run_id"])
                if run_id == self._run_id:
                    return
                self._require_fit_server()
                load_functions(self._money)
                break
            except redis.RedisError:
                self._context.stopping.wait(RETRY_S)
        else:
            return
        _log.warning("redis was restarted; reconciling every bot")
        self._run_id = run_id
        for bot in list(self._fleet.held.values()):
            bot.take(GapFound(reason="redis was restarted", ts_event=self._context.clock.now_ms()))
            self._commit(bot)

    def _read_again(self) -> None:
        """Entries that were read but not taken when Redis went away come once more: every bot knows where it stands."""
        for bot in self._fleet.held.values():
            for stream, position in self._positions(bot):
                self._reader.follow(stream, position)

    def _report(self, moved: bool) -> None:
        now_s = time.monotonic()
        if not (moved and self._context.settings.progress) and now_s < self._next_report_s:
            return
        if now_s >= self._next_report_s:
            self._next_report_s = now_s + REPORT_EVERY_S
            for bot in list(self._fleet.held.values()):
                if bot.is_ahead:
                    self._commit(bot)
        for bot in self._fleet.held.values():
            progress.report_bot(self._market, bot.account, bot.symbol, bot.tick_ms, bot.events_at, bot.ticks)

    def _set_aside(self, client: redis.Redis, entry: Entry, error: Exception) -> None:
        _log.error("unreadable entry set aside: %s", error, extra={"stream": entry.stream, "id": entry.id})
        set_aside(client, entry, str(error))
        self._context.metrics.dead_letters.labels(entry.stream).inc()

    def _count_refused(self, bots: list[Bot], refusal: ControlRefused) -> None:
        for account in {bot.account for bot in bots}:
            self._context.metrics.control_refused.labels(account, refusal.why).inc()

    def _leave(self) -> None:
        for bot in list(self._fleet.held.values()):
            self._fleet.forget(bot)
            self._let_go(bot)
        self._fleet.leave()
        self._reader.close()
