"""What Redis shows of the bots and the executors while they are under attack."""

import time
from dataclasses import dataclass
from typing import Any

import redis

from hedgegrid.bus import codec, keys
from hedgegrid.bus.reader import CheckpointReader, last_id
from hedgegrid.messages.events import AccountEvent
from hedgegrid.strategy.core.state import BotState, OrderPhase
from hedgegrid.strategy.stored_state import is_stored, read_state

BotName = tuple[str, str]
"""Account and symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSight:
    """`owner` is the worker whose lease has not run out, or ""."""

    bot: BotName
    owner: str
    state: BotState

    @property
    def works(self) -> bool:
        """Somebody holds it, and it has compared its books with the venue's."""
        return bool(self.owner) and self.state.reconciled and not self.state.snapshot_asked

    @property
    def open_orders(self) -> set[str]:
        """Ids of the orders it believes to rest at the venue."""
        orders = (order for leg in self.state.legs for order in leg.orders)
        return {order.client_order_id for order in orders if order.phase is not OrderPhase.ENDED}


def see(client: redis.Redis, bot: BotName) -> BotSight:
    """Look at a bot; raises redis.RedisError."""
    raw: Any = client.hgetall(keys.bot(*bot))
    fields = {name.decode(): value for name, value in raw.items()}
    lease: Any = client.hgetall(keys.lease(*bot))
    alive = int(lease.get(b"expires_ms", 0)) > time.time_ns() // 1_000_000
    owner = lease.get(b"owner", b"").decode() if alive else ""
    state = BotState(symbol=bot[1])
    if is_stored(fields):
        state = read_state(fields, BotState)
    return BotSight(bot=bot, owner=owner, state=state)


def records_in_flight(client: redis.Redis, account: str) -> set[str]:
    """Names of the executor's records of what was sent and has no outcome."""
    fields: Any = client.hkeys(keys.executor(account))
    return {field.decode() for field in fields if field.startswith(b"sent:")}


def bots_with_unread(client: redis.Redis, account: str) -> set[BotName]:
    """Bots that have commands behind the executor's checkpoint."""
    checkpoint: Any = client.hget(keys.executor(account), "checkpoint")
    behind = f"({checkpoint.decode()}" if checkpoint else "-"
    rows: Any = client.xrange(keys.commands(account), behind)
    return {(account, codec.decode_command(fields).symbol) for _, fields in rows}


def executor_commit(client: redis.Redis, account: str) -> str:
    """Owner and epoch of the account's last commit as executor."""
    raw: Any = client.hget(keys.executor(account), "commit_id")
    return raw.decode().rpartition(":")[0] if raw else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event of an account's stream and when Redis took it (wall clock ms)."""

    account: str
    at_ms: int
    event: AccountEvent


class EventWatch:
    """Follows the event streams of some accounts from now on."""

    def __init__(self, client: redis.Redis, accounts: tuple[str, ...]) -> None:
        self._reader = CheckpointReader(client)
        self._accounts = {keys.events(account): account for account in accounts}
        for stream in self._accounts:
            self._reader.follow(stream, last_id(client, stream))
        self.told: list[Told] = []

    def look(self) -> list[Told]:
        """Everything told since the beginning of the watch; while Redis is away, what was known before."""
        try:
            entries = self._reader.read(block_ms=1, count=1000)
        except (redis.ConnectionError, redis.TimeoutError):
            return self.told
        for entry in entries:
            at_ms = int(entry.id.partition("-")[0])
            account = self._accounts[entry.stream]
            self.told.append(Told(account=account, at_ms=at_ms, event=codec.decode_event(entry.fields)))
        return self.told
