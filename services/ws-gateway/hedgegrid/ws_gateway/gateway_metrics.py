"""Metrics only the gateway has, in the process's registry beside `runtime.metric_names`."""

from collections.abc import Callable

import prometheus_client

from hedgegrid.runtime.metric_names import LOOP_BUCKETS_S
from hedgegrid.runtime.metric_spec import MetricSet, counter, gauge, histogram

SERVICE = "ws-gateway"


class GatewayMetrics(MetricSet):
    """`feed` public|private, `account` "" for public."""

    frames = counter("feed_frames", "Data frames received", "feed", "account", "topic")
    publish = histogram(
        "feed_publish_seconds", "From the frame's receipt to its entries being in Redis", "feed", buckets=LOOP_BUCKETS_S
    )
    ping = gauge("feed_ping_seconds", "Round trip of the last text ping", "feed", "account")
    ticks_refused = counter("ticks_refused", "Ticks kept from the strategy: crossed, absurd, old", "symbol", "reason")
    deltas_ignored = counter("feed_deltas_ignored", "Ticker deltas before a snapshot", "feed")


class Children:
    """Labelled counters, looked up once each: `labels()` is too dear for a hot loop."""

    def __init__(self, make: Callable[[str], prometheus_client.Counter]) -> None:
        self._make = make
        self._known: dict[str, prometheus_client.Counter] = {}

    def of(self, name: str) -> prometheus_client.Counter:
        child = self._known.get(name)
        if child is None:
            child = self._known[name] = self._make(name)
        return child
