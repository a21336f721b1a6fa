"""The ledger's tables, and how a file is opened and brought up to date.

Every table is a set of facts under a natural key, so that writing a fact twice, or facts in another order, gives the
same file. Amounts are TEXT with exact decimals, times integer ms UTC, legs `long` or `short`. Costs keep the sign of
the messages: a fee or a funding above 0 was paid.
"""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

BUSY_TIMEOUT_S = 10.0

_FIRST = """
CREATE TABLE fills (
    account TEXT NOT NULL, symbol TEXT NOT NULL, leg TEXT NOT NULL, trade_id TEXT NOT NULL, ts_ms INTEGER NOT NULL,
    cycle INTEGER NOT NULL, level INTEGER NOT NULL, purpose TEXT, client_order_id TEXT NOT NULL,
    exec_type TEXT NOT NULL, qty TEXT NOT NULL, px TEXT NOT NULL, gross TEXT NOT NULL, fee TEXT NOT NULL,
    is_maker INTEGER NOT NULL, PRIMARY KEY (account, symbol, leg, trade_id)
) STRICT;
CREATE INDEX fills_by_time ON fills (ts_ms);

CREATE TABLE funding (
    account TEXT NOT NULL, symbol TEXT NOT NULL, leg TEXT NOT NULL, trade_id TEXT NOT NULL, ts_ms INTEGER NOT NULL,
    cycle INTEGER NOT NULL, amount TEXT NOT NULL, rate TEXT NOT NULL, PRIMARY KEY (account, symbol, leg, trade_id)
) STRICT;
CREATE INDEX funding_by_time ON funding (ts_ms);

CREATE TABLE cycles (
    account TEXT NOT NULL, symbol TEXT NOT NULL, leg TEXT NOT NULL, cycle INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL, ts_ms INTEGER NOT NULL, levels INTEGER NOT NULL, qty TEXT NOT NULL,
    entry_px TEXT NOT NULL, exit_px TEXT NOT NULL, gross TEXT NOT NULL, entry_fees TEXT NOT NULL,
    exit_fees TEXT NOT NULL, funding TEXT NOT NULL, net TEXT NOT NULL,
    PRIMARY KEY (account, symbol, leg, cycle, opened_ms)
) STRICT;
CREATE INDEX cycles_by_time ON cycles (ts_ms);

-- What the venue said of every execution; funding is one of exec_type Funding, its amount in fee.
CREATE TABLE executions (
    account TEXT NOT NULL, symbol TEXT NOT NULL, leg TEXT NOT NULL, trade_id TEXT NOT NULL, ts_ms INTEGER NOT NULL,
    client_order_id TEXT NOT NULL, venue_order_id TEXT NOT NULL, side TEXT, exec_type TEXT NOT NULL,
    qty TEXT NOT NULL, px TEXT NOT NULL, fee TEXT NOT NULL, gross TEXT NOT NULL, is_maker INTEGER,
    PRIMARY KEY (account, symbol, leg, trade_id)
) STRICT;

-- One row per thing that happened to an order; the same news from socket and REST is one row.
CREATE TABLE order_events (
    account TEXT NOT NULL, symbol TEXT NOT NULL, order_id TEXT NOT NULL, kind TEXT NOT NULL, ts_ms INTEGER NOT NULL,
    side TEXT NOT NULL, qty TEXT NOT NULL, px TEXT NOT NULL, cum_qty TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (account, symbol, order_id, kind, ts_ms, qty, px, cum_qty, detail)
) STRICT, WITHOUT ROWID;

-- Whatever else was said, whole: states, wishes, baselines, differences, risk stages.
CREATE TABLE journal (
    account TEXT NOT NULL, stream TEXT NOT NULL, entry_id TEXT NOT NULL, ts_ms INTEGER NOT NULL,
    symbol TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (account, stream, entry_id)
) STRICT;
CREATE INDEX journal_by_kind ON journal (kind, ts_ms);

CREATE VIEW state_changes AS
    SELECT account, symbol, ts_ms, body ->> '$.state' AS state, body ->> '$.reason' AS reason,
        body ->> '$.actor' AS actor
    FROM journal WHERE kind IN ('StateChanged', 'TradingStateChanged');

-- Entries that could not be read, and facts that came a second time with other content: kept, never applied.
CREATE TABLE refused (
    account TEXT NOT NULL, stream TEXT NOT NULL, entry_id TEXT NOT NULL, reason TEXT NOT NULL, raw TEXT NOT NULL,
    PRIMARY KEY (account, stream, entry_id)
) STRICT;
"""

MIGRATIONS = (_FIRST,)
"""Script n leads from version n to n + 1. Released scripts are never edited, only followed by others."""


class LedgerUnusable(Exception):
    """The file is missing, no ledger, or of a version this program does not know; the text says what to do."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the file, made if need be, at the newest version; for the one writer.

    Every commit is on disk before it returns, and readers do not block it (WAL).

    Raises:
        LedgerUnusable: it cannot be opened, or is not ours to write.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise LedgerUnusable(f"the ledger {path} cannot be opened: {error}") from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        migrate(connection, MIGRATIONS, time.time_ns() // 1_000_000)
    except sqlite3.Error as error:
        connection.close()
        raise LedgerUnusable(f"{path} cannot be used as a ledger: {error}; name another file") from error
    except LedgerUnusable:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open an existing ledger read-only, while it may be written.

    Raises:
        LedgerUnusable: there is none, or it is of another version.
    """
    if not path.is_file():
        raise LedgerUnusable(f"no ledger at {path}: has the metrics service run with HEDGEGRID_LEDGER_PATH set to it?")
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)
        version = version_of(connection)
    except sqlite3.Error as error:
        raise LedgerUnusable(f"{path} cannot be read as a ledger: {error}") from error
    if version != len(MIGRATIONS):
        connection.close()
        raise LedgerUnusable(
            f"the ledger {path} has version {version}, this program reads {len(MIGRATIONS)}:"
            " run both of the same release (the metrics service brings older files up to date)"
        )
    return connection


def migrate(connection: sqlite3.Connection, scripts: Sequence[str], now_ms: int) -> None:
    """Bring a file to version `len(scripts)`; each step lands whole or not at all.

    Raises:
        LedgerUnusable: a newer program wrote it.
    """
    version = version_of(connection)
    if version > len(scripts):
        raise LedgerUnusable(
            f"the ledger has version {version}, this program knows {len(scripts)}: run the newer program again"
        )
    for number in range(version, len(scripts)):
        note = f"INSERT INTO schema_version VALUES ({number + 1}, {now_ms});"  # noqa: S608 - two ints of our own
        table = "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, applied_ms INTEGER) STRICT;"
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {table} {scripts[number]} {note} COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def version_of(connection: sqlite3.Connection) -> int:
    """Version of a file, 0 for an empty one."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").fetchone()
    if known is None:
        return 0
    newest = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    return int(newest[0] or 0)
