"""A lease with a rising epoch: who may act for a bot, or for an account as executor, right now."""

import redis


class LeaseLost(Exception):
    """Another owner has the lease; whoever gets this must stop acting at once."""


class Lease:
    """One holder's view of a lease. Expiry is judged by the server's clock only."""

    def __init__(self, client: redis.Redis, key: str, owner: str, ttl_ms: int) -> None:
        self._client = client
        self.key = key
        self.owner = owner
        self.ttl_ms = ttl_ms
        self.epoch = 0
        """0 while not held."""

    @property
    def held(self) -> bool:
        return self.epoch > 0

    def acquire(self) -> bool:
        """Take the lease if it is free, expired or already ours."""
        epoch = self._client.fcall("hg1_lease_acquire", 1, self.key, self.owner, str(self.ttl_ms))
        self.epoch = int(epoch)
        return self.held

    def renew(self) -> None:
        """Push the expiry out by one ttl.

        Raises:
            LeaseLost: somebody else took it.
        """
        kept = self._client.fcall("hg1_lease_renew", 1, self.key, self.owner, str(self.epoch), str(self.ttl_ms))
        if not kept:
            self.epoch = 0
            raise LeaseLost(self.key)

    def release(self) -> None:
        """Free the lease at once for others; harmless when it is not ours."""
        if self.held:
            self._client.fcall("hg1_lease_release", 1, self.key, self.owner, str(self.epoch))
            self.epoch = 0
