"""Trades as a Parquet file, for whoever computes on them: amounts are exact decimals, the time is an instant."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hedgegrid.operator.ledger_output import Record, as_csv

AMOUNT = "DECIMAL(38, 18)"
"""As many places as no venue gives; 20 digits before them."""
TYPES = {
    "time": "TIMESTAMPTZ",
    "ts_ms": "BIGINT",
    "account": "VARCHAR",
    "bot": "VARCHAR",
    "leg": "VARCHAR",
    "kind": "VARCHAR",
    "side": "VARCHAR",
    "purpose": "VARCHAR",
    "cycle": "INTEGER",
    "level": "INTEGER",
    "qty": AMOUNT,
    "px": AMOUNT,
    "notional": AMOUNT,
    "gross": AMOUNT,
    "fee": AMOUNT,
    "funding": AMOUNT,
    "net": AMOUNT,
    "liquidity": "VARCHAR",
    "rate": AMOUNT,
    "exec_type": "VARCHAR",
    "trade_id": "VARCHAR",
    "order_id": "VARCHAR",
}


def as_parquet(trades: Sequence[Record]) -> bytes:
    """A file of `ledger_output.trade_records`; one without rows has the columns all the same."""
    import duckdb  # 70 MB that no other command needs

    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
        text, file = Path(folder, "trades.csv"), Path(folder, "trades.parquet")
        text.write_text(as_csv(trades) or ",".join(TYPES) + "\n")
        rows = database.read_csv(str(text), header=True, delimiter=",", quotechar='"', escapechar='"', columns=TYPES)
        rows.write_parquet(str(file))
        return file.read_bytes()
