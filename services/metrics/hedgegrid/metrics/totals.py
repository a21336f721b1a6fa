"""Where projections survive: one hash per account beside its streams, written under the account's metrics lease.

Values and the stream position they stand for land together, so an entry is in the totals exactly when the saved
position says so, however often it is delivered.
"""

from collections.abc import Mapping

import redis
import redis.asyncio

from hedgegrid.bus.fenced_state import FencedState
from hedgegrid.bus.lease import Lease
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

    async def save(self, client: "redis.asyncio.Redis", dumps: Mapping[str, bytes]) -> None:
        """Write the projections that changed, by stream kind: as `commit`, without blocking the event loop or retries.

        Raises:
            LeaseLost, CommitConflict: as `commit`.
            redis.RedisError: whether it was written is unknown; if it was, the next one ends in a conflict.
        """
        changed = self._changed(dumps)
        if changed:
            keys, args = self._arguments(changed, [], [])
            self._settle(await client.fcall("hg1_commit", len(keys), *keys, *args), changed, [])
