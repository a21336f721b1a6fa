"""What a person wants to be told of the streams' messages, in a few words; most messages are no news."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.domain.ids import parse_client_order_id
from hedgegrid.domain.kill import KillLevel
from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Leg, Purpose
from hedgegrid.domain.risk import RiskStage
from hedgegrid.domain.trading_state import TradingState
from hedgegrid.messages import events as ev
from hedgegrid.messages import ledger as lg
from hedgegrid.messages.base import Message
from hedgegrid.messages.feed import FeedConnected, FeedLost, FeedStale

GOOD, PLAIN, WARN, BAD = "good", "plain", "warn", "bad"
_WORDS = {
    Purpose.ENTRY: "entry",
    Purpose.AVERAGING: "averaging",
    Purpose.TAKE_PROFIT: "take-profit",
    Purpose.CLOSE: "close",
    Purpose.REDUCE: "reduce",
    Purpose.STOP: "stop-loss",
    Purpose.EMERGENCY: "emergency close",
}

_STATE_TONES = {TradingState.ACTIVE: GOOD, TradingState.HALTED: BAD, TradingState.FLATTEN: BAD}


class News(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` fill|order|cycle|alert; `tone` good|plain|warn|bad; `symbol` "" for the whole account."""

    ts_ms: int
    kind: str
    tone: str
    text: str
    symbol: str = ""
    leg: str = ""
    price: str | None = None
    """Of a fill."""


def news_of(message: Message) -> News | None:
    """Return what to tell of a message; None for nothing."""
    if isinstance(message, ev.OrderEvent):
        return _order(message)
    if isinstance(message, lg.LedgerRow):
        return _ledger(message)
    return _account(message)


def _order(message: ev.OrderEvent) -> News | None:
    ours = parse_client_order_id(message.client_order_id)
    what = _what(ours.purpose, ours.level) if ours else "foreign order"
    leg = ours.leg if ours else getattr(message, "leg", None)

    def told(kind: str, tone: str, text: str) -> News:
        return _news(message, kind, tone, f"{what} {text}", leg)

    match message:
        case ev.OrderAccepted() if message.cum_qty == 0:
            return told("order", PLAIN, f"works: {message.side} {plain(message.qty)} at {plain(message.price)}")
        case ev.OrderCanceled():
            return told("order", PLAIN, _cancelled(message.reason))
        case ev.OrderDenied() if message.reason is ev.DenyReason.DRY_RUN:
            return told("order", PLAIN, f"{message.command} not sent: dry run")
        case ev.OrderDenied():
            return told("alert", WARN, f"{message.command} denied, {message.reason}: {message.text}")
        case ev.OrderRejected():
            return told("alert", WARN, f"rejected by the venue, {message.code}: {message.reason}")
    return None


def _ledger(message: lg.LedgerRow) -> News | None:
    match message:
        case lg.FillBooked():
            return _fill(message)
        case lg.FundingBooked():
            tone = GOOD if message.amount < 0 else PLAIN
            return _news(message, "fill", tone, f"funding {_signed(-message.amount)} USDT", message.leg)
        case lg.CycleClosed():
            return _cycle(message)
        case lg.StateChanged():
            text = f"{message.state}: {message.reason} ({message.actor})"
            return _news(message, "alert", _STATE_TONES.get(message.state, WARN), text)
        case lg.MismatchFound():
            return _news(message, "alert", BAD, f"position not explained by our books: {message.text}", message.leg)
        case lg.MismatchResolved():
            return _news(message, "alert", GOOD, f"mismatch answered with {message.action}: {message.outcome}")
        case lg.DifferenceFound():
            text = f"realised result differs from the venue's by {_signed(message.amount)} USDT"
            return _news(message, "alert", BAD, text, message.leg)
        case lg.OpeningDenied():
            return _news(message, "alert", WARN, f"{_WORDS[message.purpose]} held back: {message.reason}", message.leg)
        case lg.ConfigChanged():
            changes = ", ".join(f"{one.field} {one.old or 'none'} → {one.new or 'none'}" for one in message.changes)
            return _news(message, "alert", PLAIN, f"config changed: {changes}")
    return None


def _fill(fill: lg.FillBooked) -> News:
    what = _what(fill.purpose, fill.level) if fill.purpose else "unasked fill"
    result = f", {_signed(fill.gross)} USDT" if fill.gross else ""
    taken = "maker" if fill.is_maker else "taker"
    text = f"{what}: {plain(fill.qty)} at {plain(fill.px)} ({taken}){result}"
    tone = PLAIN if not fill.gross else GOOD if fill.gross > 0 else BAD
    return msgspec.structs.replace(_news(fill, "fill", tone, text, fill.leg), price=plain(fill.px))


def _cycle(cycle: lg.CycleClosed) -> News:
    lasted = _span(max(cycle.ts_event - cycle.opened_ms, 0))
    levels = "1 level" if cycle.levels == 1 else f"{cycle.levels} levels"
    text = f"cycle {cycle.cycle} closed: {_signed(cycle.net)} USDT net, {levels}, {lasted}"
    return _news(cycle, "cycle", GOOD if cycle.net > 0 else BAD, text, cycle.leg)


def _account(message: Message) -> News | None:
    match message:
        case ev.RiskStageChanged():
            tone = {RiskStage.NORMAL: GOOD, RiskStage.WARN: WARN}.get(message.stage, BAD)
            return _news(message, "alert", tone, f"account guard {message.stage.name}: {message.cause}")
        case ev.TradingStateChanged():
            return _news(message, "alert", WARN, f"{message.state}: {message.reason} ({message.actor})")
        case ev.SnapshotFailed():
            return _news(message, "alert", WARN, f"snapshot failed: {message.text}")
        case FeedLost():
            return _news(message, "alert", WARN, f"{message.feed} feed lost: {message.reason}")
        case FeedStale():
            return _news(message, "alert", WARN, f"{message.feed} feed silent for {message.age_ms / 1000:.0f} s")
        case FeedConnected():
            return _news(message, "alert", GOOD, f"{message.feed} feed connected")
        case ev.KillSwitchChanged(level=None):
            return _news(message, "alert", WARN, f"kill switch cleared: {message.reason} ({message.source})")
        case ev.KillSwitchChanged(level=KillLevel() as level):
            return _news(message, "alert", BAD, f"kill switch {level.name}: {message.reason} ({message.source})")
    return None


def _news(message: Any, kind: str, tone: str, text: str, leg: Leg | None = None) -> News:
    symbol = getattr(message, "symbol", None) or ""
    return News(
        ts_ms=message.ts_event, kind=kind, tone=tone, text=text, symbol=symbol, leg=leg.word if leg is not None else ""
    )


def _cancelled(reason: str) -> str:
    """The venue says `CancelByUser/EC_PerCancelRequest` of what we asked for ourselves."""
    return "cancelled, as asked" if reason.startswith("CancelByUser") else f"cancelled: {reason}"


def _what(purpose: Purpose, level: int) -> str:
    """Levels are counted from 1 where people see them."""
    return f"averaging L{level + 1}" if purpose is Purpose.AVERAGING else _WORDS[purpose]


def _span(ms: int) -> str:
    if ms < 120_000:
        return f"{ms / 1000:.0f} s"
    return f"{ms / 60_000:.0f} min" if ms < 120 * 60_000 else f"{ms / 3_600_000:.1f} h"


def _signed(amount: Decimal) -> str:
    """At most four decimals: these are words for people, the ledger keeps the digits."""
    return f"{amount:+.4f}".rstrip("0").rstrip(".").replace("-", "−")
