"""Figures that follow from several streams or from the time: PnL of open positions, age of the wallet figures."""

from decimal import Decimal
from typing import Protocol

from hedgegrid.domain.money import to_money_step
from hedgegrid.domain.order import Leg
from hedgegrid.metrics.market_projection import MarketProjection
from hedgegrid.metrics.streams import Account
from hedgegrid.runtime.clock import Clock
from hedgegrid.runtime.metric_names import Metrics


class Refreshed(Protocol):
    """Something that is brought up to date from time to time."""

    def refresh(self) -> None: ...


class Derived:
    """Gauges of what no single stream tells."""

    def __init__(
        self,
        metrics: Metrics,
        accounts: list[tuple[Account, tuple[str, ...]]],
        market: MarketProjection,
        clock: Clock,
    ) -> None:
        self._metrics = metrics
        self._accounts = accounts
        self._market = market
        self._clock = clock

    def refresh(self) -> None:
        """Set the gauges anew."""
        for account, symbols in self._accounts:
            age_ms = wallet_age_ms(account, self._clock)
            if age_ms is not None:
                self._metrics.margin_rate_age.labels(account.id).set(age_ms / 1000)
            for symbol in symbols:
                for leg in Leg:
                    pnl = unrealised(account, self._market, symbol, leg)
                    if pnl is not None:
                        self._metrics.unrealised_pnl.labels(account.id, symbol, leg.word).set(float(pnl))


def unrealised(account: Account, market: MarketProjection, symbol: str, leg: Leg) -> Decimal | None:
    """Return the leg's PnL at the newest mark price; None before position and price are known."""
    labels = (account.id, symbol, leg.word)
    qty = account.events.table.get(Metrics.position_qty, *labels)
    entry = account.events.table.get(Metrics.entry_price, *labels)
    tick = market.ticks.get(symbol)
    if qty is None or entry is None or tick is None:
        return None
    return to_money_step(leg.sign * qty * (tick.mark_px - entry))


def wallet_age_ms(account: Account, clock: Clock) -> int | None:
    """Return the age of the wallet figures; None if there were none yet."""
    received = account.events.memory.wallet_ms
    return max(0, clock.now_ms() - received) if received else None
