"""How trades and reports leave the program: CSV and JSON with exact decimals, or a table for the screen."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal

from rich.table import Table

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.ledger.reading import Fill, Funding
from hedgegrid.operator.earnings import Earnings, Share

Record = Mapping[str, str | int | None]

_SHOWN_PLACES = Decimal("0.0001")
_LEFT_ALIGNED = frozenset(
    {"time", "period", "account", "bot", "leg", "kind", "side", "purpose", "trade_id", "order_id"}
)
_NOT_ON_SCREEN = frozenset({"trade_id", "order_id", "exec_type", "ts_ms", "rate"})


def trade_records(fills: Iterable[Fill], fundings: Iterable[Funding], zone: tzinfo) -> list[Record]:
    """Every booked execution and funding payment as one record, oldest first; `net` is what it did to the wallet."""
    rows: list[tuple[int, Record]] = [(fill.ts_ms, _fill(fill, zone)) for fill in fills]
    rows += [(payment.ts_ms, _funding(payment, zone)) for payment in fundings]
    return [record for _, record in sorted(rows, key=lambda row: row[0])]


def report_records(sums: Mapping[Share, Earnings]) -> list[Record]:
    """One record per period, bot and leg."""
    return [
        {"period": share.period, "account": share.account, "bot": share.symbol, "leg": share.leg} | _sums(one)
        for share, one in sums.items()
    ]


def total_record(whole: Earnings) -> Record:
    """The last line of a report."""
    return {"period": "total", "account": "", "bot": "", "leg": ""} | _sums(whole)


def as_csv(records: Sequence[Record]) -> str:
    """Text with a header line; empty for no records."""
    if not records:
        return ""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def as_json(value: object) -> str:
    """Indented JSON; amounts are strings, since a JSON number may not hold them exactly."""
    return json.dumps(value, indent=2) + "\n"


def as_table(records: Sequence[Record]) -> Table:
    """A table for people: amounts rounded to four places."""
    table = Table(box=None, pad_edge=False)
    columns = [name for name in (records[0] if records else ()) if name not in _NOT_ON_SCREEN]
    for name in columns:
        table.add_column(name, justify="left" if name in _LEFT_ALIGNED else "right")
    for record in records:
        table.add_row(*(_short(record[name]) for name in columns))
    return table


def _fill(fill: Fill, zone: tzinfo) -> Record:
    purpose = Purpose(fill.purpose) if fill.purpose else None
    return {
        "time": _time(fill.ts_ms, zone),
        "ts_ms": fill.ts_ms,
        "account": fill.account,
        "bot": fill.symbol,
        "leg": fill.leg,
        "kind": "trade",
        "side": fill.side or _side(fill.leg, purpose),
        "purpose": purpose.name.lower() if purpose else "",
        "cycle": fill.cycle,
        "level": fill.level,
        "qty": plain(fill.qty),
        "px": plain(fill.px),
        "notional": plain(fill.qty * fill.px),
        "gross": plain(fill.gross),
        "fee": plain(fill.fee),
        "funding": "0",
        "net": plain(fill.gross - fill.fee),
        "liquidity": "maker" if fill.is_maker else "taker",
        "rate": "",
        "exec_type": fill.exec_type,
        "trade_id": fill.trade_id,
        "order_id": fill.client_order_id,
    }


def _funding(payment: Funding, zone: tzinfo) -> Record:
    return {
        "time": _time(payment.ts_ms, zone),
        "ts_ms": payment.ts_ms,
        "account": payment.account,
        "bot": payment.symbol,
        "leg": payment.leg,
        "kind": "funding",
        "side": "",
        "purpose": "",
        "cycle": payment.cycle,
        "level": "",
        "qty": "",
        "px": "",
        "notional": "",
        "gross": "0",
        "fee": "0",
        "funding": plain(payment.amount),
        "net": plain(-payment.amount),
        "liquidity": "",
        "rate": plain(payment.rate),
        "exec_type": "Funding",
        "trade_id": payment.trade_id,
        "order_id": "",
    }


def _side(leg: str, purpose: Purpose | None) -> str:
    if purpose is None:
        return ""
    one = Leg[leg.upper()]
    return str(one.closing_side if purpose.closes else one.opening_side)


def _sums(one: Earnings) -> dict[str, str | int | None]:
    return {
        "gross": plain(one.gross),
        "fees": plain(one.fees),
        "funding": plain(one.funding),
        "net": plain(one.net),
        "volume": plain(one.volume),
        "fills": one.fills,
        "cycles": len(one.cycles),
        "win_rate": _or_none(one.win_rate),
        "best_cycle": _or_none(one.best),
        "worst_cycle": _or_none(one.worst),
    }


def _or_none(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _time(ts_ms: int, zone: tzinfo) -> str:
    moment = datetime.fromtimestamp(ts_ms // 1000, zone).replace(microsecond=ts_ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds")


def _short(value: str | int | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, str) and "." in value:
        try:
            rounded = Decimal(value).quantize(_SHOWN_PLACES)
        except ArithmeticError:  # a time or a name with a dot in it
            return value
        return plain(rounded)
    return str(value)
