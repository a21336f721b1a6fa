"""Metrics only the gateway has, in the process's registry beside `runtime.metric_names`."""

from hedgegrid.runtime.metric_names import LOOP_BUCKETS_S
from hedgegrid.runtime.metric_spec import MetricSet, counter, histogram


class GatewayMetrics(MetricSet):
    """`feed` public|private, `account` "" for public."""

    frames = counter("feed_frames", "Data frames received", "feed", "account", "topic")
    publish = histogram(
        "feed_publish_seconds", "From the frame's receipt to its entries being in Redis", "feed", buckets=LOOP_BUCKETS_S
    )
    deltas_ignored = counter("feed_deltas_ignored", "Ticker deltas before a snapshot", "feed")
