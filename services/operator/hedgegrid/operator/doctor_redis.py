"""What Redis must be for money: durable, never evicting, new enough, with room, and with a clock like ours. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from hedgegrid.operator.finding import Finding, fail, ok, unknown, warn

OLDEST = (7, 0)
MEMORY_WARN = 0.8
CLOCK_WARN_MS = 500
_SHIPPED = "deploy/redis/money.conf sets it"


class RedisFacts(NamedTuple):
    """`info` as INFO gives it. `fsync` None where the user may not ask. Offset = the server's clock minus ours."""

    info: Mapping[str, Any]
    fsync: str | None
    clock_offset_ms: int


def money_server(facts: RedisFacts) -> Iterator[Finding]:
    """Findings about the server of commands, events and states."""
    name, info = "redis money", facts.info
    yield _version(name, info)
    policy = info.get("maxmemory_policy")
    if policy == "noeviction":
        yield ok(name, "never evicts (maxmemory-policy noeviction)")
    else:
        yield fail(name, f"maxmemory-policy is {policy}: it may drop orders and states", f"noeviction; {_SHIPPED}")
    if not info.get("aof_enabled"):
        yield fail(name, "appendonly is off: a restart loses orders and states", f"appendonly yes; {_SHIPPED}")
    elif info.get("aof_last_write_status") != "ok":
        yield fail(name, "the last write to the append-only file failed", "look at its disk and its log")
    else:
        yield from _fsync(name, facts.fsync)
    yield _memory(name, info)
    if abs(facts.clock_offset_ms) > CLOCK_WARN_MS:
        fix = "let both machines keep time by NTP (chrony or systemd-timesyncd)"
        yield warn(name, f"its clock is {facts.clock_offset_ms} ms from this machine's", fix)


def market_server(facts: RedisFacts, shared: bool) -> Iterator[Finding]:
    """Findings about the server of ticks."""
    name = "redis market"
    if shared:
        yield ok(name, "ticks share the money server; set HEDGEGRID_MARKET_REDIS_URL to part them under load")
        return
    yield _version(name, facts.info)
    yield _memory(name, facts.info)


def _version(name: str, info: Mapping[str, Any]) -> Finding:
    text = str(info.get("redis_version", ""))
    parts = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if len(parts) == len(OLDEST) and parts >= OLDEST:
        return ok(name, f"version {text}")
    return fail(name, f"version {text or 'unknown'}: Redis Functions need 7.0", "run Redis 7 or Valkey 8")


def _fsync(name: str, fsync: str | None) -> Iterator[Finding]:
    if fsync is None:
        yield unknown(name, "appendonly is on; appendfsync cannot be asked by this user", _SHIPPED)
    elif fsync == "always":
        yield ok(name, "every write is on disk before it is answered (appendfsync always)")
    else:
        fix = f"appendfsync always; {_SHIPPED}"
        yield warn(name, f"appendfsync is {fsync}: a power cut loses up to a second of orders", fix)


def _memory(name: str, info: Mapping[str, Any]) -> Finding:
    used, most = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if not most:
        return ok(name, f"{used / 2**20:.0f} MiB used, no limit set")
    share = used / most
    text = f"{used / 2**20:.0f} of {most / 2**20:.0f} MiB used"
    if share < MEMORY_WARN:
        return ok(name, text)
    return warn(name, f"{text}: at the limit it refuses every write", "raise maxmemory, or look for a growing stream")
