"""Paper trading on the real market: Bybit's public linear feed as the source of prices.

Nothing is sent there but subscriptions. The account, its orders and fills stay in the simulated venue. Venue time is
the wall clock; what comes in takes the moment of its arrival.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from typing import Any

import aiohttp
import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.instruments import Listing, listing_of
from hedgegrid.exchange_sim.market_events import Events, FundingNotice, MarketEvent, on_tick
from hedgegrid.exchange_sim.player import Player
from hedgegrid.exchange_sim.tape.capture import CapturePlayer
from hedgegrid.listing.tiers import tiers_of
from hedgegrid.venue.requests import FundingDue, MarketQuote, MarkPrice

SOCKET_URL = "wss://stream.bybit.com/v5/public/linear"
REST_URL = "https://api.bybit.com"
START_TIMEOUT_S = 15.0
PING_S = 20.0
SILENCE_S = 30.0
"""Without any frame for this long the connection is replaced; pongs alone come every 20 s."""
BACKOFF_S = (1.0, 30.0)
_TOPICS = ("tickers", "publicTrade", "orderbook.1")
_FAILURES = (aiohttp.ClientError, OSError, TimeoutError, ValueError, KeyError, TypeError)


class LiveSource:
    """What the feed said until every symbol had a quote and a mark; the rest comes through `LiveFeed.follow`."""

    def __init__(self, symbols: frozenset[str], first: Sequence[MarketEvent]) -> None:
        self.symbols = symbols
        self.marked = symbols
        self._first = first

    def events(self) -> Events:
        return iter(self._first)


class LiveFeed:
    """One connection to the public feed, replaced when it ends or falls silent."""

    def __init__(self, rules: Mapping[str, Instrument], url: str = SOCKET_URL) -> None:
        self._rules = rules
        self._url = url
        self._frames = CapturePlayer()
        self._notices: dict[str, FundingNotice] = {}

    async def first(self) -> LiveSource:
        """Read until every symbol is priced.

        Raises:
            StartError: the feed cannot be reached or does not price every symbol in time.
        """
        missing = {(symbol, kind) for symbol in self._rules for kind in (MarketQuote, MarkPrice)}
        read: list[MarketEvent] = []
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                async for event in self._connection():
                    read.append(event)
                    missing.discard((event.symbol, type(event)))
                    if not missing:
                        break
        except _FAILURES as error:
            why = str(error) or f"no prices of {', '.join(sorted({s for s, _ in missing}))} in {START_TIMEOUT_S:.0f} s"
            raise StartError(f"--live: {self._url}: {why}") from error
        start_ms = max(event.ts_ms for event in read)
        return LiveSource(frozenset(self._rules), [msgspec.structs.replace(event, ts_ms=start_ms) for event in read])

    async def follow(self, player: Player) -> None:
        """Play what comes, until cancelled; connections that end are opened again after a growing pause."""
        pause_s = BACKOFF_S[0]
        while True:
            opened_at = monotonic()
            with suppress(*_FAILURES):
                async for event in self._connection():
                    player.play_live(self._with_funding(event, player))
            pause_s = BACKOFF_S[0] if monotonic() - opened_at > BACKOFF_S[1] else min(pause_s * 2, BACKOFF_S[1])
            await asyncio.sleep(pause_s)

    def _with_funding(self, event: MarketEvent, player: Player) -> list[MarketEvent]:
        """A notice of the next funding means that the one announced before is due now."""
        if not isinstance(event, FundingNotice):
            return [event]
        before = self._notices.get(event.symbol)
        self._notices[event.symbol] = event
        if before is None or event.next_ms <= before.next_ms or before.next_ms > player.clock.now_ms() + 60_000:
            return [event]
        return [FundingDue(symbol=event.symbol, rate=before.rate, ts_ms=event.ts_ms), event]

    async def _connection(self) -> AsyncIterator[MarketEvent]:
        """Events of one connection, until it ends."""
        topics = [f"{kind}.{symbol}" for symbol in sorted(self._rules) for kind in _TOPICS]
        async with aiohttp.ClientSession() as session, session.ws_connect(self._url, autoping=True) as socket:
            await socket.send_json({"op": "subscribe", "req_id": "live", "args": topics})
            pinging = asyncio.create_task(_ping(socket))
            try:
                while True:
                    message = await socket.receive(SILENCE_S)
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return
                    for event in self._events(msgspec.json.decode(message.data)):
                        yield event
            finally:
                pinging.cancel()

    def _events(self, frame: dict[str, Any]) -> list[MarketEvent]:
        if "topic" in frame:
            fitting = (event for event in self._frames.frame(frame) if event.symbol in self._rules)
            return [on_tick(event, self._rules[event.symbol]) for event in fitting]
        if frame.get("op") == "subscribe" and not frame.get("success"):
            raise ValueError(f"subscription refused: {frame.get('ret_msg')}")
        return []


async def _ping(socket: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        await asyncio.sleep(PING_S)
        with suppress(ConnectionError):
            await socket.send_json({"op": "ping"})


async def with_live_tiers(rules: Instrument, url: str = REST_URL) -> Instrument:
    """The instrument with the real venue's risk-limit table.

    Raises:
        StartError: it cannot be reached or answers something else.
    """
    path = f"{url}/v5/market/risk-limit"
    try:
        async with (
            asyncio.timeout(START_TIMEOUT_S),
            aiohttp.ClientSession() as session,
            session.get(path, params={"category": "linear", "symbol": rules.symbol}) as reply,
        ):
            body = msgspec.json.decode(await reply.read())
        tiers = tiers_of(body["result"]["list"])
    except (*_FAILURES, ArithmeticError) as error:
        raise StartError(f"--live: {path}: {str(error) or type(error).__name__}") from error
    return replace(rules, risk_tiers=tiers)


async def live_listings(url: str = REST_URL) -> dict[str, Listing]:
    """All instruments that the real venue lists.

    Raises:
        StartError: it cannot be reached or answers something else.
    """
    listings: dict[str, Listing] = {}
    path, cursor = f"{url}/v5/market/instruments-info", ""
    try:
        async with asyncio.timeout(START_TIMEOUT_S), aiohttp.ClientSession() as session:
            while True:
                query = {"category": "linear", "limit": "1000", "cursor": cursor}
                async with session.get(path, params=query) as reply:
                    body = msgspec.json.decode(await reply.read())
                listings |= {row["symbol"]: listing_of(row) for row in body["result"]["list"]}
                cursor = body["result"]["nextPageCursor"]
                if not cursor:
                    return listings
    except (*_FAILURES, ArithmeticError) as error:
        raise StartError(f"--live: {path}: {str(error) or type(error).__name__}") from error
