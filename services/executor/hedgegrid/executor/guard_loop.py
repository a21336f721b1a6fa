"""The account guard at work: a thread that looks at events and marks, decides, and tells every change of stage."""

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.connection import connect
from hedgegrid.bus.fenced_state import CommitConflict, FencedState
from hedgegrid.bus.lease import LeaseLost
from hedgegrid.bus.reader import CheckpointReader, TrimmedAway, check_not_trimmed, last_id
from hedgegrid.domain.risk import RiskStage
from hedgegrid.executor.guard_gauges import show
from hedgegrid.executor.shared_risk import SharedRisk
from hedgegrid.guard.decide import GuardState, announce
from hedgegrid.guard.view import Mark
from hedgegrid.messages.events import RiskStageChanged
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.config import AccountConfig
from hedgegrid.runtime.metric_names import Metrics

LOOK_EVERY_S = 0.05
SAVE_EVERY_NS = 10_000_000_000
SHOW_EVERY_NS = 1_000_000_000
STATE_FIELD = "guard"

_log = logging.getLogger(__name__)


class GuardLoop:
    """Lives with one term of the executor. Marks are polled, newest of each symbol: ticks need not be read one by one,
    and orders pass through this process. `quotes` is kept up to date for whoever judges orders by them."""

    def __init__(
        self,
        config: AccountConfig,
        redis_url: str,
        market_url: str,
        clock: Clock,
        state: FencedState,
        risk: SharedRisk,
        metrics: Metrics,
        crashed: Callable[[BaseException], None],
        quotes: dict[str, QuoteTick],
    ) -> None:
        self._config = config
        self._symbols = [bot.symbol for bot in config.bots]
        self._events = keys.events(config.id)
        self._client = connect(redis_url, f"guard-{config.id}")
        self._market = connect(market_url, f"guard-market-{config.id}")
        self._reader = CheckpointReader(self._client)
        self._clock = clock
        self._state = state
        self._risk = risk
        self._metrics = metrics
        self._crashed = crashed
        self._quotes = quotes
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._saved = GuardState()
        self._saved_ns = 0
        self._shown_ns = 0
        self._away = False

    def follow(self) -> None:
        """Stand at the end of the event stream: snapshots that are yet to be taken tell what was before."""
        self._reader.follow(self._events, last_id(self._client, self._events))

    def start(self) -> None:
        self._saved = self._risk.state
        self._thread = threading.Thread(target=self._run, name=f"guard-{self._config.id}", daemon=True)
        self._thread.start()

    def close(self, save: bool) -> None:
        """End the thread; with `save` what it remembers is stored first."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            if save:
                with contextlib.suppress(LeaseLost, CommitConflict, redis.RedisError):  # it is at most 10 s old
                    self._save([])
        self._client.close()
        self._market.close()

    def _run(self) -> None:
        try:
            self._announce()
            while not self._stopping.wait(LOOK_EVERY_S):
                self._look()
        except BaseException as error:
            self._crashed(error)

    def _announce(self) -> None:
        """A stage that outlived a restart is told again: bots born since have not heard of it."""
        if self._risk.stage is not RiskStage.NORMAL:
            event = announce(self._config.guard, self._risk.state, self._risk.figures)
            self._save([msgspec.structs.replace(event, ts_event=self._clock.now_ms())])

    def _look(self) -> None:
        self._read_events()
        event = self._risk.judge(self._newest_marks())
        now_ns = self._clock.monotonic_ns()
        if event is not None:
            self._save([event])
            level = logging.WARNING if event.stage < RiskStage.REDUCE else logging.ERROR
            _log.log(level, "account %s: guard at %s, %s", self._config.id, event.stage.name, event.cause)
        elif self._risk.state is not self._saved and now_ns - self._saved_ns >= SAVE_EVERY_NS:
            self._save([])
        if event is not None or now_ns - self._shown_ns >= SHOW_EVERY_NS:
            self._shown_ns = now_ns
            show(self._metrics, self._config, self._risk.figures, self._risk.state)

    def _read_events(self) -> None:
        """Whatever came; while Redis is away the view grows old, and with it the judgement."""
        try:
            if self._away:  # before reading: what was read must be applied, and this may fail once more
                check_not_trimmed(self._client, self._events, self._reader.positions[self._events])
            entries = self._reader.read(block_ms=1)
            self._away = False
        except TrimmedAway:
            self._away = False
            self._risk.gap()
            return
        except redis.RedisError:
            self._away = True
            return
        for entry in entries:
            try:
                self._risk.apply(codec.decode_event(entry.fields))
            except codec.UnreadableMessage:
                self._risk.gap()

    def _newest_marks(self) -> Mapping[str, Mark]:
        try:
            with self._market.pipeline(transaction=False) as pipe:
                for symbol in self._symbols:
                    pipe.xrevrange(keys.market(symbol), count=1)
                answers: Sequence[Any] = pipe.execute()
        except redis.RedisError:
            return {}
        marks = {}
        for symbol, rows in zip(self._symbols, answers, strict=True):
            tick = _tick_of(rows)
            if tick is not None:
                marks[symbol] = Mark(tick.mark_px, tick.ts_init)
                self._quotes[symbol] = tick
        return marks

    def _save(self, events: Sequence[RiskStageChanged]) -> None:
        state = self._risk.state
        self._state.commit({STATE_FIELD: msgspec.json.encode(state)}, add=[(self._events, event) for event in events])
        self._saved, self._saved_ns = state, self._clock.monotonic_ns()


def _tick_of(rows: Any) -> QuoteTick | None:
    """A stream's newest entry; news of the feed and what cannot be read leave the known one to age."""
    if not rows:
        return None
    try:
        tick = codec.decode_market(rows[0][1])
    except codec.UnreadableMessage:
        return None
    return tick if isinstance(tick, QuoteTick) else None
