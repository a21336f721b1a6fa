"""Rows of the ledger as typed facts, picked by account, bot and time, oldest first."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rows are wanted; None = any. `since_ms` is in, `until_ms` is out, both UTC."""

    account: str | None = None
    symbol: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class Fill(NamedTuple):
    """One booked execution. `side` as the venue said it, "" where its own word was not kept."""

    account: str
    symbol: str
    leg: str
    trade_id: str
    ts_ms: int
    cycle: int
    level: int
    purpose: str | None
    client_order_id: str
    exec_type: str
    side: str
    qty: Decimal
    px: Decimal
    gross: Decimal
    fee: Decimal
    is_maker: bool


class Funding(NamedTuple):
    """One booked funding payment; `amount` above 0 was paid."""

    account: str
    symbol: str
    leg: str
    trade_id: str
    ts_ms: int
    cycle: int
    amount: Decimal
    rate: Decimal


class Cycle(NamedTuple):
    """One closed round of a leg."""

    account: str
    symbol: str
    leg: str
    cycle: int
    opened_ms: int
    ts_ms: int
    levels: int
    qty: Decimal
    entry_px: Decimal
    exit_px: Decimal
    gross: Decimal
    entry_fees: Decimal
    exit_fees: Decimal
    funding: Decimal
    net: Decimal


class Doubts(NamedTuple):
    """What a reader of figures must know: how many entries were refused, executions not booked, differences told."""

    refused: int
    unbooked: int
    differences: int


_FILLS = """
SELECT f.account, f.symbol, f.leg, f.trade_id, f.ts_ms, f.cycle, f.level, f.purpose, f.client_order_id, f.exec_type,
    coalesce(e.side, ''), f.qty, f.px, f.gross, f.fee, f.is_maker
FROM fills f LEFT JOIN executions e USING (account, symbol, leg, trade_id)
WHERE {where} ORDER BY f.ts_ms, f.account, f.symbol, f.leg, f.trade_id
"""
_FUNDING = """
SELECT f.account, f.symbol, f.leg, f.trade_id, f.ts_ms, f.cycle, f.amount, f.rate
FROM funding f WHERE {where} ORDER BY f.ts_ms, f.account, f.symbol, f.leg, f.trade_id
"""
_CYCLES = """
SELECT f.account, f.symbol, f.leg, f.cycle, f.opened_ms, f.ts_ms, f.levels, f.qty, f.entry_px, f.exit_px, f.gross,
    f.entry_fees, f.exit_fees, f.funding, f.net
FROM cycles f WHERE {where} ORDER BY f.ts_ms, f.account, f.symbol, f.leg, f.cycle
"""
_UNBOOKED = """
SELECT count(*) FROM executions f WHERE {where}
AND NOT EXISTS (SELECT 1 FROM fills b WHERE (b.account, b.symbol, b.leg, b.trade_id)
    = (f.account, f.symbol, f.leg, f.trade_id))
AND NOT EXISTS (SELECT 1 FROM funding b WHERE (b.account, b.symbol, b.leg, b.trade_id)
    = (f.account, f.symbol, f.leg, f.trade_id))
AND f.ts_ms > (SELECT min(ts_ms) FROM journal j
    WHERE j.kind = 'BaselineTaken' AND j.account = f.account AND j.symbol = f.symbol)
"""
_DIFFERENCES = "SELECT count(*) FROM journal f WHERE f.kind = 'DifferenceFound' AND {where}"


def fills(ledger: sqlite3.Connection, selection: Selection) -> Iterator[Fill]:
    """Booked executions."""
    for row in _rows(ledger, _FILLS, selection):
        yield Fill(*row[:11], *map(Decimal, row[11:15]), *map(bool, row[15:]))


def fundings(ledger: sqlite3.Connection, selection: Selection) -> Iterator[Funding]:
    """Booked funding payments."""
    for row in _rows(ledger, _FUNDING, selection):
        yield Funding(*row[:6], *map(Decimal, row[6:]))


def cycles(ledger: sqlite3.Connection, selection: Selection) -> Iterator[Cycle]:
    """Closed cycles, picked by when they closed."""
    for row in _rows(ledger, _CYCLES, selection):
        yield Cycle(*row[:7], *map(Decimal, row[7:]))


def doubts(ledger: sqlite3.Connection, selection: Selection) -> Doubts:
    """What stands against the figures of a selection; refused entries are counted for the whole ledger."""
    (refused,) = ledger.execute("SELECT count(*) FROM refused").fetchone()
    ((unbooked,),) = _rows(ledger, _UNBOOKED, selection)
    ((differences,),) = _rows(ledger, _DIFFERENCES, selection)
    return Doubts(refused, unbooked, differences)


def _rows(ledger: sqlite3.Connection, statement: str, selection: Selection) -> Iterator[tuple[Any, ...]]:
    conditions = {
        "f.account = ?": selection.account,
        "f.symbol = ?": selection.symbol,
        "f.ts_ms >= ?": selection.since_ms,
        "f.ts_ms < ?": selection.until_ms,
    }
    given = {text: value for text, value in conditions.items() if value is not None}
    where = " AND ".join(given) or "TRUE"
    yield from ledger.execute(statement.format(where=where), list(given.values()))
