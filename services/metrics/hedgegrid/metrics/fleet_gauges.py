"""Who is there and who may act: heartbeats, leases, and the REST calls each account has cost."""

import json
from typing import Any

import msgspec
import redis

from hedgegrid.bus import keys
from hedgegrid.metrics.totals import LEASE_NAME
from hedgegrid.runtime.heartbeat import TTL_MS
from hedgegrid.runtime.metric_names import Metrics

FORGET_AFTER_MS = 60_000
"""A silent instance is shown this long, so that an alert can see its age grow; then it is taken as replaced."""
_ANY = "*"


class Instance(msgspec.Struct):
    service: str
    instance: str
    ready: bool
    age_ms: int
    seen_ms: int


class LeaseView(msgspec.Struct):
    owner: str
    epoch: int
    expires_in_ms: int


def _says_ready(report: bytes) -> bool:
    try:
        return json.loads(report)["ready"] is True
    except (ValueError, TypeError, KeyError):
        return False


class FleetGauges:
    """Gauges of services, leases and REST calls, and the same as plain values for the state page."""

    def __init__(self, metrics: Metrics, accounts: dict[str, tuple[str, ...]]) -> None:
        self._metrics = metrics
        self._accounts = accounts
        self._calls: dict[tuple[str, str], int] = {}
        self.instances: dict[str, Instance] = {}
        self.leases: dict[str, dict[str, LeaseView]] = {account: {} for account in accounts}
        self.rest_calls: dict[str, dict[str, int]] = {account: {} for account in accounts}

    def poll(self, client: redis.Redis) -> None:
        """Update all gauges."""
        seconds, micros = client.time()
        now_ms = int(seconds) * 1000 + int(micros) // 1000
        self._heartbeats(client, now_ms)
        for account, symbols in self._accounts.items():
            for name in (*symbols, "executor", LEASE_NAME):
                self._lease(client, account, name, now_ms)
            self._rest_calls(client, account)

    def _heartbeats(self, client: redis.Redis, now_ms: int) -> None:
        for raw_key in client.scan_iter(match=keys.heartbeat(_ANY, _ANY), count=1000):
            key = raw_key.decode()
            _, service, instance = key.split(":", 2)
            value: Any = client.get(key)
            left_ms = int(client.pttl(key))
            if value is None or left_ms < 0:
                continue
            ready = _says_ready(value)
            age_ms = max(0, TTL_MS - left_ms)
            self.instances[key] = Instance(service, instance, ready, age_ms, now_ms - age_ms)
        for key, one in list(self.instances.items()):
            labels = (one.service, one.instance)
            one.age_ms = now_ms - one.seen_ms
            if one.age_ms > FORGET_AFTER_MS:
                del self.instances[key]
                self._metrics.heartbeat_age.remove(*labels)
                self._metrics.service_ready.remove(*labels)
                continue
            alive = one.age_ms <= TTL_MS
            self._metrics.heartbeat_age.labels(*labels).set(one.age_ms / 1000)
            self._metrics.service_ready.labels(*labels).set(int(one.ready and alive))

    def _lease(self, client: redis.Redis, account: str, name: str, now_ms: int) -> None:
        raw: Any = client.hmget(keys.lease(account, name), ["owner", "epoch", "expires_ms"])
        before = self.leases[account].get(name)
        if raw[1] is None:
            return
        left_ms = int(raw[2] or 0) - now_ms
        owner = raw[0].decode() if raw[0] and left_ms > 0 else ""
        if before is not None and before.owner and before.owner != owner:
            self._metrics.lease_owner.remove(account, name, before.owner)
        if owner:
            self._metrics.lease_owner.labels(account, name, owner).set(1)
        self._metrics.lease_epoch.labels(account, name).set(int(raw[1]))
        self.leases[account][name] = LeaseView(owner, int(raw[1]), max(0, left_ms))

    def _rest_calls(self, client: redis.Redis, account: str) -> None:
        raw: Any = client.hgetall(keys.rest_calls(account))
        for field, value in raw.items():
            call, made = field.decode(), int(value)
            grown = made - self._calls.get((account, call), 0)
            self._calls[account, call] = made
            phase, method, endpoint = [*call.split(" ", 2), "", ""][:3]
            # A hash that was deleted counts from 0 again, as a Prometheus counter may.
            counter = self._metrics.rest_calls_by_phase.labels(account, phase, method, endpoint)
            counter.inc(grown if grown >= 0 else made)
            self.rest_calls[account][call] = made
