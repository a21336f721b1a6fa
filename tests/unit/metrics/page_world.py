"""A state page over projections that a test fills."""

import json
from typing import Any

from hedgegrid.bus.reader import START
from hedgegrid.metrics.bot_gauges import BotGauges
from hedgegrid.metrics.fleet_gauges import FleetGauges, Instance
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.recent import RecentNews
from hedgegrid.metrics.state_page import NEEDED, StatePage
from hedgegrid.metrics.stream_gauges import StreamGauges
from hedgegrid.metrics.streams import Account, open_account
from hedgegrid.runtime.clock import ManualClock
from hedgegrid.runtime.config import parse_config
from hedgegrid.runtime.http_routes import Request
from hedgegrid.runtime.metric_names import Metrics
from tests.unit.metrics.sample import ACCOUNT, BTC, NOW_MS

ETH = "ETHUSDT"
CONFIG = f"""
[[accounts]]
id = "{ACCOUNT}"
[[accounts.bots]]
symbol = "{BTC}"
leverage = 5
[[accounts.bots]]
symbol = "{ETH}"
leverage = 5
dry_run = true
"""


class Given:
    """`clock` stands 1.5 s after the sample messages."""

    def __init__(self) -> None:
        symbols: dict[str, tuple[str, ...]] = {ACCOUNT: (BTC, ETH)}
        metrics = Metrics()
        self.account: Account = open_account(ACCOUNT)
        self.market = MarketProjection()
        self.bots = BotGauges(metrics, symbols)
        self.fleet = FleetGauges(metrics, symbols)
        self.streams = StreamGauges(metrics, symbols, lambda _: START)
        self.clock = ManualClock(NOW_MS + 1500)
        self.page = StatePage(
            config=parse_config(CONFIG),
            accounts=[self.account],
            market=self.market,
            streams=self.streams,
            fleet=self.fleet,
            bots=self.bots,
            recent=RecentNews([ACCOUNT]),
            clock=self.clock,
        )

    def everything_runs(self) -> None:
        """Every service lives and is ready."""
        for name in NEEDED:
            self.fleet.instances[name] = Instance(name, f"{name}-1", ready=True, age_ms=100, seen_ms=NOW_MS)

    def shown(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.page.answer(Request(headers={})).body)
        return document

    def texts(self) -> list[str]:
        """What needs attention."""
        return [one["text"] for one in self.shown()["attention"]]
