"""The bots of the whole system and those this worker holds: acquires, renews and returns leases in fair shares."""

import logging
import time

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.bus.members import Membership
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.sharing import fair_share
from hedgegrid.strategy.stored_state import StateUnreadable

LOOKS_PER_TTL = 5
"""Leases are renewed this many times within their lifetime."""

_log = logging.getLogger(__name__)


class Fleet:
    def __init__(
        self, client: redis.Redis, membership: Membership, bots: tuple[Bot, ...], instance: str, ttl_ms: int
    ) -> None:
        self._client = client
        self._membership = membership
        self._all = {(bot.account, bot.symbol): bot for bot in bots}
        self._instance = instance
        self._ttl_ms = ttl_ms
        self._next_look_s = 0.0
        self._taken: list[Bot] = []
        self._surplus: list[Bot] = []
        self.held: dict[tuple[str, str], Bot] = {}

    def holds(self, bot: Bot) -> bool:
        return self.held.get((bot.account, bot.symbol)) is bot

    def of_symbol(self, symbol: str) -> list[Bot]:
        return [bot for bot in self.held.values() if bot.symbol == symbol]

    def of_stream(self, stream: str) -> list[Bot]:
        """Held bots of the account whose stream this is."""
        return [bot for bot in self.held.values() if stream in (keys.events(bot.account), keys.control(bot.account))]

    def look_after(self, now_ms: int) -> tuple[list[Bot], list[Bot]]:
        """Renew what is held, take free bots up to the fair share; returns the bots taken and those to hand back.

        A bot to hand back is out of `held` but its lease is still ours: the caller commits and releases it.

        Raises:
            redis.RedisError: the next call tells of what was taken and put aside until then.
        """
        self._look(now_ms)
        taken, self._taken = [bot for bot in self._taken if self.holds(bot)], []
        surplus, self._surplus = self._surplus, []
        return taken, surplus

    def forget(self, bot: Bot) -> None:
        self.held.pop((bot.account, bot.symbol), None)

    def leave(self) -> None:
        self._membership.leave()

    def _look(self, now_ms: int) -> None:
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return
        self._next_look_s = now_s + self._ttl_ms / 1000 / LOOKS_PER_TTL
        workers = self._membership.renew(now_ms)
        self._renew()
        share = fair_share(len(self._all), workers, self._instance)
        self._surplus += [self.held.pop(key) for key in list(self.held)[share:]]
        self._acquire(share)

    def _renew(self) -> None:
        for key, bot in list(self.held.items()):
            try:
                bot.lease.renew()
            except LeaseLost:
                _log.warning("lease lost", extra={"account": bot.account, "symbol": bot.symbol})
                del self.held[key]

    def _acquire(self, share: int) -> None:
        for key, template in self._all.items():
            if len(self.held) >= share:
                break
            if key in self.held:
                continue
            lease = Lease(self._client, keys.lease(*key), self._instance, self._ttl_ms)
            if not lease.acquire():
                continue
            bot = template.fresh()
            try:
                bot.open(self._client, lease)
            except StateUnreadable as error:
                _log.error("%s", error)
                lease.release()
                continue
            self.held[key] = bot
            self._taken.append(bot)
