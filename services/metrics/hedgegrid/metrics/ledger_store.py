"""The writer of the trade ledger: a batch lands whole or not at all, and a fact only once."""

import threading
from collections.abc import Iterable
from pathlib import Path

from hedgegrid.bus import codec
from hedgegrid.bus.reader import Entry
from hedgegrid.ledger.schema import open_for_writing
from hedgegrid.metrics.ledger_rows import LedgerRow, Values, rows_of
from hedgegrid.metrics.streams import AccountStream

_KEYS = {
    "fills": ("account", "symbol", "leg", "trade_id"),
    "funding": ("account", "symbol", "leg", "trade_id"),
    "cycles": ("account", "symbol", "leg", "cycle", "opened_ms"),
}
"""Money: a second fact under the same key must say the same."""


class LedgerStore:
    """One open ledger. Several threads may call, one at a time writes."""

    def __init__(self, path: Path) -> None:
        """Raises LedgerUnusable: see there."""
        self._connection = open_for_writing(path)
        self._lock = threading.Lock()

    def store(self, account: str, stream: AccountStream, entries: Iterable[Entry]) -> int:
        """Store entries of a stream durably; return how many were refused (kept in `refused`, not applied).

        Raises:
            sqlite3.Error: nothing of the batch was stored.
        """
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                refused = sum(self._take(account, stream, entry) for entry in entries)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        return refused

    def close(self) -> None:
        """Close the file; its write-ahead log is folded in."""
        with self._lock:
            self._connection.close()

    def _take(self, account: str, stream: AccountStream, entry: Entry) -> bool:
        """Store one entry; True if it was refused and was not before."""
        raw = entry.fields.get(codec.FIELD, b"")
        try:
            message = stream.decode(entry.fields)
        except codec.UnreadableMessage as error:
            return self._refuse(account, entry, str(error), raw)
        for row in rows_of(account, stream.name, entry.id, message):
            if not self._insert(row) and (reason := self._contradiction(row)):
                return self._refuse(account, entry, reason, raw)
        return False

    def _insert(self, row: LedgerRow) -> bool:
        """Insert a row; False if its key is there already."""
        columns, marks = ", ".join(row.values), ", ".join("?" * len(row.values))
        # Names come from our own rows, never from outside.
        statement = f"INSERT INTO {row.table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        return self._connection.execute(statement, list(row.values.values())).rowcount > 0

    def _contradiction(self, row: LedgerRow) -> str:
        """How a money row differs from the one stored under its key; "" if it says the same."""
        key = _KEYS.get(row.table)
        if key is None:
            return ""
        where = " AND ".join(f"{name} = ?" for name in key)
        statement = f"SELECT {', '.join(row.values)} FROM {row.table} WHERE {where}"  # noqa: S608
        stored = self._connection.execute(statement, [row.values[name] for name in key]).fetchone()
        before: Values = dict(zip(row.values, stored, strict=True))
        other = [name for name, value in row.values.items() if before[name] != value]
        if not other:
            return ""
        told = ", ".join(f"{name} {before[name]} then {row.values[name]}" for name in other)
        return f"{row.table} {' '.join(str(row.values[name]) for name in key)} was told differently before: {told}"

    def _refuse(self, account: str, entry: Entry, reason: str, raw: bytes) -> bool:
        values: Values = {
            "account": account,
            "stream": entry.stream,
            "entry_id": entry.id,
            "reason": reason,
            "raw": raw.decode(errors="backslashreplace"),
        }
        return self._insert(LedgerRow("refused", values))
