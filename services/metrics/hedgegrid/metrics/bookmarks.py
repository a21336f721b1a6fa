"""How far metrics has come in a stream, where everybody can see it: the position of a group that nobody reads through.

Reading through a group has Redis write every delivery and every acknowledgement to its disk (docs/decisions/0017). Who
trims streams looks at the positions of groups (`bus.trimming`), so these are moved behind what is safe.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import redis
import redis.asyncio

from hedgegrid.bus.reader import START

TOTALS = "metrics"
LEDGER = "ledger"


class Bookmark(NamedTuple):
    stream: str
    group: str


def place(client: redis.Redis, mark: Bookmark) -> str:
    """Put a bookmark at the stream's beginning unless there is one; return where it stands.

    A former version read through these groups. One that was handed entries and did not acknowledge them is begun anew:
    entries that come twice change nothing, and as long as they are pending nothing would be trimmed.
    """
    try:
        client.xgroup_create(mark.stream, mark.group, id=START, mkstream=True)
    except redis.ResponseError as error:
        if "BUSYGROUP" not in str(error):
            raise
    groups: Any = client.xinfo_groups(mark.stream)
    own = next(group for group in groups if group["name"] == mark.group.encode())
    if own["pending"]:
        client.xgroup_destroy(mark.stream, mark.group)
        client.xgroup_create(mark.stream, mark.group, id=START)
        return START
    position: bytes = own["last-delivered-id"]
    return position.decode()


async def move(client: "redis.asyncio.Redis", positions: Mapping[Bookmark, str]) -> None:
    """Set bookmarks to the id of the last entry that is safe.

    Raises:
        redis.ResponseError: a stream or a group is gone.
    """
    if positions:
        async with client.pipeline(transaction=False) as pipe:
            for mark, position in positions.items():
                pipe.xgroup_setid(mark.stream, mark.group, position)
            await pipe.execute()
