"""What the executor of one account keeps over all its terms, whoever holds the lease in between."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import redis

from hedgegrid.bybit.rest import RestClient
from hedgegrid.executor.controls import Controls
from hedgegrid.executor.interlocks import Interlocks
from hedgegrid.executor.kill_switch import KillSwitch
from hedgegrid.executor.redis_run import RedisRun
from hedgegrid.executor.rest_calls import RestCalls
from hedgegrid.executor.sent_mark import SentMark
from hedgegrid.executor.settings import ExecutorSettings
from hedgegrid.executor.venue_door import VenueDoor
from hedgegrid.messages.market import QuoteTick
from hedgegrid.runtime.config import AccountConfig
from hedgegrid.runtime.service import ServiceContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """`last_quote` asks the market streams; None when there is none to be had."""

    context: ServiceContext
    settings: ExecutorSettings
    config: AccountConfig
    client: redis.Redis
    rest: RestClient
    calls: RestCalls
    door: VenueDoor
    mark: SentMark
    controls: Controls
    interlocks: Interlocks
    redis_run: RedisRun
    kill: KillSwitch
    last_quote: Callable[[str], QuoteTick | None]

    def last_price(self, symbol: str) -> Decimal | None:
        """USDT, or None."""
        quote = self.last_quote(symbol)
        return None if quote is None else quote.last_px
