"""Who of a scaled service is alive: a sorted set of instances by expiry, so that bots can be shared fairly."""

from typing import Any

import redis

from hedgegrid.bus import keys


class Membership:
    """This instance's seat; it lapses by itself `ttl_ms` after the last `renew`. Times are wall clock ms."""

    def __init__(self, client: redis.Redis, service: str, instance: str, ttl_ms: int) -> None:
        self._client = client
        self._key = keys.members(service)
        self._instance = instance
        self._ttl_ms = ttl_ms

    def renew(self, now_ms: int) -> list[str]:
        """Keep the seat and return all live instances, sorted."""
        with self._client.pipeline(transaction=False) as pipe:
            pipe.zadd(self._key, {self._instance: now_ms + self._ttl_ms})
            pipe.zremrangebyscore(self._key, "-inf", now_ms)
            pipe.zrange(self._key, 0, -1)
            answer: Any = pipe.execute()[-1]
        return sorted(member.decode() for member in answer)

    def leave(self) -> None:
        self._client.zrem(self._key, self._instance)
