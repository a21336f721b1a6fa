"""`/api/state`: everything known now as one JSON document. Money and sizes are decimal strings, None = not known."""

from decimal import Decimal
from typing import Any

import msgspec

from hedgegrid.domain.money import plain
from hedgegrid.domain.order import Leg
from hedgegrid.metrics.attention import needs
from hedgegrid.metrics.bot_gauges import BotGauges
from hedgegrid.metrics.bot_view import bot_view, flag, state_of, text
from hedgegrid.metrics.derived import wallet_age_ms
from hedgegrid.metrics.earned import WEEK, day_start_ms
from hedgegrid.metrics.event_projection import WHOLE_ACCOUNT
from hedgegrid.metrics.fleet_gauges import FleetGauges
from hedgegrid.metrics.market_projection import NO_ACCOUNT, MarketProjection
from hedgegrid.metrics.recent import RecentNews
from hedgegrid.metrics.stream_gauges import StreamGauges
from hedgegrid.metrics.streams import Account
from hedgegrid.metrics.table import ZERO, Table
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.config import AccountConfig, BotConfig, SystemConfig
from hedgegrid.runtime.heartbeat import TTL_MS
from hedgegrid.runtime.http_routes import Request, Response
from hedgegrid.runtime.metric_names import Metrics

PATH = "/api/state"
FEEDS = ("public", "private")
NEEDED = ("ws-gateway", "executor", "strategy")
"""Services without which nothing trades; the page itself comes from metrics."""


class StatePage:
    """The document, from projections and polled figures."""

    def __init__(
        self,
        *,
        config: SystemConfig,
        accounts: list[Account],
        market: MarketProjection,
        streams: StreamGauges,
        fleet: FleetGauges,
        bots: BotGauges,
        recent: RecentNews,
        clock: Clock,
        controllable: bool = False,
    ) -> None:
        self._config = config
        self._accounts = [(account, config.account(account.id)) for account in accounts]
        self._market = market
        self._streams = streams
        self._fleet = fleet
        self._bots = bots
        self._recent = recent
        self._clock = clock
        self._controllable = controllable

    def answer(self, request: Request) -> Response:
        """Answer `GET /api/state`."""
        body = msgspec.json.encode(self.state())
        return Response(content_type="application/json", body=body, headers={"Cache-Control": "no-store"})

    def state(self) -> dict[str, Any]:
        """Return the document as plain data."""
        services = [self._service(one) for _, one in sorted(self._fleet.instances.copy().items())]
        lengths = self._streams.lengths.copy()
        running = {one["service"] for one in services if one["age_ms"] <= TTL_MS}
        document: dict[str, Any] = {
            "ts_ms": self._clock.now_ms(),
            "mode": self._config.mode,
            "controllable": self._controllable,
            "feeds": {"public": flag(self._market.table, "public", NO_ACCOUNT)},
            "accounts": [self._account(account, config) for account, config in self._accounts],
            "bots": [self._bot(account, config, bot) for account, config in self._accounts for bot in config.bots],
            "services": services,
            "services_missing": [name for name in NEEDED if name not in running],
            "streams": {"length": lengths, "lag": self._streams.lags.copy()},
            "dead_letters": sum(n for name, n in lengths.items() if name.endswith(":dead")),
        }
        return document | {"attention": needs(document)}

    def history(self, request: Request) -> Response:
        """Answer `GET /api/history`: symbol → [time, price] pairs of the last half hour, oldest first."""
        points = {
            symbol: [(ts_ms, plain(price)) for ts_ms, price in self._market.history.points(symbol)]
            for symbol in self._config.symbols
        }
        body = msgspec.json.encode(points)
        return Response(content_type="application/json", body=body, headers={"Cache-Control": "no-store"})

    def _bot(self, account: Account, config: AccountConfig, bot: BotConfig) -> dict[str, Any]:
        key = account.id, bot.symbol
        books, readable = self._bots.books.get(key), key not in self._bots.unreadable
        return bot_view(account, config, bot, self._market, books, readable, self._clock.now_ms())

    def _service(self, one: Any) -> dict[str, Any]:
        """A silent instance beside a living one of its kind was replaced."""
        alive = any(
            other.service == one.service and other.instance != one.instance and other.age_ms <= TTL_MS
            for other in self._fleet.instances.copy().values()
        )
        return {
            "service": one.service,
            "instance": one.instance,
            "ready": one.ready and one.age_ms <= TTL_MS,
            "age_ms": one.age_ms,
            "replaced": one.age_ms > TTL_MS and alive,
        }

    def _account(self, account: Account, config: AccountConfig) -> dict[str, Any]:
        table, name = account.events.table, account.id
        figures = {
            "equity": Metrics.wallet_equity,
            "balance": Metrics.wallet_balance,
            "available": Metrics.wallet_available,
            "im_rate": Metrics.initial_margin_rate,
            "mm_rate": Metrics.maintenance_margin_rate,
        }
        wallet: dict[str, Any] = {key: text(table.get(metric, name)) for key, metric in figures.items()}
        memory = account.events.memory
        wallet |= {"received_ms": memory.wallet_ms or None, "age_ms": wallet_age_ms(account, self._clock)}
        return {
            "account": name,
            "dry_run": config.dry_run,
            "state": state_of(table, name, WHOLE_ACCOUNT),
            "stage": memory.stage.name if memory.stage_ms else None,
            "stage_cause": memory.stage_cause,
            "stage_ms": memory.stage_ms or None,
            "kill": memory.kill.name if memory.kill is not None else None,
            "kill_reason": memory.kill_reason,
            "wallet": wallet,
            "net": self._net(account),
            "holds": any(table.get(Metrics.position_qty, name, b.symbol, leg.word) for b in config.bots for leg in Leg),
            "feeds": {feed: flag(table, feed, name) for feed in FEEDS if flag(table, feed, name) is not None},
            "reconnects": _sum(table, Metrics.feed_reconnects.name, {1: name}),
            "snapshots": _sum(table, Metrics.snapshots.name, {0: name}),
            "rest_calls": self._fleet.rest_calls[name].copy(),
            "leases": self._fleet.leases[name].copy(),
            "recent": self._recent.of(name),
        }

    def _net(self, account: Account) -> dict[str, Any]:
        """Realised, costs inside. A period that began before its rows were counted by day says since when it counts."""
        now_ms, daily = self._clock.now_ms(), account.ledger.memory.daily
        net: dict[str, Any] = {"all": text(_total(account.ledger.table))}
        for word, days in (("today", 1), ("week", WEEK)):
            net[word] = text(daily.of(now_ms, days))
            net[f"{word}_since_ms"] = max(day_start_ms(now_ms, days), daily.since_ms)
        return net


def _total(table: Table) -> Decimal:
    return sum((value for name, _, value in table.rows() if name == Metrics.realised_pnl.name), ZERO)


def _sum(table: Table, metric: str, where: dict[int, str]) -> int:
    """Sum of a counter over all series whose labels at these places have these values."""
    rows = (value for name, labels, value in table.rows() if name == metric and _matches(labels, where))
    return int(sum(rows))


def _matches(labels: tuple[str, ...], where: dict[int, str]) -> bool:
    return all(labels[place] == value for place, value in where.items())
