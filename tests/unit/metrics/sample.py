"""Builders of messages as the other services write them, with the values that a test does not care about filled in."""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.ids import ClientOrderId
from hedgegrid.domain.instrument import Instrument
from hedgegrid.domain.order import ExecType, Leg, OrderType, Purpose, Side, TimeInForce
from hedgegrid.messages import commands as cm
from hedgegrid.messages import events as ev
from hedgegrid.messages import ledger as lg
from hedgegrid.messages.market import QuoteTick

ACCOUNT = "acct"
BTC = "BTCUSDT"
NOW_MS = 1_760_000_000_000


def d(text: str | int) -> Decimal:
    return Decimal(text)


def order_id(sequence: int = 1, leg: Leg = Leg.LONG, symbol: str = BTC) -> str:
    return str(ClientOrderId(1, symbol, leg, Purpose.ENTRY, 0, sequence))


def submit(**given: Any) -> cm.SubmitOrder:
    fields: dict[str, Any] = {
        "symbol": BTC, "leg": Leg.LONG, "client_order_id": order_id(), "side": Side.BUY,
        "order_type": OrderType.LIMIT, "qty": d("0.01"), "price": d(50000),
        "time_in_force": TimeInForce.POST_ONLY, "reduce_only": False,
    }  # fmt: skip
    return cm.SubmitOrder(**(fields | given))


def acked(client_order_id: str = "", **given: Any) -> ev.OrderAcked:
    fields: dict[str, Any] = {"symbol": BTC, "ts_event": NOW_MS, "command": ev.CommandKind.SUBMIT}
    return ev.OrderAcked(client_order_id=client_order_id or order_id(), **(fields | given))


def accepted(client_order_id: str = "", **given: Any) -> ev.OrderAccepted:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "leg": Leg.LONG, "venue_order_id": "v1", "side": Side.BUY,
        "qty": d("0.01"), "price": d(50000), "cum_qty": d(0), "reduce_only": False, "ts_init": NOW_MS,
    }  # fmt: skip
    return ev.OrderAccepted(client_order_id=client_order_id or order_id(), **(fields | given))


def filled(client_order_id: str = "", **given: Any) -> ev.OrderFilled:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "leg": Leg.LONG, "venue_order_id": "v1", "trade_id": "t1",
        "side": Side.BUY, "exec_type": ExecType.TRADE, "last_qty": d("0.01"), "last_px": d(50000),
        "closed_qty": d(0), "leaves_qty": d(0), "fee": d("0.1"), "gross": d(0), "is_maker": True, "seq": 1,
        "ts_init": NOW_MS,
    }  # fmt: skip
    return ev.OrderFilled(client_order_id=client_order_id or order_id(), **(fields | given))


def completed(client_order_id: str = "", **given: Any) -> ev.OrderCompleted:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "leg": Leg.LONG, "venue_order_id": "v1", "cum_qty": d("0.01"),
        "avg_px": d(50000), "ts_init": NOW_MS,
    }  # fmt: skip
    return ev.OrderCompleted(client_order_id=client_order_id or order_id(), **(fields | given))


def canceled(client_order_id: str = "", **given: Any) -> ev.OrderCanceled:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "leg": Leg.LONG, "venue_order_id": "v1", "cum_qty": d(0),
        "reason": "CancelByUser", "ts_init": NOW_MS,
    }  # fmt: skip
    return ev.OrderCanceled(client_order_id=client_order_id or order_id(), **(fields | given))


def rejected(client_order_id: str = "", **given: Any) -> ev.OrderRejected:
    fields: dict[str, Any] = {"symbol": BTC, "ts_event": NOW_MS, "code": 110007, "reason": "no balance"}
    return ev.OrderRejected(client_order_id=client_order_id or order_id(), **(fields | given))


def denied(client_order_id: str = "", **given: Any) -> ev.OrderDenied:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "command": ev.CommandKind.SUBMIT, "reason": ev.DenyReason.DRY_RUN,
    }  # fmt: skip
    return ev.OrderDenied(client_order_id=client_order_id or order_id(), **(fields | given))


def position(**given: Any) -> ev.PositionChanged:
    fields: dict[str, Any] = {
        "symbol": BTC, "leg": Leg.LONG, "qty": d("0.01"), "entry_px": d(50000), "mark_px": d(50100),
        "liq_px": None, "leverage": d(5), "cum_realised": d(0), "seq": 1, "ts_event": NOW_MS, "ts_init": NOW_MS,
    }  # fmt: skip
    return ev.PositionChanged(**(fields | given))


def wallet(**given: Any) -> ev.WalletChanged:
    fields: dict[str, Any] = {
        "equity": d(1000), "wallet_balance": d(990), "available": d(900), "im_rate": d("0.1"),
        "mm_rate": d("0.02"), "ts_event": NOW_MS, "ts_init": NOW_MS,
    }  # fmt: skip
    return ev.WalletChanged(**(fields | given))


def snapshot(**given: Any) -> ev.SnapshotTaken:
    fields: dict[str, Any] = {
        "symbol": BTC, "reason": ev.SnapshotReason.RECONNECT, "instrument": instrument(), "positions": (),
        "open_orders": (), "ended_orders": (), "executions": (), "wallet": wallet(), "highest_life": 1,
        "request": 1, "ts_event": NOW_MS,
    }  # fmt: skip
    return ev.SnapshotTaken(**(fields | given))


def instrument() -> Instrument:
    return Instrument(
        symbol=BTC, tick_size=d("0.1"), qty_step=d("0.001"), min_qty=d("0.001"), max_limit_qty=d(100),
        max_market_qty=d(50), min_notional=d(5), min_price=d("0.1"), max_price=d(2_000_000),
        min_leverage=d(1), max_leverage=d(100), leverage_step=d("0.01"),
    )  # fmt: skip


def fill(**given: Any) -> lg.FillBooked:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "leg": Leg.LONG, "cycle": 1, "level": 0, "purpose": Purpose.ENTRY,
        "client_order_id": order_id(), "trade_id": "t1", "exec_type": ExecType.TRADE, "qty": d("0.01"),
        "px": d(50000), "gross": d(0), "fee": d("0.1"), "is_maker": True,
    }  # fmt: skip
    return lg.FillBooked(**(fields | given))


def funding(**given: Any) -> lg.FundingBooked:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "leg": Leg.LONG, "cycle": 1, "trade_id": "f1", "amount": d("0.05"),
        "rate": d("0.0001"),
    }  # fmt: skip
    return lg.FundingBooked(**(fields | given))


def cycle_closed(**given: Any) -> lg.CycleClosed:
    fields: dict[str, Any] = {
        "symbol": BTC, "ts_event": NOW_MS, "leg": Leg.LONG, "cycle": 1, "opened_ms": NOW_MS, "levels": 1,
        "qty": d("0.01"), "entry_px": d(50000), "exit_px": d(50500), "gross": d(5), "entry_fees": d("0.1"),
        "exit_fees": d("0.1"), "funding": d(0), "net": d("4.8"),
    }  # fmt: skip
    return lg.CycleClosed(**(fields | given))


def tick(**given: Any) -> QuoteTick:
    fields: dict[str, Any] = {
        "symbol": BTC, "last_px": d(50000), "mark_px": d(50100), "bid_px": d("49999.9"), "ask_px": d("50000.1"),
        "ts_event": NOW_MS, "ts_init": NOW_MS, "cause_ns": NOW_MS * 1_000_000,
    }  # fmt: skip
    return QuoteTick(**(fields | given))
