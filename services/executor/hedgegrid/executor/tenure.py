"""Holding an account's executor lease: taking it, keeping it, and knowing at every moment whether it may be used."""

import logging
import threading
from typing import Any

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.executor.process_identity import has_ended
from hedgegrid.runtime.clock import Clock

RENEWALS_PER_TTL = 5
TRUSTED_SHARE = 0.6
"""Of the lease's life, how much we rely on after the last renewal; the rest is room for a pause and for clocks."""
NS_PER_MS = 1_000_000

_log = logging.getLogger(__name__)


class Tenure:
    """One holder's time with the lease. `client` is used by the renewing thread and by nobody else while it runs."""

    def __init__(self, client: redis.Redis, account: str, owner: str, ttl_ms: int, clock: Clock) -> None:
        self._client = client
        self._account = account
        self._clock = clock
        self.lease = Lease(client, keys.lease(account, "executor"), owner, ttl_ms)
        self._renewed_ns = 0
        self._taken_ns = 0
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.certain_for_ns = int(ttl_ms * NS_PER_MS * TRUSTED_SHARE)
        """How long after a renewal began the lease is relied on."""
        self.taken_over = False
        """True when another owner held it and did not give it back: its last request may still be on its way."""
        self.found_none = False
        """True when nobody ever held it, or Redis has forgotten who did."""

    def take(self) -> bool:
        """Try to get the lease; on success keep renewing it until `end`.

        A holder that is proven to have ended is not waited for: its lease is taken under a higher epoch at once.
        """
        found: Any = self._client.hgetall(self.lease.key)
        before = found.get(b"owner", b"").decode()
        if before and before != self.lease.owner and has_ended(before.rpartition(":")[2]):
            self._free(before, int(found[b"epoch"]))
        started_ns = self._clock.monotonic_ns()
        if not self.lease.acquire():
            return False
        self._renewed_ns = started_ns
        self.found_none = not found
        self.taken_over = before not in ("", self.lease.owner)
        self._taken_ns = self._clock.monotonic_ns()
        self._ended.clear()
        self._thread = threading.Thread(target=self._keep, name=f"lease-{self._account}", daemon=True)
        self._thread.start()
        return True

    @property
    def lost(self) -> bool:
        return not self.lease.held

    @property
    def certain(self) -> bool:
        """True while nobody else can have the lease, by our own clock and without asking anybody."""
        age_ns = self._clock.monotonic_ns() - self._renewed_ns
        return self.lease.held and age_ns < self.certain_for_ns

    def end(self, release: bool) -> None:
        """Stop renewing; with `release` others may take over at once, else when the lease has run out."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=self.lease.ttl_ms / 1000)
        if release:
            try:
                self.lease.release()
            except redis.RedisError as error:
                _log.warning("the lease of %s could not be released, it will run out: %s", self._account, error)
        self.lease.epoch = 0

    def fence_left_s(self, fence_ms: int) -> float:
        """Time until nothing can be accepted any more that was signed before we took the lease."""
        return max(0.0, (self._taken_ns + fence_ms * NS_PER_MS - self._clock.monotonic_ns()) / 1e9)

    def _free(self, owner: str, epoch: int) -> None:
        dead = Lease(self._client, self.lease.key, owner, self.lease.ttl_ms)
        dead.epoch = epoch
        dead.release()  # refused if somebody else has taken it meanwhile
        _log.warning("the executor of %s that held the lease has ended: %s", self._account, owner)

    def _keep(self) -> None:
        failing = False
        while not self._ended.wait(self.lease.ttl_ms / 1000 / RENEWALS_PER_TTL):
            started_ns = self._clock.monotonic_ns()
            try:
                self.lease.renew()
            except LeaseLost:
                _log.error("the executor lease of %s was taken by another", self._account)
                return
            except redis.RedisError as error:
                if not failing:
                    _log.warning("the lease of %s could not be renewed: %s", self._account, error)
                failing = True
            else:
                self._renewed_ns = started_ns
                failing = False
