"""Appending messages to streams outside a commit: venue pushes and ticks by the gateway, controls by the operator."""

from collections.abc import Iterable

import redis

from hedgegrid.bus import codec
from hedgegrid.messages.base import Message

MARKET_MAXLEN = 5000
"""Ticks kept per symbol: readers want the newest, this much is only for people looking."""


def publish(client: redis.Redis, entries: Iterable[tuple[str, Message]]) -> None:
    """Append account messages in order, one round trip, as one transaction: a lost answer is all or nothing.

    Raises:
        redis.RedisError: whether the entries are in is unknown; readers of account streams are idempotent, so the
            caller sends them again.
    """
    with client.pipeline(transaction=True) as pipe:
        for stream, message in entries:
            pipe.xadd(stream, codec.fields(message))  # type: ignore[arg-type]
        pipe.execute()


def publish_market(client: redis.Redis, entries: Iterable[tuple[str, Message]]) -> None:
    """Append ticks, trimming each stream to about `MARKET_MAXLEN`; may be dropped on an error, never repeated."""
    with client.pipeline(transaction=False) as pipe:
        for stream, message in entries:
            pipe.xadd(
                stream,
                codec.fields(message),  # type: ignore[arg-type]
                maxlen=MARKET_MAXLEN,
                approximate=True,
            )
        pipe.execute()
