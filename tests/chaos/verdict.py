"""What is wrong at a quiet moment, by the exchange's own books: the demo's report, and orders only one side knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from hedgegrid.domain.money import ZERO
from hedgegrid.domain.order import Leg
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.operator.collect import Collector
from hedgegrid.operator.report import AccountBooks, differences, doubled_fills, duplicates, lost_fills, unknown_fills
from tests.chaos.sight import BotSight
from tests.chaos.world import NeverHappened, World

CALM_TIMEOUT_S = 60.0
"""An order that is proven absent takes three looks over 10 s after the receive window."""
AGREE_TIMEOUT_S = 15.0
"""A state without commands is committed within a second; a snapshot may have to come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    lost_fills: int = 0
    duplicated_orders: int = 0
    doubled_fills: int = 0
    orphan_orders: int = 0
    """Open at the venue and unknown to the bot, or the other way round; and positions that differ."""
    pnl_difference: Decimal = ZERO
    """Σ |ledger − venue| of the realised result over all legs, in quote coin."""
    halted: int = 0
    """Bots that do not trade any more."""
    fills: int = 0
    said: tuple[str, ...] = field(default=())

    @property
    def clean(self) -> bool:
        return not self.said


def judge(world: World) -> Verdict:
    """Hold the market still until nothing moves, compare, and let it move again."""
    if not world.admin.pause():
        raise NeverHappened("the exchange does not pause")
    try:
        collector = Collector(config=world.plan.config, admin=world.admin, books=world.books)
        accounts = collector.collect(CALM_TIMEOUT_S, world.poll)
        venue = {books.account: books for books in accounts}
        try:
            world.until(lambda: not _strays(world.sights(), venue), AGREE_TIMEOUT_S, "states that agree with the venue")
        except NeverHappened:
            accounts = collector.collect(CALM_TIMEOUT_S, world.poll)
            venue = {books.account: books for books in accounts}
        return verdict_of(accounts, world.sights())
    finally:
        world.admin.start()


def verdict_of(accounts: list[AccountBooks], sights: list[BotSight]) -> Verdict:
    strays = _strays(sights, {books.account: books for books in accounts})
    halted = [
        f"{' '.join(sight.bot)} is {sight.state.trading_state}: {sight.state.why}"
        for sight in sights
        if sight.state.trading_state is not TradingState.ACTIVE
    ]
    return Verdict(
        lost_fills=sum(len(lost_fills(books)) for books in accounts),
        duplicated_orders=sum(len(duplicates(books)) for books in accounts),
        doubled_fills=sum(len(doubled_fills(books)) + len(unknown_fills(books)) for books in accounts),
        orphan_orders=len(strays),
        pnl_difference=sum((_pnl_difference(books) for books in accounts), ZERO),
        halted=len(halted),
        fills=sum(books.own.fills.total() for books in accounts),
        said=(*differences(accounts), *strays, *halted),
    )


def _pnl_difference(books: AccountBooks) -> Decimal:
    return sum(
        (
            abs(books.own.leg(symbol, leg).realised - books.venue.position(symbol, leg).cum_realised)
            for symbol in books.symbols
            for leg in Leg
        ),
        ZERO,
    )


def _strays(sights: list[BotSight], accounts: Mapping[str, AccountBooks]) -> list[str]:
    found: list[str] = []
    for sight in sights:
        account, symbol = sight.bot
        venue = accounts[account].venue
        there = {o.client_order_id for o in venue.orders if o.ended_ms is None and o.symbol == symbol}
        known = sight.open_orders
        found += [f"{account} {symbol}: {id_} rests at the venue and the bot does not know it" for id_ in there - known]
        found += [f"{account} {symbol}: the bot believes in {id_}, which does not rest" for id_ in known - there]
        for leg in sight.state.legs:
            there_qty = venue.position(symbol, leg.leg).qty
            if leg.book.qty != there_qty:
                found.append(f"{account} {symbol} {leg.leg.word}: book {leg.book.qty}, venue {there_qty}")
    return found
