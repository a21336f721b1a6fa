"""The bots of the whole system and those this worker holds: acquires, renews and returns leases in fair shares."""

import logging
import time

import redis

from hedgegrid.bus import keys
from hedgegrid.bus.lease import Lease, LeaseLost
from hedgegrid.bus.members import Membership
from hedgegrid.strategy.bot import Bot
from hedgegrid.strategy.core.stored_state import StateUnreadable
from hedgegrid.strategy.sharing import fair_share

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
        self.held: dict[tuple[str, str], Bot] = {}

    def of_symbol(self, symbol: str) -> list[Bot]:
        return [bot for bot in self.held.values() if bot.symbol == symbol]

    def of_stream(self, stream: str) -> list[Bot]:
        """Held bots of the account whose stream this is."""
        return [bot for bot in self.held.values() if stream in (keys.events(bot.account), keys.control(bot.account))]

    def look_after(self, now_ms: int) -> tuple[list[Bot], list[Bot]]:
        """Renew what is held, take free bots up to the fair share; returns the bots taken and those to hand back.

        A bot to hand back is out of `held` but its lease is still ours: the caller commits and releases it.
        """
        now_s = time.monotonic()
        if now_s < self._next_look_s:
            return [], []
        self._next_look_s = now_s + self._ttl_ms / 1000 / LOOKS_PER_TTL
        workers = self._membership.renew(now_ms)
        self._renew()
        share = fair_share(len(self._all), workers, self._instance)
        surplus = [self.held.pop(key) for key in list(self.held)[share:]]
        return self._acquire(share), surplus

    def forget(self, bot: Bot) -> None:
        self.held.pop((bot.account, bot.symbol), None)

    def leave(self) -> None:
        self._membership.leave()

    def _renew(self) -> None:
        for key, bot in list(self.held.items()):
            try:
                bot.lease.renew()
            except LeaseLost:
                _log.warning("lease lost", extra={"account": bot.account, "symbol": bot.symbol})
                del self.held[key]

    def _acquire(self, share: int) -> list[Bot]:
        taken: list[Bot] = []
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
            taken.append(bot)
        return taken
