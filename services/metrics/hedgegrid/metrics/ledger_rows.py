"""From messages to rows of the trade ledger. Pure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from hedgegrid.domain.money import plain
from hedgegrid.messages import commands as cm
from hedgegrid.messages import events as ev
from hedgegrid.messages import ledger as lg
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale

Values = dict[str, str | int | None]

_MONEY_ROWS = {lg.FillBooked: "fills", lg.FundingBooked: "funding", lg.CycleClosed: "cycles"}
_PASSING = (ev.PositionChanged, ev.WalletChanged, cm.RequestSnapshot, FeedConnected, FeedLost, FeedStale)
"""What is shown live and is no part of a trade's history."""


class LedgerRow(NamedTuple):
    table: str
    values: Values


def rows_of(account: str, stream: str, entry_id: str, message: Message) -> Iterator[LedgerRow]:
    """What an entry adds to the ledger; nothing for figures of the moment such as positions and wallets."""
    match message:
        case lg.FillBooked() | lg.FundingBooked() | lg.CycleClosed():
            yield LedgerRow(_MONEY_ROWS[type(message)], _columns(account, message))
        case ev.OrderFilled() | ev.FundingPaid():
            yield LedgerRow("executions", _execution(account, message))
        case ev.SnapshotTaken():
            for found in message.executions:
                yield LedgerRow("executions", _execution(account, found))
            for ended in message.ended_orders:
                yield LedgerRow("order_events", _order_event(account, ended))
        case ev.OrderEvent():
            yield LedgerRow("order_events", _order_event(account, message))
        case cm.OrderCommand():
            yield LedgerRow("order_events", _command(account, message, entry_id))
        case _ if isinstance(message, _PASSING):
            return
        case _:
            yield LedgerRow("journal", _note(account, stream, entry_id, message))


def _columns(account: str, row: lg.LedgerRow) -> Values:
    """The fields of a ledger message under their own names."""
    values: Values = {"account": account, "ts_ms": row.ts_event}
    for name in row.__struct_fields__:
        if name not in ("v", "ts_event"):
            values[name] = _value(getattr(row, name))
    values["leg"] = row.leg.word  # type: ignore[attr-defined]
    return values


def _execution(account: str, execution: ev.OrderFilled | ev.FundingPaid) -> Values:
    values: Values = {
        "account": account,
        "symbol": execution.symbol,
        "leg": execution.leg.word,
        "trade_id": execution.trade_id,
        "ts_ms": execution.ts_event,
    }
    if isinstance(execution, ev.FundingPaid):
        return values | {
            "client_order_id": "", "venue_order_id": "", "side": None, "exec_type": "Funding",
            "qty": plain(execution.qty), "px": plain(execution.mark_px), "fee": plain(execution.amount),
            "gross": "0", "is_maker": None,
        }  # fmt: skip
    return values | {
        "client_order_id": execution.client_order_id,
        "venue_order_id": execution.venue_order_id,
        "side": str(execution.side),
        "exec_type": str(execution.exec_type),
        "qty": plain(execution.last_qty),
        "px": plain(execution.last_px),
        "fee": plain(execution.fee),
        "gross": plain(execution.gross),
        "is_maker": int(execution.is_maker),
    }


def _order_event(account: str, event: ev.OrderEvent) -> Values:
    return _order_row(account, event, event.ts_event)


def _command(account: str, command: cm.OrderCommand, entry_id: str) -> Values:
    """`issued_ms` is 0 in commands that no worker stamped; the stream's own clock tells then."""
    return _order_row(account, command, command.issued_ms or int(entry_id.partition("-")[0]))


def _order_row(account: str, message: ev.OrderEvent | cm.OrderCommand, ts_ms: int) -> Values:
    def text(name: str) -> str:
        return str(_value(getattr(message, name, None)) or "")

    venue_order_id = text("venue_order_id")
    return {
        "account": account,
        "symbol": message.symbol,
        "order_id": message.client_order_id or f"venue:{venue_order_id}",
        "kind": type(message).__name__,
        "ts_ms": ts_ms,
        "side": text("side"),
        "qty": text("qty"),
        "px": text("price") or text("avg_px"),
        "cum_qty": text("cum_qty"),
        "detail": " ".join(part for part in (text("command"), text("code"), text("reason"), text("text")) if part),
    }


def _note(account: str, stream: str, entry_id: str, message: Message) -> Values:
    # A command to cancel everything carries no venue time; the stream's own clock tells then.
    told: Any = getattr(message, "ts_event", 0) or getattr(message, "issued_ms", 0)
    return {
        "account": account,
        "stream": stream,
        "entry_id": entry_id,
        "ts_ms": told or int(entry_id.partition("-")[0]),
        "symbol": getattr(message, "symbol", None) or "",
        "kind": type(message).__name__,
        "body": msgspec.json.encode(message).decode(),
    }


def _value(value: Any) -> str | int | None:
    match value:
        case Decimal():
            return plain(value)
        case bool():
            return int(value)
        case int() | None:
            return value
        case _:
            return str(value)
