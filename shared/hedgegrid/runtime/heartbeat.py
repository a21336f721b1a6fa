"""Tell the others that this process is there: an expiring key, renewed by a thread of its own."""

import json
import logging
import threading
from collections.abc import Callable

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PERIOD_S = 1.0
TTL_MS = 5000
SOCKET_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)


class Heartbeat:
    """SET `key` every second with a life of 5 s. Failure is logged once per outage, never fatal."""

    def __init__(self, url: str, key: str, report: Callable[[], dict[str, object]]) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
        )
        self._key = key
        self._report = report
        self._stop = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def close(self) -> None:
        """Stop beating; the key expires by itself."""
        self._stop.set()
        self._thread.join(timeout=2 * SOCKET_TIMEOUT_S)
        self._redis.close()

    def beat(self) -> bool:
        """Set the key once; return whether it was set."""
        try:
            self._redis.set(self._key, json.dumps(self._report()), px=TTL_MS)
        except Exception as error:  # not the money path, and others would think us dead
            if not self._failing:
                _log.warning("heartbeat fails, will retry every second: %s", error)
            self._failing = True
            return False
        if self._failing:
            _log.info("heartbeat works again")
        self._failing = False
        return True

    def _run(self) -> None:
        while True:
            self.beat()
            if self._stop.wait(PERIOD_S):
                return
