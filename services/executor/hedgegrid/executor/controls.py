"""The account's control stream as the executor obeys it: what is refused is set aside and told, once."""

import logging
from typing import Any

import redis

from hedgegrid.bus import dead_letter, keys
from hedgegrid.bus.reader import Entry
from hedgegrid.bus.signed_control import ControlReader, ControlRefused
from hedgegrid.messages.control import ControlMessage
from hedgegrid.runtime.metric_names import Metrics

LOOKED_BACK_AT = 1000
"""Dead letters: each start reads all controls again and shall not tell of the same forgery again."""

_log = logging.getLogger(__name__)


class Controls:
    """Used by one thread."""

    def __init__(self, account: str, client: redis.Redis, key: bytes | None, metrics: Metrics) -> None:
        self._account = account
        self._client = client
        self._reader = ControlReader(key)
        self._metrics = metrics
        self._told: set[str] | None = None

    def open(self, entry: Entry) -> ControlMessage | None:
        """The wish of an entry; None when it must not be obeyed.

        Raises:
            redis.RedisError: the refusal could not be told.
        """
        try:
            return self._reader.open(entry)
        except ControlRefused as refusal:
            self._tell(entry, refusal)
            return None

    def _tell(self, entry: Entry, refusal: ControlRefused) -> None:
        if self._told is None:
            rows: Any = self._client.xrevrange(keys.dead(entry.stream), count=LOOKED_BACK_AT)
            self._told = {fields.get(b"id", b"").decode() for _, fields in rows}
        if entry.id in self._told:
            return
        self._told.add(entry.id)
        _log.error("control %s is refused and set aside: %s", entry.id, refusal, extra={"why": refusal.why})
        dead_letter.set_aside(self._client, entry, str(refusal))
        self._metrics.dead_letters.labels(entry.stream).inc()
        self._metrics.control_refused.labels(self._account, refusal.why).inc()
