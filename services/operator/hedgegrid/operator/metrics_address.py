"""Where the metrics service answers: as told, else where its heartbeat says it listens."""

import json
from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.operator.loopback_http import HttpFailed, get_json
from hedgegrid.runtime.errors import ConfigError

VARIABLE = "HEDGEGRID_METRICS_URL"
_SERVICE = "metrics"
TIMEOUT_S = 3.0


def metrics_url(client: redis.Redis) -> str:
    """Address on this machine of a metrics service whose heartbeat is there, the ready one first.

    Raises:
        ConfigError: none beats.
    """
    beats: list[dict[str, Any]] = []
    for key in client.scan_iter(match=keys.heartbeat(_SERVICE, "*"), count=1000):
        raw: Any = client.get(key)
        if raw:
            beats.append(json.loads(raw))
    if not beats:
        raise ConfigError(f"no metrics service beats on this Redis: start it, or say where it answers by {VARIABLE}")
    best = max(beats, key=lambda beat: bool(beat.get("ready")))
    return f"http://127.0.0.1:{best['http_port']}"


def state_of(url: str) -> dict[str, Any]:
    """The state document.

    Raises:
        ConfigError: nobody answers there, or somebody else.
    """
    try:
        document: Any = get_json(f"{url.rstrip('/')}/api/state", timeout_s=TIMEOUT_S)
    except HttpFailed as error:
        raise ConfigError(
            f"the metrics service does not answer ({error}); from another machine or container name it by {VARIABLE}"
        ) from error
    if not isinstance(document, dict) or "attention" not in document:
        raise ConfigError(f"{url} is no metrics service of this release")
    state: dict[str, Any] = document
    return state
