"""Before an account trades: clock, a look at its key, trading rules, hedge mode and leverage of each bot."""

import logging
import threading
from collections.abc import Callable

from hedgegrid.bybit.errors import Kind, NotSent, VenueError
from hedgegrid.bybit.parse import ParseError
from hedgegrid.bybit.rest import Phase, RestClient
from hedgegrid.domain.money import plain
from hedgegrid.executor.gate import Gate
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.shared_risk import SharedRisk
from hedgegrid.executor.snapshots import Snapshots
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.executor.venue_notes import venue_notes
from hedgegrid.runtime.config import AccountConfig, BotConfig, bot_dry_run
from hedgegrid.runtime.health import Health

NS_PER_S = 1_000_000_000

_log = logging.getLogger(__name__)


class Startup:
    """Each step is repeated until the venue has answered definitively: all of them may be repeated at will."""

    def __init__(
        self,
        config: AccountConfig,
        settings: ExecutorSettings,
        rest: RestClient,
        gate: Gate,
        door: VenueDoor,
        snapshots: Snapshots,
        health: Health,
        risk: SharedRisk,
        halted: Callable[[], bool],
        stopping: threading.Event,
    ) -> None:
        self._config = config
        self._settings = settings
        self._rest = rest
        self._gate = gate
        self._door = door
        self._snapshots = snapshots
        self._health = health
        self._risk = risk
        self._halted = halted
        self._stopping = stopping

    def run(self) -> None:
        """Returns when every bot is set up or refused, the account is refused, or we stop."""
        with self._rest.phase(Phase.STARTUP):
            self._until_answered(self._rest.sync_clock)
            self._health.notes[f"venue:{self._config.id}"] = venue_notes(self._rest)
            for bot in self._config.bots:
                self._report(bot, self._set_up(bot))

    def _set_up(self, bot: BotConfig) -> str | None:
        """Why the bot cannot trade; None when it can. In dry run the account's settings are not touched."""
        problem = self._until_answered(lambda: self._snapshots.publish_instrument(bot.symbol))
        if problem is not None:
            self._risk.exclude(bot.symbol)  # or the guard would wait for its snapshot for ever
        if problem is not None or bot_dry_run(self._config, bot):
            return problem
        problem = self._until_answered(lambda: self._rest.switch_to_hedge(bot.symbol))
        if problem is not None:
            return f"hedge mode of {bot.symbol} could not be set: {problem}; close its positions and orders by hand"
        problem = self._until_answered(lambda: self._rest.set_leverage(bot.symbol, plain(bot.leverage)))
        return problem and f"leverage {plain(bot.leverage)} of {bot.symbol} could not be set: {problem}"

    def _report(self, bot: BotConfig, problem: str | None) -> None:
        name = f"bot:{self._config.id}:{bot.symbol}"
        if problem is None:
            self._gate.not_ready.pop(bot.symbol, None)
            self._health.set(name, True)
            return
        self._gate.not_ready[bot.symbol] = problem
        self._health.set(name, False, problem)
        _log.error("account %s: %s", self._config.id, problem)

    def _until_answered(self, step: Callable[[], object]) -> str | None:
        """Repeat a step with rising pauses; the text of a definitive refusal, None when it is done."""
        tries = 0
        while not self._stopping.is_set() and not self._halted():
            try:
                step()
                return None
            except VenueError as error:
                self._door.heard(error.outcome)
                if error.outcome.kind in (Kind.REJECTED, Kind.FATAL):
                    return f"code {error.outcome.code}, {error.outcome.reason}"
                problem: Exception = error
            except ParseError as error:
                return str(error)
            except NotSent as error:
                problem = error
            tries += 1
            if tries == 1:
                _log.warning("account %s waits for the venue: %s", self._config.id, problem)
            self._stopping.wait(self._settings.backoff_ns(tries) / NS_PER_S)
        return "interrupted"
