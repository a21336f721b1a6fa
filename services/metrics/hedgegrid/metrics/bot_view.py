"""One bot of the state document: prices, state and why, and for each leg position, ladder and result."""

from decimal import Decimal
from typing import Any

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Leg
from hedgegrid.metrics.bot_books import BotBooks, LegBooks, ladder, take_profits
from hedgegrid.metrics.derived import unrealised
from hedgegrid.metrics.event_projection import STATES
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.streams import Account
from hedgegrid.metrics.table import ZERO, Table
from hedgegrid.runtime.config import AccountConfig, BotConfig, bot_dry_run
from hedgegrid.runtime.metric_names import Metrics

DENIED_SHOWN_MS = 15 * 60_000
"""The core tells a denial of its own caps again every ten minutes while it lasts."""
_COMPONENTS = ("gross", "fees", "funding")


def bot_view(
    account: Account,
    config: AccountConfig,
    bot: BotConfig,
    market: MarketProjection,
    books: BotBooks | None,
    readable: bool,
    now_ms: int,
) -> dict[str, Any]:
    """Return the bot's part of the document; `books` None where there is no stored state, or none `readable`."""
    symbol = bot.symbol
    tick = market.ticks.get(symbol)
    daily = account.ledger.memory.daily
    return {
        "account": account.id,
        "symbol": symbol,
        "strategy": bot.strategy,
        "leverage": plain(bot.leverage),
        "dry_run": bot_dry_run(config, bot),
        "last_px": text(tick.last_px if tick else None),
        "mark_px": text(tick.mark_px if tick else None),
        "tick_ms": tick.ts_event if tick else None,
        "received_ms": tick.ts_init if tick else None,
        "tick_size": text(books.instrument.tick_size if books and books.instrument else None),
        "state": str(books.trading_state) if books else state_of(account.ledger.table, account.id, symbol),
        "why": books.why if books else "",
        "stage": books.stage.name if books else None,
        "readable": readable,
        "reconciled": books.reconciled if books else None,
        "mismatches": books.mismatches if books else 0,
        "max_levels": books.max_levels if books else None,
        "net_today": text(daily.of(now_ms, 1, symbol)),
        "orders": _orders(account, symbol),
        "commands": _by_label(account.commands.table, Metrics.commands.name, account.id, symbol),
        "legs": {leg.word: _leg(account, symbol, leg, market, books, now_ms) for leg in Leg},
    }


def _leg(
    account: Account, symbol: str, leg: Leg, market: MarketProjection, books: BotBooks | None, now_ms: int
) -> dict[str, Any]:
    events, ledger, labels = account.events.table, account.ledger.table, (account.id, symbol, leg.word)
    parts = {part: ledger.get(Metrics.realised_pnl, *labels, part) or ZERO for part in _COMPONENTS}
    return {
        "qty": text(events.get(Metrics.position_qty, *labels)),
        "entry_px": text(events.get(Metrics.entry_price, *labels)),
        "liq_px": text(events.get(Metrics.liquidation_price, *labels)),
        "unrealised": text(unrealised(account, market, symbol, leg)),
        "level": int(ledger.get(Metrics.grid_level, *labels) or 0),
        "working_orders": int(events.get(Metrics.working_orders, *labels) or 0),
        "cycles": int(ledger.get(Metrics.cycles, *labels) or 0),
        "fills": sum(_by_label(ledger, Metrics.fills.name, *labels).values()),
        "realised": {part: text(value) for part, value in parts.items()} | {"net": text(sum(parts.values(), ZERO))},
        "mismatch": text(ledger.get(Metrics.ledger_mismatch, *labels)),
    } | _plans(books, leg, now_ms)


def _plans(books: BotBooks | None, leg: Leg, now_ms: int) -> dict[str, Any]:
    """What only the bot itself knows."""
    held = books.leg(leg) if books else LegBooks()
    recently = now_ms - held.denied_ms < DENIED_SHOWN_MS
    return {
        "break_even_px": text(held.break_even_px),
        "opened_ms": held.cycle.opened_ms or None,
        "levels": [{"level": one.number, "px": text(one.px), "qty": text(one.qty)} for one in held.levels],
        "lines": [
            {"level": line.level, "px": text(line.price), "rests": line.rests}
            for line in (ladder(books, leg) if books else ())
        ],
        "exits": [{"px": text(order.price), "qty": text(order.qty)} for order in take_profits(held, leg)],
        "denied": held.denied if recently else "",
    }


def text(value: Decimal | None) -> str | None:
    """Decimal string of a figure, None where there is none."""
    return None if value is None else plain(value)


def flag(table: Table, feed: str, account: str) -> bool | None:
    """Whether a feed is up, None before it was heard of."""
    value = table.get(Metrics.feed_up, feed, account)
    return None if value is None else bool(value)


def state_of(table: Table, account: str, symbol: str) -> str | None:
    """Trading state as the streams told it."""
    return next((state for state in STATES if table.get(Metrics.trading_state, account, symbol, state)), None)


def _orders(account: Account, symbol: str) -> dict[str, int]:
    name = Metrics.orders.name
    submitted = _by_label(account.commands.table, name, account.id, symbol)
    return submitted | _by_label(account.events.table, name, account.id, symbol)


def _by_label(table: Table, metric: str, *head: str) -> dict[str, int]:
    """Sums by the last label of the series whose labels begin with `head`."""
    sums: dict[str, int] = {}
    for name, labels, value in table.rows():
        if name == metric and labels[: len(head)] == head:
            sums[labels[-1]] = sums.get(labels[-1], 0) + int(value)
    return sums
