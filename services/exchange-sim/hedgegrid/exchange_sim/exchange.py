"""The parts of one exchange and how they hang together; knows nothing of HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from hedgegrid.domain.instrument import Instrument
from hedgegrid.exchange_sim.accounts import Account
from hedgegrid.exchange_sim.auth import Authenticator
from hedgegrid.exchange_sim.clock import Speed, wall_ms
from hedgegrid.exchange_sim.errors import StartError
from hedgegrid.exchange_sim.faults.acting import Actor
from hedgegrid.exchange_sim.faults.injector import Injector
from hedgegrid.exchange_sim.faults.symbols import SymbolDesk
from hedgegrid.exchange_sim.instruments import Listing
from hedgegrid.exchange_sim.journal import Journal
from hedgegrid.exchange_sim.market.publisher import Publisher
from hedgegrid.exchange_sim.market.view import SymbolView
from hedgegrid.exchange_sim.player import STEP_MS, Player, Source
from hedgegrid.exchange_sim.pushes import AS_HAPPENED, Pusher
from hedgegrid.exchange_sim.rate_limit import (
    CONNECT_WINDOW_MS,
    TRADE_REQUESTS,
    WINDOW_MS,
    AccountBudgets,
    AddressBudgets,
    default_limits,
)
from hedgegrid.exchange_sim.state.books import Books
from hedgegrid.exchange_sim.ws.connection import SEND_LIMIT_BYTES
from hedgegrid.exchange_sim.ws.hub import Hub
from hedgegrid.venue.engine import Venue

MAKER_FEE = Decimal("0.0002")
TAKER_FEE = Decimal("0.00055")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How the exchange behaves towards clients.

    `order_rate` order requests a second per account and kind, `ip_rate` requests per address in 5 s, `connect_limit`
    new sockets per address in 5 min; `ack_delay_s` before each socket answer, `auth_delay_s` more until authentication
    is through, `push_delay_s` between a command and its pushes; `idle_limit_s` after which a silent socket is cut,
    `send_limit_bytes` unsent at which a slow reader is.
    """

    order_rate: int = 10
    ip_rate: int = 600
    ack_delay_s: float = 0.005
    auth_delay_s: float = 0.0
    push_delay_s: float = 0.0
    topic_order: str = AS_HAPPENED
    idle_limit_s: float = 600.0
    send_limit_bytes: int = SEND_LIMIT_BYTES
    connect_limit: int = 500


@dataclass(slots=True, kw_only=True)
class Exchange:
    """`listings` are all instruments known, `views` the symbols that trade."""

    listings: Mapping[str, Listing]
    accounts: Mapping[str, Account]
    conduct: Conduct
    venue: Venue
    views: Mapping[str, SymbolView]
    publisher: Publisher
    player: Player
    pusher: Pusher
    hub: Hub
    authenticator: Authenticator
    budgets: AccountBudgets
    addresses: AddressBudgets
    connects: AddressBudgets
    trade_requests: AddressBudgets
    injector: Injector
    actor: Actor
    journal: Journal = field(default_factory=Journal)
    started_ms: int = field(default_factory=wall_ms)

    def now_ms(self) -> int:
        """Venue time."""
        return self.player.clock.now_ms()


def build_exchange(
    source: Source,
    listings: Mapping[str, Listing],
    accounts: Sequence[Account],
    *,
    seed: int = 0,
    speed: Speed | None = None,
    conduct: Conduct | None = None,
    epoch_ms: int | None = None,
    books: Books | None = None,
) -> Exchange:
    """Put an exchange together, with the books of an earlier one if there are; needs a running event loop.

    Raises:
        StartError: the source cannot price every symbol, or the books are of other symbols.
    """
    conduct = conduct or Conduct()
    rules = {symbol: listings[symbol].rules for symbol in sorted(source.symbols)}
    books = books or _new_books(rules, listings, seed)
    venue, views = books.venue, books.views
    if set(views) != set(rules):
        raise StartError(
            f"--state: kept books of {', '.join(sorted(views))}; trade the same symbols, or remove the file"
        )
    for account in accounts:
        if account.id not in venue.accounts():
            venue.open_account(account.id, account.balance)
    injector = Injector(lambda: player.elapsed_s)
    hub = Hub(injector)
    publisher = Publisher(hub, views, venue)
    pusher = Pusher(
        venue,
        hub,
        {account.id: account.uid for account in accounts},
        lambda: player.clock.now_ms(),
        delay_s=conduct.push_delay_s,
        topic_order=conduct.topic_order,
        seed=seed,
    )
    player = Player(
        source,
        venue,
        views,
        publisher,
        pusher.flush,
        speed=speed or Speed(),
        epoch_ms=epoch_ms,
        not_before_ms=books.at_ms + STEP_MS,
    )
    desk = SymbolDesk(venue, listings, views, player, publisher)
    actor = Actor(venue, hub, injector, desk, player.clock.now_ms, pusher.flush)
    player.before_step = lambda at_ms: actor.act_due()
    return Exchange(
        listings=listings,
        accounts={account.id: account for account in accounts},
        conduct=conduct,
        venue=venue,
        views=views,
        publisher=publisher,
        player=player,
        pusher=pusher,
        hub=hub,
        authenticator=Authenticator(accounts),
        budgets=AccountBudgets(default_limits(conduct.order_rate)),
        addresses=AddressBudgets(conduct.ip_rate),
        connects=AddressBudgets(conduct.connect_limit, CONNECT_WINDOW_MS),
        trade_requests=AddressBudgets(TRADE_REQUESTS, WINDOW_MS),
        injector=injector,
        actor=actor,
    )


def _new_books(rules: Mapping[str, Instrument], listings: Mapping[str, Listing], seed: int) -> Books:
    venue = Venue(rules.values(), seed=seed, maker_fee=MAKER_FEE, taker_fee=TAKER_FEE)
    return Books(venue, {symbol: SymbolView(rules[symbol], listings[symbol].row) for symbol in rules})
