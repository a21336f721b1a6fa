"""What a Redis server says about itself: which run of it this is, how it keeps what it is given, how full it is."""

import re
from typing import Any, NamedTuple

import redis


class ServerFacts(NamedTuple):
    run_id: str
    """Another one than before means that the server was started anew, and time may have gone back."""
    version: tuple[int, int]
    role: str
    loading: bool
    appends: bool
    """Writes an append-only file."""
    eviction: str
    """`maxmemory-policy`."""
    last_write_ok: bool
    """False after the append-only file could not be written; the server then refuses writes."""
    used_memory: int
    max_memory: int
    """Bytes; 0 = no limit."""

    @property
    def memory_share(self) -> float:
        """Part of the limit in use; 0 without one."""
        return self.used_memory / self.max_memory if self.max_memory else 0.0


def read_facts(client: redis.Redis) -> ServerFacts:
    """Ask the server, in one round trip.

    Raises:
        redis.RedisError: it does not answer, or not to this user.
    """
    info: Any = client.info("server", "memory", "persistence", "replication")
    numbers = re.match(r"(\d+)\.(\d+)", str(info.get("redis_version", "")))
    return ServerFacts(
        run_id=str(info["run_id"]),
        version=(int(numbers[1]), int(numbers[2])) if numbers else (0, 0),
        role=str(info.get("role", "")),
        loading=bool(info.get("loading", 0)),
        appends=bool(info.get("aof_enabled", 0)),
        eviction=str(info.get("maxmemory_policy", "")),
        last_write_ok=info.get("aof_last_write_status", "ok") == "ok",
        used_memory=int(info["used_memory"]),
        max_memory=int(info.get("maxmemory", 0)),
    )


def read_fsync_policy(client: redis.Redis) -> str | None:
    """`appendfsync`, which no INFO tells; None when this user may not ask for settings."""
    try:
        settings: Any = client.config_get("appendfsync")
    except redis.exceptions.NoPermissionError:
        return None
    value = settings.get("appendfsync", settings.get(b"appendfsync", ""))
    return value.decode() if isinstance(value, bytes) else str(value)
