"""What the venue holds of one symbol, read over REST while no command of the symbol is on its way.

Positions → open orders → ended orders and executions → positions again; when a position moved meanwhile everything is
read anew, so that the parts fit together (reliability §5.6). The account's wallet comes last.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from hedgegrid.bybit import parse
from hedgegrid.bybit.errors import Kind, VenueError
from hedgegrid.bybit.rest import RestClient, Row
from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.instrument import Instrument
from hedgegrid.executor.closing_gross import execution_rows, executions_of
from hedgegrid.messages.commands import RequestSnapshot
from hedgegrid.messages.events import (
    OrderAccepted,
    OrderCanceled,
    OrderCompleted,
    OrderRejected,
    PositionChanged,
    SnapshotTaken,
)
from hedgegrid.runtime.clock import Clock

ROUNDS = 5
"""Times everything is read before a symbol that keeps moving is given up for now."""
DEFAULT_PAGES = 10
"""Pages of history read when no start was asked for: 500 orders, 1000 executions."""
HISTORY_MARGIN_MS = 600_000
"""Orders made so long before the time asked for are read too, as the venue sorts them by `createdTime`. Of one that
rested for longer and ended since, the fills are read all the same; that it ended without one shows in its absence."""

Ended = OrderCompleted | OrderCanceled | OrderRejected

_log = logging.getLogger(__name__)


class Unstable(Exception):
    """Positions moved during every round."""


def take_snapshot(
    rest: RestClient, clock: Clock, wish: RequestSnapshot, instrument: Instrument, tried: int = 0
) -> SnapshotTaken:
    """Read the symbol until its parts fit together. `tried` counts the earlier tries that missed a fill's result.

    Raises:
        VenueError, NotSent: a call failed. ParseError: a row is not understood. MissingResult: a fill's result is not
        shown yet. Unstable: see there. Nothing may be concluded from any of them.
    """
    symbol, since_ms = wish.symbol, wish.executions_since_ms
    before, _ = _positions(rest, clock, symbol)
    for _ in range(ROUNDS):
        now_ms = clock.now_ms()
        lives = _Lives(symbol)
        orders = _Orders(since_ms, now_ms)
        orders.see(lives.of(rest.open_orders(symbol)))
        orders.see(lives.of(rest.closed_orders(symbol)))
        orders.see(lives.of(_history(rest, symbol, since_ms)))
        fills = execution_rows(lives.of(rest.executions(symbol, since_ms, *_at_most(since_ms))))
        after, venue_ms = _positions(rest, clock, symbol)
        if _marks(before) != _marks(after):
            before = after
            continue
        executions = executions_of(rest, fills, symbol, now_ms, tried)
        wallet_row, wallet_ms = rest.wallet()
        return SnapshotTaken(
            symbol=symbol,
            reason=wish.reason,
            instrument=instrument,
            positions=after,
            open_orders=orders.open,
            ended_orders=orders.ended,
            executions=tuple(executions),
            wallet=parse.wallet_event(parse.row_of(parse.WalletRow, wallet_row), clock.now_ms(), wallet_ms or None),
            highest_life=lives.highest,
            request=wish.request,
            ts_event=venue_ms or clock.now_ms(),
        )
    raise Unstable(f"the positions of {symbol} changed during each of {ROUNDS} readings")


def read_instrument(rest: RestClient, symbol: str) -> Instrument:
    """Trading rules and risk tiers as the venue states them now.

    A venue without a risk-limit table leaves the tiers empty: then the lowest tier that the largest leverage implies
    holds for any size.

    Raises:
        VenueError, NotSent, ParseError.
    """
    rules = parse.instrument(parse.row_of(parse.InstrumentRow, rest.instrument(symbol)))
    try:
        rows = rest.risk_limit(symbol)
    except VenueError as error:
        if error.outcome.kind is not Kind.REJECTED:
            raise
        _log.warning("%s: no risk-limit table (%s); its lowest tier is taken for all sizes", symbol, error)
        return rules
    return replace(rules, risk_tiers=parse.risk_tiers(parse.row_of(parse.RiskLimitRow, row) for row in rows))


def _history(rest: RestClient, symbol: str, since_ms: int) -> Iterator[Row]:
    start_ms = max(1, since_ms - HISTORY_MARGIN_MS) if since_ms else 0
    return rest.order_history(symbol, start_ms, *_at_most(since_ms))


def _at_most(since_ms: int) -> tuple[int, ...]:
    """Everything from a given time on is needed whole; without one, the recent past is enough."""
    return () if since_ms else (DEFAULT_PAGES,)


def _positions(rest: RestClient, clock: Clock, symbol: str) -> tuple[tuple[PositionChanged, ...], int]:
    rows, venue_ms = rest.positions(symbol)
    now_ms = clock.now_ms()
    events = (parse.position_event(parse.row_of(parse.PositionRow, row), now_ms) for row in rows)
    return tuple(sorted((e for e in events if e is not None), key=lambda e: e.leg)), venue_ms


def _marks(positions: Iterable[PositionChanged]) -> list[tuple[Any, ...]]:
    """What changes with every fill; mark price and unrealised result change all the time."""
    return [(p.leg, p.seq, p.qty, p.entry_px) for p in positions]


class _Orders:
    """Each order once, by its newest row: one that ended while the pages were read counts as ended.

    Rows are used up as they come: whoever trades fast has thousands in the hour that the history is read back. What
    ended before the time asked for was told earlier.
    """

    def __init__(self, since_ms: int, ts_init: int) -> None:
        self._since_ms = since_ms
        self._ts_init = ts_init
        self._newest: dict[str, OrderAccepted | Ended] = {}

    def see(self, rows: Iterable[Row]) -> None:
        for row in rows:
            event = parse.order_event(parse.row_of(parse.OrderRow, row), self._ts_init)
            if event is None or (isinstance(event, Ended) and event.ts_event < self._since_ms):
                continue
            order_id = str(row.get("orderId"))
            if order_id not in self._newest or _recency(event) > _recency(self._newest[order_id]):
                self._newest[order_id] = event

    @property
    def open(self) -> tuple[OrderAccepted, ...]:
        return tuple(event for event in self._in_order() if isinstance(event, OrderAccepted))

    @property
    def ended(self) -> tuple[Ended, ...]:
        return tuple(event for event in self._in_order() if isinstance(event, Ended))

    def _in_order(self) -> list[OrderAccepted | Ended]:
        return sorted(self._newest.values(), key=lambda event: event.ts_event)


def _recency(event: OrderAccepted | Ended) -> tuple[bool, int]:
    return isinstance(event, Ended), event.ts_event


class _Lives:
    """The highest life in any of our ids among the rows that pass by."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self.highest = 0

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            parts = parse_client_order_id(str(row.get("orderLinkId") or ""))
            if parts is not None and parts.symbol == self._symbol:
                self.highest = max(self.highest, parts.life)
            yield row
