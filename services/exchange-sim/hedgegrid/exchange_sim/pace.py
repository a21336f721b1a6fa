"""Keeps the market from outrunning the services: the next step waits until the last one had its full effect."""

import asyncio
from collections.abc import Sequence

from hedgegrid.bus import progress
from hedgegrid.bus.connection import connect
from hedgegrid.exchange_sim.exchange import Exchange

POLL_S = 0.0002
"""Between two looks at Redis; the loop serves the services' requests meanwhile."""


class RedisPace:
    """Reads `bus.progress`. A look costs about 0.2 ms of this loop, so it is used at maximum speed only."""

    def __init__(self, money_url: str, market_url: str, bots: Sequence[tuple[str, str]], exchange: Exchange) -> None:
        self._money = connect(money_url, "exchange-sim-pace")
        self._market = connect(market_url, "exchange-sim-pace")
        self._bots = tuple(bots)
        self._accounts = tuple(dict.fromkeys(account for account, _ in bots))
        self._exchange = exchange

    async def settled(self, venue_ms: int) -> None:
        """Return once every bot has stepped the newest tick and every fill, ack and command is dealt with."""
        while not self._is_settled():  # noqa: ASYNC110 it is another process that settles
            await asyncio.sleep(POLL_S)  # Redis says nothing by itself

    def _is_settled(self) -> bool:
        hub, publisher = self._exchange.hub, self._exchange.publisher
        frames = {account: hub.private_frames(account) for account in self._accounts}
        return progress.settled(self._money, self._market, self._bots, frames, publisher.published_ms)
