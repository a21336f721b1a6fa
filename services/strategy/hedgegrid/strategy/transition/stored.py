"""What runs now: the states of all bots in Redis."""

from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.strategy.core.state import BotState
from hedgegrid.strategy.stored_state import StateUnreadable, is_stored, read_state
from hedgegrid.strategy.transition.changes import Bot, Running


def running(client: redis.Redis) -> Running:
    """Read every bot's state; of a bot that never began there is none.

    Raises:
        redis.RedisError: Redis gave no answer.
        StateUnreadable: another version wrote one of them.
    """
    head, middle, _ = keys.bot("*", "*").split("*")
    states: dict[Bot, BotState] = {}
    for raw_key in sorted(client.scan_iter(match=keys.bot("*", "*"), count=1000)):
        account, symbol = raw_key.decode().removeprefix(head).split(middle, 1)
        raw: Any = client.hgetall(raw_key)
        fields = {name.decode(): value for name, value in raw.items()}
        if not is_stored(fields):
            continue
        try:
            states[account, symbol] = read_state(fields, BotState)
        except StateUnreadable as error:
            raise StateUnreadable(f"{account}:{symbol}: {error}") from error
    return Running(states)
