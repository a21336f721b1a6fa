"""One leased bot: its state in Redis, stepped through the pure core and committed with what follows from it."""

from typing import Any

import msgspec
import redis

from hedgegrid.bus import keys
from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bus.lease import Lease
from hedgegrid.bus.reader import START, id_key
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages.base import Message
from hedgegrid.messages.commands import Command
from hedgegrid.messages.ledger import LedgerMessage
from hedgegrid.strategy.core.common_config import CommonConfig
from hedgegrid.strategy.core.inputs import CoreInput
from hedgegrid.strategy.core.leg_strategy import LegStrategy
from hedgegrid.strategy.core.state import BotState
from hedgegrid.strategy.stored_state import StateUnreadable, is_stored, left_over, read_state, write_state


class Bot:
    def __init__(
        self, account: str, symbol: str, strategy: LegStrategy[Any, Any], config: CommonConfig, config_hash: str
    ) -> None:
        self.account = account
        self.symbol = symbol
        self.strategy = strategy
        self.config = config
        self._config_hash = config_hash
        self.state: BotState = strategy.new_state(symbol)
        self.events_at = START
        self.control_at = START
        self.ticks = 0
        self.tick_ms = 0
        self._commands: list[Command] = []
        self._ledger: list[LedgerMessage] = []
        self._changed = False
        self._committed_at = (START, START)
        self._left_over: list[str] = []

    def fresh(self) -> "Bot":
        """The same bot with nothing in it: what a former holding of it knew is stale."""
        return Bot(self.account, self.symbol, self.strategy, self.config, self._config_hash)

    def open(self, client: redis.Redis, lease: Lease) -> None:
        """Load what the last holder committed, or start new.

        Raises:
            StateUnreadable: another version or another strategy wrote it.
        """
        self.lease = lease
        self._stored = FencedState(client, keys.bot(self.account, self.symbol), lease)
        fields = self._stored.load()
        if is_stored(fields):
            try:
                self.state = read_state(fields, self.strategy.state_type)
            except StateUnreadable as error:
                raise StateUnreadable(f"{self._stored.key}: {error}") from error
            self.events_at = fields["events_at"].decode()
            self.control_at = fields["control_at"].decode()
            self._committed_at = (self.events_at, self.control_at)
            self._left_over = left_over(fields, self.strategy.state_type)

    def take(self, event: CoreInput) -> None:
        """Step; what follows waits for `commit`."""
        decision = self.strategy.step(self.config, self.state, event)
        if decision.state is self.state and not decision.ledger:
            return
        self.state = decision.state
        self._commands += decision.commands
        self._ledger += decision.ledger
        self._changed = True

    @property
    def is_untouched(self) -> bool:
        """ACTIVE, and holds and orders nothing."""
        is_flat = all(leg.book.qty == 0 and not leg.orders for leg in self.state.legs)
        return is_flat and self.state.trading_state is TradingState.ACTIVE

    @property
    def has_decided(self) -> bool:
        """Commands wait for the commit. Without any, a commit may wait: the events would be read again and give the
        same state and ledger rows."""
        return bool(self._commands)

    @property
    def is_ahead(self) -> bool:
        """State or checkpoint have moved since the last commit."""
        return self._changed or self._committed_at != (self.events_at, self.control_at)

    def events_read(self, entry_id: str) -> None:
        """Everything up to this event entry has been taken or was none of this bot's business."""
        self.events_at = max(self.events_at, entry_id, key=id_key)

    def control_read(self, entry_id: str) -> None:
        self.control_at = max(self.control_at, entry_id, key=id_key)

    def commit(self, now_ns: int) -> None:
        """Write state, checkpoint, commands and ledger rows together.

        Raises:
            LeaseLost, CommitConflict, redis.RedisError: nothing was written; the bot must be let go.
        """
        messages: list[tuple[str, Message]] = [
            (keys.commands(self.account), _stamped(command, now_ns)) for command in self._commands
        ]
        messages += [(keys.ledger(self.account), row) for row in self._ledger]
        self._stored.commit(
            {
                **write_state(self.state),
                "config_hash": self._config_hash,
                "events_at": self.events_at,
                "control_at": self.control_at,
            },
            drop=self._left_over,
            add=messages,
        )
        self._left_over = []
        self._commands.clear()
        self._ledger.clear()
        self._changed = False
        self._committed_at = (self.events_at, self.control_at)


def _stamped(command: Command, now_ns: int) -> Command:
    """Add when it was decided; kept out of the core so that a replay gives identical commands."""
    stamps = {"issued_ms": now_ns // 1_000_000}
    if hasattr(command, "decided_ns"):
        stamps["decided_ns"] = now_ns
    return msgspec.structs.replace(command, **stamps)
