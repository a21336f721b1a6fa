"""Where projections survive: one hash per account beside its streams, written under the account's metrics lease.

Values and the stream position they stand for land together, so an entry is in the totals exactly when the saved
position says so, however often it is delivered.
"""

import asyncio

import redis
import redis.asyncio

from hedgegrid.bus.fenced_state import CommitConflict, FencedState
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.metrics.projection import UnknownSchema
from hedgegrid.metrics.streams import AccountStream

LEASE_NAME = "metrics"


def totals_key(account: str) -> str:
    """Hash: version, commit_id, one field per stream kind."""
    return f"{{{account}}}:metrics"


class Totals(FencedState):
    """The saved projections of one account."""

    def __init__(self, client: redis.Redis, account: str, lease: Lease) -> None:
        super().__init__(client, totals_key(account), lease)
        self._one_at_a_time = asyncio.Lock()

    def restore(self, streams: list[AccountStream]) -> list[str]:
        """Load every projection that was saved; return those of another version, which start from nothing."""
        saved = self.load()
        unknown: list[str] = []
        for stream in streams:
            raw = saved.get(stream.kind)
            if raw is None:
                continue
            try:
                stream.projection.load(raw)
            except UnknownSchema as error:
                unknown.append(f"{stream.name}: {error}")
        return unknown

    async def save(self, client: "redis.asyncio.Redis", stream: AccountStream) -> None:
        """Write one projection, as `commit` does but without blocking the event loop and without retries.

        Raises:
            LeaseLost, CommitConflict: as `commit`.
            redis.RedisError: whether it was written is unknown.
        """
        async with self._one_at_a_time:
            keys, args = self._arguments({stream.kind: stream.projection.dump()}, [], [])
            answer = await client.fcall("hg1_commit", len(keys), *keys, *args)
            if answer == b"FENCED":
                raise LeaseLost(self._lease.key)
            if answer == b"CONFLICT":
                raise CommitConflict(f"{self.key} is not at version {self.version}")
            self.version += 1
