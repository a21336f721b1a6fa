"""`/api/state`: everything known now as one JSON document. Money and sizes are decimal strings, None = not known."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Leg
from hedgegrid.metrics.derived import unrealised, wallet_age_ms
from hedgegrid.metrics.event_projection import STATES, WHOLE_ACCOUNT
from hedgegrid.metrics.fleet_gauges import FleetGauges
from hedgegrid.metrics.market_projection import NO_ACCOUNT, MarketProjection
from hedgegrid.metrics.stream_gauges import StreamGauges
from hedgegrid.metrics.streams import Account
from hedgegrid.metrics.table import ZERO, Table
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.config_types import Mode
from hedgegrid.runtime.metric_names import Metrics

PATH = "/api/state"
FEEDS = ("public", "private")


class StatePage:
    def __init__(
        self,
        *,
        mode: Mode,
        accounts: list[tuple[Account, tuple[str, ...]]],
        market: MarketProjection,
        streams: StreamGauges,
        fleet: FleetGauges,
        clock: Clock,
    ) -> None:
        self._mode = mode
        self._accounts = accounts
        self._market = market
        self._streams = streams
        self._fleet = fleet
        self._clock = clock

    def render(self) -> tuple[str, bytes]:
        """Return content type and body."""
        return "application/json", msgspec.json.encode(self.state())

    def state(self) -> dict[str, Any]:
        """Return the document as plain data."""
        return {
            "ts_ms": self._clock.now_ms(),
            "mode": self._mode,
            "feeds": {"public": _flag(self._market.table, "public", NO_ACCOUNT)},
            "accounts": [self._account(account) for account, _ in self._accounts],
            "bots": [self._bot(account, symbol) for account, symbols in self._accounts for symbol in symbols],
            "services": [one for _, one in sorted(self._fleet.instances.copy().items())],
            "streams": {"length": self._streams.lengths.copy(), "lag": self._streams.lags.copy()},
            "dead_letters": sum(n for name, n in self._streams.lengths.copy().items() if name.endswith(":dead")),
        }

    def _account(self, account: Account) -> dict[str, Any]:
        table, name = account.events.table, account.id
        figures = {
            "equity": Metrics.wallet_equity,
            "balance": Metrics.wallet_balance,
            "available": Metrics.wallet_available,
            "im_rate": Metrics.initial_margin_rate,
            "mm_rate": Metrics.maintenance_margin_rate,
        }
        wallet: dict[str, Any] = {key: _text(table.get(metric, name)) for key, metric in figures.items()}
        return {
            "account": name,
            "state": _state(table, name, WHOLE_ACCOUNT),
            "wallet": wallet | {"age_ms": wallet_age_ms(account, self._clock)},
            "feeds": {feed: _flag(table, feed, name) for feed in FEEDS if _flag(table, feed, name) is not None},
            "reconnects": _sum(table, Metrics.feed_reconnects.name, {1: name}),
            "snapshots": _sum(table, Metrics.snapshots.name, {0: name}),
            "rest_calls": self._fleet.rest_calls[name].copy(),
            "leases": self._fleet.leases[name].copy(),
        }

    def _bot(self, account: Account, symbol: str) -> dict[str, Any]:
        tick = self._market.ticks.get(symbol)
        return {
            "account": account.id,
            "symbol": symbol,
            "last_px": _text(tick.last_px if tick else None),
            "mark_px": _text(tick.mark_px if tick else None),
            "tick_ms": tick.ts_event if tick else None,
            "state": _state(account.ledger.table, account.id, symbol),
            "orders": self._orders(account, symbol),
            "commands": _by_label(account.commands.table, Metrics.commands.name, account.id, symbol),
            "legs": {leg.word: self._leg(account, symbol, leg) for leg in Leg},
        }

    def _orders(self, account: Account, symbol: str) -> dict[str, int]:
        name = Metrics.orders.name
        submitted = _by_label(account.commands.table, name, account.id, symbol)
        return submitted | _by_label(account.events.table, name, account.id, symbol)

    def _leg(self, account: Account, symbol: str, leg: Leg) -> dict[str, Any]:
        events, ledger, labels = account.events.table, account.ledger.table, (account.id, symbol, leg.word)
        parts = {part: ledger.get(Metrics.realised_pnl, *labels, part) or ZERO for part in ("gross", "fees", "funding")}
        return {
            "qty": _text(events.get(Metrics.position_qty, *labels)),
            "entry_px": _text(events.get(Metrics.entry_price, *labels)),
            "unrealised": _text(unrealised(account, self._market, symbol, leg)),
            "level": int(ledger.get(Metrics.grid_level, *labels) or 0),
            "working_orders": int(events.get(Metrics.working_orders, *labels) or 0),
            "cycles": int(ledger.get(Metrics.cycles, *labels) or 0),
            "fills": _sum(ledger, Metrics.fills.name, dict(enumerate(labels))),
            "realised": {part: _text(value) for part, value in parts.items()}
            | {"net": _text(sum(parts.values(), ZERO))},
            "mismatch": _text(ledger.get(Metrics.ledger_mismatch, *labels)),
        }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _flag(table: Table, feed: str, account: str) -> bool | None:
    value = table.get(Metrics.feed_up, feed, account)
    return None if value is None else bool(value)


def _state(table: Table, account: str, symbol: str) -> str | None:
    return next((state for state in STATES if table.get(Metrics.trading_state, account, symbol, state)), None)


def _sum(table: Table, metric: str, where: dict[int, str]) -> int:
    """Sum of a counter over all series whose labels at these places have these values."""
    return int(sum(value for name, labels, value in table.rows() if name == metric and _matches(labels, where)))


def _by_label(table: Table, metric: str, account: str, symbol: str) -> dict[str, int]:
    """Sums by the last label."""
    sums: dict[str, int] = {}
    for name, labels, value in table.rows():
        if name == metric and labels[:2] == (account, symbol):
            sums[labels[-1]] = sums.get(labels[-1], 0) + int(value)
    return sums


def _matches(labels: tuple[str, ...], where: dict[int, str]) -> bool:
    return all(labels[place] == value for place, value in where.items())
