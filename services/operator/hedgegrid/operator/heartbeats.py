"""What the services say about themselves: `heartbeat:SERVICE:ID`, a JSON object that expires."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.operator.children import Child
from hedgegrid.operator.services import heartbeat_service, instance_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    ready: bool
    http_port: int
    unmet: tuple[str, ...]
    """Conditions that do not hold, with their reasons."""


def beat_of(client: redis.Redis, child: Child) -> Beat | None:
    """The last beat of the process that runs now; None before its first, or when it is late."""
    raw: Any = client.get(_key(child.spec.name))
    said: dict[str, Any] = json.loads(raw) if raw else {}
    if child.pid is None or said.get("pid") != child.pid:
        return None
    conditions: dict[str, Any] = said.get("conditions", {})
    unmet = tuple(f"{name}: {it.get('reason') or 'no'}" for name, it in conditions.items() if not it.get("ok"))
    return Beat(ready=bool(said.get("ready")), http_port=int(said.get("http_port", 0)), unmet=unmet)


def not_ready(client: redis.Redis, children: Iterable[Child]) -> list[str]:
    """One phrase for each process that is not ready, with what it waits for."""
    waiting: list[str] = []
    for child in children:
        beat = beat_of(client, child)
        if beat is None:
            waiting.append(f"{child.spec.name} (no heartbeat)")
        elif not beat.ready:
            waiting.append(f"{child.spec.name} ({'; '.join(beat.unmet) or 'not ready'})")
    return waiting


def forget(client: redis.Redis, children: Iterable[Child]) -> None:
    """Remove the beats of processes that have ended, which would linger for some seconds."""
    for child in children:
        client.delete(_key(child.spec.name))


def _key(name: str) -> str:
    return keys.heartbeat(heartbeat_service(name), instance_of(name))
