"""From options to a listening exchange and back to nothing within a second."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from hedgegrid.domain.instrument import Instrument
from hedgegrid.exchange_sim.accounts import Account, generate_accounts, read_accounts
from hedgegrid.exchange_sim.admin.server import AdminServer
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.exchange import Exchange, build_exchange
from hedgegrid.exchange_sim.faults.scenario import read_scenario
from hedgegrid.exchange_sim.instruments import Listing, load_listings
from hedgegrid.exchange_sim.live import LiveFeed, live_listings, with_live_tiers
from hedgegrid.exchange_sim.options import DEFAULT_SYMBOLS, Options
from hedgegrid.exchange_sim.player import Pace, Source
from hedgegrid.exchange_sim.server import PRIVATE_PATH, PUBLIC_PATH, TRADE_PATH, ClientServer, tend_sockets
from hedgegrid.exchange_sim.state.books import Books
from hedgegrid.exchange_sim.state.state_file import StateFile
from hedgegrid.exchange_sim.synthetic import SyntheticSource
from hedgegrid.exchange_sim.tape.source import open_tapes

ADMIN_HOST = "127.0.0.1"


class Simulator:
    """`exchange` and `addresses` are there once `start` has returned."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tasks: list[asyncio.Task[None]] = []
        self.exchange: Exchange
        self.addresses: dict[str, object]

    async def start(self) -> None:
        """Open the market, listen, and begin to play when autostart is on.

        Raises:
            StartError: anything that keeps it from running.
        """
        options = self._options
        self._feed: LiveFeed | None = None
        if options.live and options.instruments is None:
            listings = await live_listings(options.live_rest_url)
            for symbol, rules in _chosen_rules(options, listings).items():
                tiered = await with_live_tiers(rules, options.live_rest_url)
                listings[symbol] = replace(listings[symbol], rules=tiered)
        else:
            listings = load_listings(options.instruments)
        if options.live:
            self._feed = LiveFeed(_chosen_rules(options, listings), options.live_url)
        accounts = (
            read_accounts(options.accounts_file)
            if options.accounts_file
            else generate_accounts(options.accounts, options.seed)
        )
        self._state = StateFile(options.state) if options.state else None
        books = self._state.load() if self._state else None
        source = await self._feed.first() if self._feed else _source(options, listings, books)
        self.exchange = exchange = build_exchange(
            source,
            listings,
            accounts,
            seed=options.seed,
            speed=options.speed,
            conduct=options.conduct,
            epoch_ms=options.epoch_ms,
            books=books,
        )
        if self._state is not None:
            _keep(self._state, exchange, source)
        if options.scenario is not None:
            exchange.injector.load(read_scenario(options.scenario))
        if options.pace_redis:
            exchange.player.pace = _redis_pace(options, exchange)
        self._clients, self._admin = ClientServer(exchange), AdminServer(exchange)
        try:
            port = await self._clients.start(options.host, options.port)
            admin_port = await self._admin.start(ADMIN_HOST, options.admin_port)
        except OSError as error:
            raise StartError(f"cannot listen: {error.strerror or error}") from error
        told = [] if options.accounts_file else accounts
        self.addresses = _addresses(options.host, port, admin_port, told)
        exchange.player.is_live = self._feed is not None
        self._tasks = [asyncio.create_task(exchange.player.run()), asyncio.create_task(tend_sockets(exchange))]
        if self._feed is not None:
            self._tasks.append(asyncio.create_task(self._feed.follow(exchange.player)))
        if options.autostart:
            exchange.player.start()

    async def until_failure(self) -> None:
        """Returns never while all is well; a tape that breaks raises its error here."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._clients.stop()
        await self._admin.stop()
        if self._state is not None:
            self._state.close()


async def serve(options: Options) -> None:
    """Run until SIGTERM or SIGINT; prints the addresses as one JSON line when it listens.

    Raises:
        StartError, TapeError: it could not start, or the tape broke while playing.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    simulator = Simulator(options)
    await simulator.start()
    sys.stdout.write(msgspec.json.encode(simulator.addresses).decode() + "\n")
    sys.stdout.flush()
    stop, failure = asyncio.create_task(stopped.wait()), asyncio.create_task(simulator.until_failure())
    try:
        done, _ = await asyncio.wait((stop, failure), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        failure.cancel()
        await simulator.stop()
    if failure in done:
        failure.result()


def _keep(state: StateFile, exchange: Exchange, source: Source) -> None:
    """Record from now on what changes the exchange's books."""
    player, venue = exchange.player, exchange.venue
    act = player.before_step or (lambda at_ms: None)

    def books() -> Books:
        walked = None
        if isinstance(source, SyntheticSource):
            walked = source.walked(source.first_step + player.steps)
        return Books(venue, dict(exchange.views), walked, at_ms=exchange.now_ms())

    note = state.keep(books, venue, player.market)

    def begin(at_ms: int) -> None:
        note(at_ms)
        act(at_ms)

    player.before_step = begin


def _source(options: Options, listings: Mapping[str, Listing], books: Books | None = None) -> Source:
    if options.tapes:
        rules = {symbol: listing.rules for symbol, listing in listings.items()}
        return open_tapes(options.tapes, frozenset(options.symbols) if options.symbols else None, rules)
    chosen = _chosen_rules(options, listings)
    prices = {symbol: listings[symbol].synthetic_price for symbol in chosen}
    traded = list(chosen.values())
    if books is None or books.walked is None:
        return SyntheticSource(traded, prices, options.regime, options.seed)
    return SyntheticSource(traded, prices, options.regime, options.seed, books.walked).skipped(books.steps)


def _chosen_rules(options: Options, listings: Mapping[str, Listing]) -> dict[str, Instrument]:
    symbols = options.symbols or DEFAULT_SYMBOLS
    unknown = [symbol for symbol in symbols if symbol not in listings]
    if unknown:
        raise StartError(f"{', '.join(unknown)}: not among the instruments (give a full list with --instruments FILE)")
    return {symbol: listings[symbol].rules for symbol in symbols}


def _redis_pace(options: Options, exchange: Exchange) -> Pace:
    """The Redis-backed pace, imported only when asked for: the exchange itself needs no Redis."""
    from hedgegrid.exchange_sim.pace import RedisPace

    return RedisPace(
        str(options.pace_redis), options.pace_market_redis or str(options.pace_redis), options.pace_bots, exchange
    )


def _addresses(host: str, port: int, admin_port: int, accounts: list[Account]) -> dict[str, object]:
    name = f"{host}:{port}"
    return {
        "rest": f"http://{name}",
        "ws_public": f"ws://{name}{PUBLIC_PATH}",
        "ws_private": f"ws://{name}{PRIVATE_PATH}",
        "ws_trade": f"ws://{name}{TRADE_PATH}",
        "admin": f"http://{ADMIN_HOST}:{admin_port}",
        "accounts": [{"id": a.id, "api_key": a.api_key, "api_secret": a.api_secret} for a in accounts],
    }
