"""Counts of the REST calls of an account: in Prometheus at once, in Redis once a second."""

import threading
from collections import Counter

import redis

from hedgegrid.bus import keys
from hedgegrid.bybit.rest import Call
from hedgegrid.runtime.metric_names import Metrics


class RestCalls:
    """Called from every thread that talks to the venue."""

    def __init__(self, account: str, metrics: Metrics) -> None:
        self._account = account
        self._metrics = metrics
        self._lock = threading.Lock()
        self._pending: Counter[str] = Counter()

    def count(self, call: Call) -> None:
        with self._lock:
            self._pending[f"{call.phase} {call.method} {call.path}"] += 1
        metrics = self._metrics
        metrics.rest_calls.labels(self._account, call.path, call.method, call.phase, call.outcome).inc()
        metrics.rest_latency.labels(call.path, call.method).observe(call.seconds)
        remaining = call.headers.get("X-Bapi-Limit-Status", "")
        if remaining.isdecimal():
            metrics.rate_limit_remaining.labels(self._account, call.path).set(int(remaining))

    def flush(self, client: redis.Redis) -> None:
        """Add what came up since the last time to `{acct}:rest-calls`; kept for the next time when Redis is away."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
        if not pending:
            return
        try:
            with client.pipeline(transaction=True) as pipe:
                for field, calls in pending.items():
                    pipe.hincrby(keys.rest_calls(self._account), field, calls)
                pipe.execute()
        except redis.RedisError:
            with self._lock:
                self._pending.update(pending)
