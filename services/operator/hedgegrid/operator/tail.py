"""`hedgegrid tail`: streams in readable form, one line per message."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.codec import FIELD
from hedgegrid.bus.reader import START, CheckpointReader, Entry
from hedgegrid.runtime.errors import ConfigError

_KINDS = (keys.events, keys.commands, keys.ledger, keys.control)
_NOISE = frozenset({"type", "v"})


def streams_of(client: redis.Redis, names: Sequence[str]) -> list[str]:
    """Keys of the streams named (`main:events`, `market:BTCUSDT` or a whole key); without a name, all but ticks.

    Raises:
        ConfigError: there is no such stream.
    """
    if not names:
        patterns = [kind("*") for kind in _KINDS]
        found = sorted(key.decode() for pattern in patterns for key in client.scan_iter(match=pattern))
        if not found:
            raise ConfigError("no streams on this Redis: is a demo or a service running?")
        return found
    wanted = [_key(name) for name in names]
    for name, key in zip(names, wanted, strict=True):
        if client.type(key) != b"stream":
            raise ConfigError(f"{name}: no such stream on this Redis; name one like main:events or market:BTCUSDT")
    return wanted


def _key(name: str) -> str:
    """Full key of a stream named without its hash tag."""
    if "{" in name:
        return name
    first, _, rest = name.partition(":")
    return keys.market(rest) if first == "market" else keys.events(first).removesuffix("events") + rest


def lines(client: redis.Redis, streams: Sequence[str], last: int, follow: bool) -> Iterator[str]:
    """The last messages of each stream in order of time, then, if `follow`, the new ones without end."""
    reader = CheckpointReader(client)
    entries: list[Entry] = []
    for stream in streams:
        rows: Any = client.xrevrange(stream, count=last) if last else []
        entries += [Entry(stream, row_id.decode(), fields) for row_id, fields in rows]
        newest: Any = client.xrevrange(stream, count=1)
        reader.follow(stream, newest[0][0].decode() if newest else START)
    for entry in sorted(entries, key=lambda entry: [int(part) for part in entry.id.split("-")]):
        yield readable(entry)
    while follow:
        for entry in reader.read():
            yield readable(entry)


def readable(entry: Entry) -> str:
    """`time stream Type field=value …`; what is not one of our messages is shown as it is."""
    at = datetime.fromtimestamp(int(entry.id.partition("-")[0]) / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    head = f"{at} {entry.stream}"
    try:
        said = json.loads(entry.fields[FIELD])
        parts = [f"{name}={_short(value)}" for name, value in said.items() if name not in _NOISE and value is not None]
        return " ".join([head, str(said.get("type", "?")), *parts])
    except (KeyError, ValueError, AttributeError):
        return f"{head} {entry.fields!r}"


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
