"""The result of closing fills read over REST, whose rows lack `execPnl`.

`GET /v5/position/closed-pnl` gives, per closing order, the entry and exit value of what it closed; gross = ±(exit −
entry), which is the sum of the `execPnl` of its fills (bybit-v5.md 1.9, 2.4). With one fill that is its result to the
last digit. Several fills share the order's average entry price, each rounded to money steps and the newest taking
what is left, so that their sum is still the venue's. The split among them can differ from the venue's in the last
digit, or by more if an opening fill came between two closing ones; the sum over the order cannot.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from hedgegrid.bybit import parse
from hedgegrid.bybit.parse_fields import decimal_or_zero, integer_or_none
from hedgegrid.bybit.rest import RestClient, Row
from hedgegrid.domain.money import ZERO, to_money_step
from hedgegrid.domain.order import Side
from hedgegrid.messages.events import FundingPaid, OrderFilled

MINUTE_MS = 60_000
MARGINS_MS = (10 * MINUTE_MS, 60 * MINUTE_MS, 24 * 60 * MINUTE_MS, 7 * 24 * 60 * MINUTE_MS)
"""Closed-pnl rows are asked from this much before the oldest closing fill on, since a row may keep the time of its
order's first fill: the usual, and further back each time that a result was missing."""


class MissingResult(Exception):
    """The venue does not show the closed-pnl of some closing orders yet."""


class _Closing(NamedTuple):
    """Sums over the closed-pnl rows of one order."""

    qty: Decimal
    entry_value: Decimal
    exit_value: Decimal


def execution_rows(rows: Iterable[Row]) -> list[parse.ExecutionRow]:
    """Each `execId` once.

    Raises:
        ParseError, and what getting the rows raises.
    """
    return list({str(row.get("execId")): parse.row_of(parse.ExecutionRow, row) for row in rows}.values())


def executions_of(
    rest: RestClient, rows: Sequence[parse.ExecutionRow], symbol: str, ts_init: int, tried: int = 0
) -> list[OrderFilled | FundingPaid]:
    """Events of execution rows, oldest first. `tried` counts the earlier tries that missed a result.

    Raises:
        MissingResult, ParseError, VenueError, NotSent.
    """
    closing = [row for row in rows if parse.needs_gross(row)]
    gross: dict[str, Decimal] = {}
    if closing:
        oldest_ms = min(_row_age(row)[0] for row in closing)
        margin_ms = MARGINS_MS[min(tried, len(MARGINS_MS) - 1)]
        gross = gross_of(closing, rest.closed_pnl(symbol, max(1, oldest_ms - margin_ms)))
    events = (parse.rest_execution_event(row, gross.get(str(row.exec_id), ZERO), ts_init) for row in rows)
    return sorted((event for event in events if event is not None), key=_age)


def gross_of(closing: Iterable[parse.ExecutionRow], pnl_rows: Iterable[Row]) -> dict[str, Decimal]:
    """Result before fees of each closing fill, by `execId`.

    Raises:
        ParseError: a number is unreadable.
        MissingResult: names the orders whose closed-pnl is not there or not up to date.
    """
    orders: dict[str, list[parse.ExecutionRow]] = defaultdict(list)
    for row in closing:
        orders[str(row.order_id)].append(row)
    results = _closings(row for row in pnl_rows if str(row.get("orderId")) in orders)
    found: dict[str, Decimal] = {}
    missing: list[str] = []
    for order_id, fills in orders.items():
        result = results.get(order_id)
        closed = sum((decimal_or_zero("closedSize", fill.closed_size) for fill in fills), ZERO)
        if result is None or result.qty < closed:
            missing.append(order_id)
        else:
            found |= _split(sorted(fills, key=_row_age), result, complete=result.qty == closed)
    if missing:
        raise MissingResult(f"no closed-pnl yet for {', '.join(sorted(missing))}")
    return found


def _split(fills: list[parse.ExecutionRow], result: _Closing, complete: bool) -> dict[str, Decimal]:
    """`complete` = these fills are all the order has; else earlier ones lie outside of what was asked for."""
    sign = 1 if fills[0].side == Side.SELL.value else -1
    left = sign * (result.exit_value - result.entry_value)
    found: dict[str, Decimal] = {}
    for fill in fills:
        qty = decimal_or_zero("closedSize", fill.closed_size)
        gross = sign * (
            qty * decimal_or_zero("execPrice", fill.exec_price) - to_money_step(result.entry_value * qty / result.qty)
        )
        found[str(fill.exec_id)] = gross
        left -= gross
    if complete:
        found[str(fills[-1].exec_id)] += left
    return found


def _closings(pnl_rows: Iterable[Row]) -> dict[str, _Closing]:
    sums: dict[str, _Closing] = {}
    for row in pnl_rows:
        known = sums.get(str(row.get("orderId")), _Closing(ZERO, ZERO, ZERO))
        sums[str(row.get("orderId"))] = _Closing(
            known.qty + decimal_or_zero("closedSize", row.get("closedSize")),
            known.entry_value + decimal_or_zero("cumEntryValue", row.get("cumEntryValue")),
            known.exit_value + decimal_or_zero("cumExitValue", row.get("cumExitValue")),
        )
    return sums


def _row_age(row: parse.ExecutionRow) -> tuple[int, int]:
    return integer_or_none("execTime", row.exec_time) or 0, integer_or_none("seq", row.seq) or 0


def _age(event: OrderFilled | FundingPaid) -> tuple[int, int, Decimal]:
    """Times tie within a millisecond; then `seq`, then the less filled first."""
    if isinstance(event, OrderFilled):
        return event.ts_event, event.seq, -event.leaves_qty
    return event.ts_event, -1, ZERO
