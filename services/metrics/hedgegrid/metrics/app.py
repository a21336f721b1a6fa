"""The FastStream app: one batch subscriber per stream, wired to its handler."""

import logging
from collections.abc import Mapping
from typing import Any

import redis.asyncio
from faststream import AckPolicy, FastStream
from faststream.message import StreamMessage
from faststream.redis import RedisBroker, StreamSub
from faststream.specification import AsyncAPI
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from hedgegrid.bus import keys
from hedgegrid.bus.connection import SOCKET_TIMEOUT_S
from hedgegrid.bus.reader import Entry
from hedgegrid.metrics.consumers import Handler

BATCH = 500
POLL_MS = 1000
"""One blocking read; below the socket timeout."""
STOP_TIMEOUT_S = 1.0

ABOUT = {
    "market": "Ticks of a symbol and the state of the public feed. Written by ws-gateway; newest matters, older ones "
    "may be dropped.",
    "events": "What happened at the venue, in order. Written by ws-gateway (pushes) and executor (outcomes); never "
    "lost.",
    "commands": "What the strategy wants done, in order. Written inside its commits; never lost.",
    "ledger": "What was earned and why. Written inside the strategy's commits; never lost.",
    "control": "The operator's wishes. Never lost.",
}

_log = logging.getLogger("hedgegrid.metrics.faststream")

_NO_RETRY: dict[str, Any] = {
    "retry": Retry(NoBackoff(), 0),
    "socket_timeout": SOCKET_TIMEOUT_S,
    "socket_connect_timeout": 2.0,
    "socket_keepalive": True,
    "client_name": "metrics",
}


def connect_async(url: str) -> "redis.asyncio.Redis":
    """Client for the event loop, like `bus.connection.connect`: no hidden retries, RESP2, bytes."""
    return redis.asyncio.Redis.from_url(url, protocol=2, decode_responses=False, **_NO_RETRY)


def build_broker(url: str) -> RedisBroker:
    """Broker whose per-message logging is off (DEBUG) while its errors are logged."""
    return RedisBroker(
        url,
        apply_types=False,
        logger=_log,
        log_level=logging.DEBUG,
        graceful_timeout=STOP_TIMEOUT_S,
        **_NO_RETRY,
    )


def build_app(*brokers: RedisBroker) -> FastStream:
    """Return the app with what AsyncAPI says about it."""
    return FastStream(
        *brokers,
        logger=_log,
        specification=AsyncAPI(
            title="hedgegrid streams",
            version="1",
            description="Every message of the system, as the metrics service reads it. An entry of a stream has one "
            "field, __data__, with the message as JSON. In the keys, {account} and {SYMBOL} stand for an account and "
            "a symbol; the braces themselves are part of the keys (Redis Cluster hash tags).",
        ),
    )


def subscribe_account_stream(
    broker: RedisBroker, account: str, kind: str, stream: str, after: str, handle: Handler
) -> None:
    """Read a stream of an account from behind an entry; how far it was taken is the handler's to remember."""
    _subscribe(broker, _behind(stream, after), f"{kind}.{account}", ABOUT[kind], handle)


def subscribe_market(broker: RedisBroker, symbol: str, after: str, handle: Handler) -> None:
    """Read a market stream from behind an entry; what comes while nobody reads is not missed."""
    _subscribe(broker, _behind(keys.market(symbol), after), f"market.{symbol}", ABOUT["market"], handle)


def _behind(stream: str, after: str) -> StreamSub[Any]:
    """Without a group: reading through one is writing (docs/decisions/0017). A read that failed is made again."""
    return StreamSub(stream, last_id=after, batch=True, max_records=BATCH, polling_interval=POLL_MS)


def _subscribe(broker: RedisBroker, sub: StreamSub[Any], title: str, description: str, handle: Handler) -> None:
    subscriber = broker.subscriber(
        stream=sub,
        parser=_parse,
        decoder=_decode,
        ack_policy=AckPolicy.MANUAL,
        title=title,
        description=description,
    )
    subscriber(handle)


async def _parse(raw: Mapping[str, Any]) -> StreamMessage[Any]:
    """Replace FastStream's parser, which would decode the JSON of every entry only to encode it again."""
    return StreamMessage(raw_message=raw, body=b"")


async def _decode(message: StreamMessage[Any]) -> list[Entry]:
    raw = message.raw_message
    stream = raw["channel"]
    return [
        Entry(stream, entry_id.decode(), fields or {})
        for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)
    ]
