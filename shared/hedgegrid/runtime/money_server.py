"""The money server must keep what it is given: who writes money state refuses to start on one that would not."""

import logging

import redis

from hedgegrid.bus.server_facts import ServerFacts, read_facts, read_fsync_policy
from hedgegrid.runtime.config_types import Mode
from hedgegrid.runtime.errors import ConfigError
from hedgegrid.runtime.settings import ServiceSettings

MIN_VERSION = (7, 0)
"""The first with functions, which every commit is."""
SWITCH = "HEDGEGRID_REDIS_DURABILITY"

_log = logging.getLogger(__name__)


def require_fit_money_server(client: redis.Redis, settings: ServiceSettings, mode: Mode) -> None:
    """Check the server behind HEDGEGRID_REDIS_URL; with HEDGEGRID_REDIS_DURABILITY=relaxed weak settings are only told.

    Raises:
        ConfigError: one line with every setting that is wrong and what it must be.
        redis.RedisError: it does not answer (yet).
    """
    facts = read_facts(client)
    if facts.loading:
        raise redis.exceptions.BusyLoadingError("the money Redis is loading its data")
    unusable = unusable_because(facts)
    fsync = read_fsync_policy(client)
    weak = weak_because(facts, fsync)
    if fsync is None:
        _log.warning("appendfsync of the money Redis cannot be checked: give this Redis user +config|get")
    if settings.redis_durability == "relaxed" and mode == "live":
        raise ConfigError(f'{SWITCH}=relaxed is not for mode = "live": unset it')
    if settings.redis_durability == "relaxed" and weak:
        _log.warning("the money Redis may lose what it was given: %s", "; ".join(weak))
        weak = []
    if unusable or weak:
        hint = f" (for tests and development: {SWITCH}=relaxed)" if weak and not unusable and mode != "live" else ""
        raise ConfigError(f"HEDGEGRID_REDIS_URL: the money Redis is not fit: {'; '.join([*unusable, *weak])}{hint}")


def unusable_because(facts: ServerFacts) -> list[str]:
    """Faults that nothing permits, each with its fix."""
    faults = []
    if facts.version < MIN_VERSION:
        faults.append(f"redis_version is {'.'.join(map(str, facts.version))}, run 7.0 or newer")
    if facts.role != "master":
        faults.append(f"role is {facts.role or 'unknown'}, name the master: a replica takes no writes")
    if not facts.last_write_ok:
        faults.append("aof_last_write_status is err, make room on its disk or replace it")
    return faults


def weak_because(facts: ServerFacts, fsync: str | None) -> list[str]:
    """Settings under which something written may be gone later, each with its fix; `fsync` None is not judged."""
    faults = []
    if facts.eviction != "noeviction":
        faults.append(f"maxmemory-policy is {facts.eviction}, set it to noeviction")
    if not facts.appends:
        faults.append("appendonly is no, set it to yes")
    if fsync not in ("always", None):
        faults.append(f"appendfsync is {fsync}, set it to always")
    return faults
