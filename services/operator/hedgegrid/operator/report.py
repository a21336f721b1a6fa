"""The run report: our figures beside the venue's own, and whatever does not agree. Pure."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Leg
from hedgegrid.operator.own_books import OwnBooks
from hedgegrid.operator.venue_books import VenueBooks, reused_ids, rivals

PHASES = ("startup", "steady", "reconcile", "audit")
PERCENTILES = {"p50": 0.50, "p99": 0.99, "p999": 0.999}
NS_PER_MS = 1_000_000

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBooks:
    """Everything the report needs to know of one account."""

    account: str
    symbols: tuple[str, ...]
    own: OwnBooks
    venue: VenueBooks
    rest_calls: Mapping[str, int] = field(default_factory=dict)
    """`<phase> <METHOD path>` → calls made."""
    ticks: Mapping[str, int] = field(default_factory=dict)


def build_report(accounts: Sequence[AccountBooks], wall_s: float) -> Json:
    """The report as the README describes it."""
    return {
        "bots": [_bot(books, symbol) for books in accounts for symbol in books.symbols],
        "rest_calls": _rest_calls(books.rest_calls for books in accounts),
        "latency_ms": {
            "tick_to_decision": percentiles(ns for books in accounts for ns in books.own.decision_ns),
            "tick_to_order_sent": percentiles(ns for books in accounts for ns in books.own.sending_ns),
        },
        "duplicates": sum(len(duplicates(books)) for books in accounts),
        "lost_fills": sum(len(lost_fills(books)) for books in accounts),
        "doubled_fills": sum(len(doubled_fills(books)) for books in accounts),
        "wall_s": round(wall_s, 3),
    }


def differences(accounts: Sequence[AccountBooks]) -> list[str]:
    """Each way in which our books and the venue's disagree; empty is what a good run gives."""
    found: list[str] = []
    for books in accounts:
        for word, ids in (
            ("placed twice", duplicates(books)),
            ("lost fills", lost_fills(books)),
            ("fills booked twice", doubled_fills(books)),
            ("fills the venue does not know", unknown_fills(books)),
        ):
            if ids:
                more = "" if len(ids) == 1 else f" and {len(ids) - 1} more"
                found.append(f"{books.account}: {len(ids)} {word} ({ids[0]}{more})")
        for symbol in _all_symbols(books):
            for leg in Leg:
                ours = books.own.leg(symbol, leg).realised
                venue = books.venue.position(symbol, leg).cum_realised
                if ours != venue:
                    found.append(
                        f"{books.account} {symbol} {leg.word}: ledger realised {plain(ours)},"
                        f" venue {plain(venue)}, difference {plain(venue - ours)}"
                    )
    return found


def duplicates(books: AccountBooks) -> list[str]:
    """Orders that should not exist: an id used again, or a second order alive in the same slot."""
    orders = books.venue.orders
    return reused_ids(orders) + [f"{one} beside {other}" for one, other in rivals(orders)]


def lost_fills(books: AccountBooks) -> list[str]:
    """Executions in the venue's books that no ledger row books."""
    return [trade_id for trade_id in books.venue.executions if trade_id not in books.own.booked]


def unknown_fills(books: AccountBooks) -> list[str]:
    """Trade ids in our ledger that the venue's books do not have."""
    return [trade_id for trade_id in books.own.booked if trade_id not in books.venue.executions]


def doubled_fills(books: AccountBooks) -> list[str]:
    """Trade ids that more than one ledger row books."""
    return [trade_id for trade_id, rows in books.own.booked.items() if rows > 1]


def percentiles(samples_ns: Iterable[int]) -> dict[str, float | None]:
    """Exact nearest-rank percentiles in ms; None where there was nothing to measure."""
    ranked = sorted(samples_ns)
    return {name: _nearest_rank(ranked, share) for name, share in PERCENTILES.items()}


def _nearest_rank(ranked: Sequence[int], share: float) -> float | None:
    if not ranked:
        return None
    return round(ranked[math.ceil(share * len(ranked)) - 1] / NS_PER_MS, 4)


def _all_symbols(books: AccountBooks) -> list[str]:
    """The bots' symbols first, then any other in either book."""
    others = {symbol for symbol, _ in books.own.legs} | {symbol for symbol, _ in books.venue.positions}
    return list(dict.fromkeys((*books.symbols, *sorted(others))))


def _bot(books: AccountBooks, symbol: str) -> Json:
    own, venue = books.own, books.venue
    return {
        "account": books.account,
        "symbol": symbol,
        "ticks": books.ticks.get(symbol, 0),
        "orders_sent": _count(own.sent, symbol),
        "orders_rejected": _count(own.rejected, symbol),
        "orders_denied": _count(own.denied, symbol),
        "fills": own.fills[symbol],
        "cycles_closed": own.cycles_closed[symbol],
        "ledger": {leg.word: _ledger(own, symbol, leg) for leg in Leg},
        "venue": {leg.word: {"cum_realised": plain(venue.position(symbol, leg).cum_realised)} for leg in Leg},
        "working_orders": venue.working_orders(symbol),
        "position": {leg.word: plain(venue.position(symbol, leg).qty) for leg in Leg},
    }


def _ledger(own: OwnBooks, symbol: str, leg: Leg) -> Json:
    result = own.leg(symbol, leg)
    return {
        "realised": plain(result.realised),
        "fees": plain(result.fees),
        "funding": plain(result.funding),
    }


def _count(orders: Mapping[str, str], symbol: str) -> int:
    return sum(owner == symbol for owner in orders.values())


def _rest_calls(accounts: Iterable[Mapping[str, int]]) -> Json:
    phases: dict[str, Counter[str]] = {phase: Counter() for phase in PHASES}
    for calls in accounts:
        for name, count in calls.items():
            phase, _, endpoint = name.partition(" ")
            phases.setdefault(phase, Counter())[endpoint] += count
    return {phase: dict(sorted(calls.items())) for phase, calls in phases.items()}
